# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole calls against the lab's Pi-hole: what is changed, asked for, refused, and left behind."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import pihole_apply, pihole_flow, pihole_marks, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_model import wanted_of
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_rest import Client, Waits
from ansible_collections.kronos.homelab.tests.unit.fakes.pihole_host import PASSWORD, running

STEVEN = {"address": "https://raw.githubusercontent.com/StevenBlack/hosts/master/hosts", "type": "block"}


class Home:
    """A Pi-hole, and calls of the module against it."""

    def __init__(self, api: Any, folder: Path) -> None:
        self.api, self.folder = api, folder
        (folder / "password").write_text(f"{PASSWORD}\n")

    def call(self, check: bool = False, **params: Any) -> dict[str, Any]:
        """One call of the module."""
        client = Client(self.api.url, Waits(seats=0.0))
        said = {
            "password_file": str(self.folder / "password"),
            "folder": str(self.folder),
            "gravity_timeout": 60,
            "asked_for": params,
        }
        return pihole_flow.converge(wanted_of(params), client, said, check)

    def config(self, *path: str) -> Any:
        """A value that stands."""
        value = self.api.config.tree
        for key in path:
            value = value[key]
        return value

    def rows(self, section: str) -> list[dict[str, Any]]:
        """Rows that stand."""
        return list(self.api.database.rows(section))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A Pi-hole of the lab's kind, one key of it set by its environment."""
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    monkeypatch.setattr(pihole_apply, "RESTART_BEGINS", 0.6)
    with running(tmp_path, {"FTLCONF_dns_listeningMode": "ALL"}) as api:
        import gravity

        monkeypatch.setattr(gravity, "resolves", lambda _name: True)
        yield Home(api, tmp_path)
    assert api.sessions == {}


EVERYTHING: dict[str, Any] = {
    "hosts": [{"address": "192.0.2.1", "names": ["a.example"]}, {"address": "2001:db8::1", "names": ["a.example"]}],
    "cnames": [{"alias": f"w{number}.example", "target": "a.example"} for number in range(5)],
    "upstreams": ["192.0.2.53#54"],
    "conditional": [{"network": "192.168.1.0/24", "server": "192.168.1.1", "domain": "fritz.box"}],
    "groups": [{"name": "kids & co/1", "comment": "small"}],
    "domains": [
        {"domain": "ads.example", "type": "deny", "kind": "exact", "groups": ["kids & co/1"]},
        {"domain": r"(\.|^)track/er\.example$", "type": "deny", "kind": "regex"},
    ],
    "lists": [],
    "clients": [{"client": "192.168.1.0/28", "comment": "tablets", "groups": ["Default", "kids & co/1"]}],
    "blocking": False,
    "config": {"dns": {"queryLogging": False, "cache": {"size": 500}}},
}


def test_everything_at_once_and_nothing_the_second_time(home: Home) -> None:
    predicted = home.call(check=True, **EVERYTHING)
    assert (predicted["changed"], home.rows("groups")[1:], home.config("dns", "hosts")) == (True, [], [])
    result = home.call(**EVERYTHING)
    assert (result["diff"], result["message"]) == (predicted["diff"], predicted["message"])
    assert home.config("dns", "hosts") == ["192.0.2.1 a.example", "2001:db8::1 a.example"]
    assert home.config("dns", "revServers") == ["true,192.168.1.0/24,192.168.1.1,fritz.box"]
    assert len(home.config("dns", "cnameRecords")) == 5
    assert home.api.counts["restarts"] == 1  # one request for all of the configuration
    assert [(row["domain"], row["groups"]) for row in home.rows("domains")] == [
        ("ads.example", [1]),
        (r"(\.|^)track/er\.example$", [0]),
    ]
    assert home.rows("clients")[0]["groups"] == [0, 1]
    assert home.config("dns", "blocking", "active") is False
    before = dict(home.api.counts)
    assert home.call(**EVERYTHING)["changed"] is False
    assert home.api.counts == {**before, "logins": before["logins"] + 1}


