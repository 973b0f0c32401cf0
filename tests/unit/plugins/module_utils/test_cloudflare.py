# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which records change: ours to what is wanted, those of others never."""

from __future__ import annotations

import json

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import cloudflare as cf
from ansible_collections.kronos.homelab.plugins.module_utils import cloudflare_api as api
from hypothesis import given
from hypothesis import strategies as st

WISH = cf.Wish(
    base="https://api.example",
    owner="atlas",
    records={"www.home.example": True, "vpn.home.example": False},
    services={4: ("four", "four-again"), 6: ("six",)},
    addresses={},
    token_file="/none",
    state_file="/none",
)
HOME = {4: "9.9.9.9", 6: "2620:fe::fe"}
ZONE = "home.example"


def record(name, kind="A", content="9.9.9.9", proxied=False, comment="managed by kronos.homelab atlas", number=1):
    full = {"name": name, "type": kind, "content": content, "proxied": proxied, "ttl": 1, "comment": comment}
    return {"id": f"{name}-{kind}-{number}", **full}


STANDS = [
    record("www.home.example", proxied=True),
    record("www.home.example", "AAAA", "2620:fe::fe", proxied=True),
    record("vpn.home.example"),
    record("vpn.home.example", "AAAA", "2620:fe::fe"),
]
FOREIGN = record("www.home.example", comment=None)


def steps(change):
    return sorted((step.action, step.record["name"].partition(".")[0], step.record["type"]) for step in change.steps)


@pytest.mark.parametrize(
    ("there", "home", "wanted", "taken"),
    [
        (STANDS, HOME, [], ()),
        (STANDS[1:], HOME, [("create", "www", "A")], ()),
        (STANDS, {**HOME, 4: "8.8.8.8"}, [("update", "vpn", "A"), ("update", "www", "A")], ()),
        (STANDS, {4: "9.9.9.9"}, [], ()),  # nobody tells the other address: its records stay
        ([], {4: "9.9.9.9"}, [("create", "vpn", "A"), ("create", "www", "A")], ()),
        ([*STANDS, record("old.home.example")], HOME, [("delete", "old", "A")], ()),
        ([*STANDS, record("old.home.example", comment="managed by kronos.homelab other")], HOME, [], ()),
        ([*STANDS, record("old.home.example", comment=None)], HOME, [], ()),
        ([*STANDS, record("WWW.home.example", "TXT", "x", comment=None)], HOME, [], ()),
        ([*STANDS, record("vpn.home.example", number=2)], HOME, [("delete", "vpn", "A")], ()),
        ([{**STANDS[0], "proxied": False}, *STANDS[1:]], HOME, [("update", "www", "A")], ()),
        ([{**STANDS[0], "ttl": 300}, *STANDS[1:]], HOME, [("update", "www", "A")], ()),
        ([FOREIGN, *STANDS[2:]], HOME, [], ("www.home.example",)),
        (
            [record("www.home.example", "CNAME", "x.example", comment="mine"), *STANDS[2:]],
            HOME,
            [],
            ("www.home.example",),
        ),
    ],
)
def test_plan(there, home, wanted, taken):
    change = cf.plan(WISH, home, {ZONE: there})
    assert (steps(change), change.taken) == (wanted, taken)
    assert len(change.diff) == len(wanted)


def test_a_version_of_ip_that_is_not_wanted_loses_its_records():
    wish = cf.Wish(**{**vars(WISH), "services": {4: ("four",)}})
    assert steps(cf.plan(wish, HOME, {ZONE: STANDS})) == [("delete", "vpn", "AAAA"), ("delete", "www", "AAAA")]


MANY = st.lists(
    st.builds(
        record,
        st.sampled_from(["www.home.example", "vpn.home.example", "old.home.example"]),
        st.sampled_from(["A", "AAAA", "CNAME", "TXT"]),
        st.sampled_from(["9.9.9.9", "2620:fe::fe", "x"]),
        st.booleans(),
        st.sampled_from([None, "mine", "managed by kronos.homelab atlas", "managed by kronos.homelab"]),
        st.integers(1, 9),
    ),
    max_size=8,
    unique_by=lambda each: each["id"],
)