def test_a_domain_moves_in_one_request(home: Home) -> None:
    domain = {"domain": "ads.example", "comment": "mine"}
    home.call(domains=[{**domain, "type": "deny", "kind": "exact"}])
    number = home.rows("domains")[0]["id"]
    home.call(domains=[{**domain, "type": "allow", "kind": "regex"}])
    assert [(row["id"], row["type"], row["kind"]) for row in home.rows("domains")] == [(number, "allow", "regex")]


def test_lists_are_fetched_when_they_change_and_after_a_killed_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.folder / "list").write_text("0.0.0.0 bad.example\n")
    wish = {"lists": [{"address": f"file://{home.folder}/list", "type": "block"}]}
    home.call(lists=[STEVEN])
    home.api.counts["gravity"] = 0

    def killed(*_arguments: Any) -> list[str]:
        raise KronosError("killed")

    fetch = pihole_apply.update_lists
    monkeypatch.setattr(pihole_apply, "update_lists", killed)
    with pytest.raises(KronosError, match="killed"):
        home.call(**wish)
    monkeypatch.setattr(pihole_apply, "update_lists", fetch)
    assert receipts.read(*pihole_flow.RECEIPT)["left"]["owed"] is True  # type: ignore[index]
    result = home.call(**wish)
    assert (result["changed"], result["message"], home.api.counts["gravity"]) == (True, "lists fetched", 1)
    assert home.api.database.blocked() == {"bad.example"}
    assert home.call(**wish)["changed"] is False


def test_what_cannot_be_fetched_is_a_warning_and_no_names_an_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    result = home.call(lists=[{"address": "http://127.0.0.1:9/x", "type": "allow"}])
    assert result["warnings"] == ["Pi-hole: list http://127.0.0.1:9/x could not be fetched, and there is no copy of it"]
    import gravity

    monkeypatch.setattr(gravity, "resolves", lambda _name: False)
    monkeypatch.setattr(gravity, "PATIENCE", 0.0)
    with pytest.raises(KronosError, match="Pi-hole cannot resolve names, so its lists were not fetched"):
        home.call(lists=[])
    monkeypatch.setattr(gravity, "resolves", lambda _name: True)
    assert home.call(lists=[])["gravity"] is True


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"config": {"dns": {"listeningMode": "LOCAL"}}},
            "Pi-hole keeps dns.listeningMode as its container",
        ),
        ({"config": {"dns": {"cache": {"size": "big"}}}}, "dns.cache.size: not of type integer"),
        ({"domains": [{"domain": "([", "type": "deny", "kind": "regex"}]}, "Regex validation failed"),
    ],
)
def test_refusals_are_one_line(home: Home, params: Any, message: str) -> None:
    with pytest.raises(KronosError, match=message):
        home.call(**params)


def test_a_group_that_is_there_already_is_what_was_wanted(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that is cut off by a restart is made again."""
    ask = Client.ask

    def twice(self: Client, method: str, *arguments: Any, **named: Any) -> Any:
        if method == "POST":
            ask(self, method, *arguments, **named)
        return ask(self, method, *arguments, **named)

    monkeypatch.setattr(Client, "ask", twice)
    home.call(groups=[{"name": "kids"}])
    assert [row["name"] for row in home.rows("groups")] == ["Default", "kids"]


def test_what_is_gone_already_is_well(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.call(clients=[{"client": "192.0.2.3"}])
    ask = Client.ask

    def twice(self: Client, method: str, *arguments: Any, **named: Any) -> Any:
        if method == "DELETE":
            ask(self, method, *arguments, **named)
        return ask(self, method, *arguments, **named)

    monkeypatch.setattr(Client, "ask", twice)
    assert home.call(clients=[])["changed"] is True


def test_what_is_not_taken_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home.api.config, "change", lambda _tree: set())
    with pytest.raises(KronosError, match=r"does not hold what was asked for: dns.cache.size, dns.hosts"):
        home.call(hosts=EVERYTHING["hosts"], config={"dns": {"cache": {"size": 1}}})


def test_additive_sections_take_away_only_what_they_made(home: Home) -> None:
    additive = {"sections": {"hosts": "additive", "domains": "additive"}}
    home.api.config.change({"dns": {"hosts": ["192.0.2.9 hand.example"]}})
    home.api.database.add("domains", {"domain": "hand.example", "type": "deny", "kind": "exact"})
    domains = [
        {"domain": name, "type": "deny", "kind": "exact", "comment": "c"} for name in ("hand.example", "my.example")
    ]
    home.call(hosts=EVERYTHING["hosts"], domains=domains, **additive)
    assert len(home.config("dns", "hosts")) == 3
    assert {row["comment"] for row in home.rows("domains")} == {"c"}
    home.call(hosts=[], domains=[], **additive)
    assert home.config("dns", "hosts") == ["192.0.2.9 hand.example"]
    assert [row["domain"] for row in home.rows("domains")] == ["hand.example"]


def test_a_missing_password_is_a_prediction_of_everything_or_an_error(home: Home) -> None:
    (home.folder / "password").unlink()
    result = home.call(check=True, **EVERYTHING)
    assert {entry["after_header"] for entry in result["diff"]} == {
        f"pihole {name}"
        for name in (
            "hosts",
            "cnames",
            "upstreams",
            "conditional",
            "groups",
            "domains",
            "clients",
            "blocking",
            "config",
        )
    }
    with pytest.raises(KronosError, match="password is missing: it holds the password of Pi-hole"):
        home.call(**EVERYTHING)


def test_the_receipt_tells_what_hands_change(home: Home) -> None:
    home.call(**EVERYTHING)
    left = receipts.read(*pihole_flow.RECEIPT)["left"]["pihole"]  # type: ignore[index]
    assert pihole_marks.reasons(left) == []
    home.api.config.save()
    home.api.database.query("UPDATE adlist SET date_updated = 5, number = 7")  # what an update of lists writes
    home.api.database.db.commit()
    assert pihole_marks.reasons(left) == []
    home.api.config.change({"dns": {"hosts": []}})
    assert pihole_marks.reasons(left) == ["Pi-hole: its configuration was changed"]
    home.api.database.add("clients", {"client": "192.0.2.7"})
    assert len(pihole_marks.reasons(left)) == 2
    assert pihole_marks.reasons({**left, "folder": "/nowhere"}) == []
    assert PASSWORD not in json.dumps(receipts.read_all())


def test_comments_and_dates_are_no_change(tmp_path: Path) -> None:
    path = tmp_path / "pihole.toml"
    path.write_text('# Last updated on 2026-01-01\n[dns]\n  # words\n  hosts = ["a"] ### CHANGED, default = []\n')
    before = pihole_marks.look(str(tmp_path))
    path.write_text('# Last updated on 2026-02-02\n[dns]\n  # other words\n  hosts = ["a"]\n\n')
    assert pihole_marks.look(str(tmp_path)) == before
    path.write_text('[dns]\n  hosts = ["b"]\n')
    assert pihole_marks.look(str(tmp_path)) != before


@pytest.mark.parametrize(
    ("files", "servers"),
    [
        (["nameserver 192.0.2.1\n"], ["192.0.2.1"]),
        (
            ["search x\nnameserver 127.0.0.53\n", "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"],
            ["192.0.2.1", "192.0.2.2"],
        ),
        (["nameserver 127.0.0.53\n"], ["127.0.0.53"]),
        ([], []),
    ],
)
def test_servers_that_the_host_asks(tmp_path: Path, files: list[str], servers: list[str]) -> None:
    paths = [tmp_path / str(number) for number in range(2)]
    for path, content in zip(paths, files, strict=False):
        path.write_text(content)
    assert pihole_flow.nameservers(map(str, paths)) == servers


def test_a_host_must_know_another_server() -> None:
    pihole_flow.refuse_circle([], ["192.0.2.1"])
    pihole_flow.refuse_circle(["192.0.2.1", "9.9.9.9"], ["192.0.2.1"])
    with pytest.raises(KronosError, match=r"by its own Pi-hole alone \(192.0.2.1\)"):
        pihole_flow.refuse_circle(["192.0.2.1"], ["192.0.2.1", "10.0.0.1"])


def test_the_end_of_a_restart_is_waited_for(home: Home) -> None:
    home.call(cnames=EVERYTHING["cnames"])
    began = time.monotonic()
    assert home.call(cnames=EVERYTHING["cnames"])["changed"] is False
    assert time.monotonic() - began < 0.5  # it is back already