@given(there=MANY)
def test_a_strangers_record_is_never_touched_and_the_second_look_finds_nothing(there):
    change = cf.plan(WISH, HOME, {ZONE: there})
    strange = {each["id"] for each in there if each["comment"] != WISH.comment}
    assert not [step for step in change.steps if step.identity in strange]
    gone = {step.identity for step in change.steps}
    after = [each for each in there if each["id"] not in gone]
    after += [{**step.record, "id": f"new{n}"} for n, step in enumerate(change.steps) if step.action != "delete"]
    assert cf.plan(WISH, HOME, {ZONE: after}).steps == ()


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("a.home.example", "home.example"),
        ("home.example", "home.example"),
        ("a.sub.home.example", "sub.home.example"),
        ("myhome.example", "example"),
        ("a.elsewhere", ""),
    ],
)
def test_the_longest_zone_that_is_the_end_of_a_name(name, zone):
    assert cf.zone_of(name, ["example", "home.example", "sub.home.example"]) == zone


class Client:
    """Zones and records in memory, and a list of what was asked."""

    def __init__(self, records, failing=None):
        self.records, self.failing, self.calls = records, failing, []

    def listed(self, path, per_page):
        return [{"id": "z1", "name": ZONE}] if path == "/zones" else list(self.records)

    def call(self, method, path, **said):
        self.calls.append(method)
        if self.failing:
            error, self.failing = self.failing, None
            self.records = STANDS
            raise error
        return {}


def fetch(url):
    return {"four": "", "four-again": "9.9.9.9", "six": "2620:fe::fe"}[url]


def test_check_mode_writes_nothing_and_foretells_everything():
    client = Client([])
    foretold = cf.converge(WISH, client, fetch, False)
    assert client.calls == []
    assert foretold == cf.converge(WISH, client, fetch, True)
    assert client.calls == ["POST"] * 4


def test_a_record_that_was_made_by_a_request_without_an_answer():
    client = Client([], api.CloudflareError("An identical record already exists.", 81058))
    change, _addresses, _silent = cf.converge(WISH, client, fetch, True)
    assert (len(change.steps), client.calls) == (4, ["POST"])
    with pytest.raises(api.CloudflareError, match="No"):
        cf.converge(WISH, Client([], api.CloudflareError("No", 9109)), fetch, True)


def test_one_silent_service_holds_up_nobody():
    assert cf.find_addresses(WISH, fetch) == (HOME, [])
    wish = cf.Wish(**{**vars(WISH), "services": {4: ("four",), 6: ("six",)}})
    found, silent = cf.find_addresses(wish, fetch)
    assert (found, len(silent)) == ({6: "2620:fe::fe"}, 1)


def test_names_outside_every_zone_and_no_address_at_all():
    wish = cf.Wish(**{**vars(WISH), "records": {"www.other.example": False}})
    with pytest.raises(api.CloudflareError, match=r"no zone for www\.other\.example: the token sees home\.example"):
        cf.converge(wish, Client([]), fetch, False)
    with pytest.raises(api.CloudflareError, match="nobody tells the address"):
        cf.converge(WISH, Client([]), lambda _url: "", False)


def test_the_comment_is_never_too_long():
    assert len(cf.Wish(**{**vars(WISH), "owner": "x" * 300}).comment) == 100


def test_the_wish_survives_its_file():
    assert cf.from_json(cf.to_json(WISH)) == WISH


def test_the_timer_asks_nobody_while_nothing_is_new(tmp_path, monkeypatch, capsys):
    (tmp_path / "token").write_text("abc")
    places = {"token_file": str(tmp_path / "token"), "state_file": str(tmp_path / "state" / "cloudflare.json")}
    wish = cf.Wish(**{**vars(WISH), **places})
    (tmp_path / "wanted.json").write_bytes(cf.to_json(wish))
    client = Client([])
    monkeypatch.setattr(api, "fetch", fetch)
    monkeypatch.setattr(api, "Client", lambda base, token: client)
    assert cf.main(["--config", str(tmp_path / "wanted.json")]) == 0
    assert "create vpn.home.example A 9.9.9.9, not proxied" in capsys.readouterr().out
    client.calls.clear()
    assert cf.main(["--config", str(tmp_path / "wanted.json")]) == 0
    assert client.calls == []
    note = json.loads((tmp_path / "state" / "cloudflare.json").read_text())
    (tmp_path / "state" / "cloudflare.json").write_text(json.dumps({**note, "at": note["at"] - 2 * 86400}))
    assert cf.main(["--config", str(tmp_path / "wanted.json")]) == 0
    assert client.calls == ["POST"] * 4  # a day later all is compared
    assert cf.main(["--config", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("cloudflare: ")
