# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names at Cloudflare, against a stand-in that answers as its API does: ours alone, and through all that goes wrong."""

from __future__ import annotations

import json
import shlex

import labtest
import pytest
from outsidetest import VARIABLES, module

API = VARIABLES["cloudflare_api"]
MARK = "managed by kronos.homelab outside"
RECORDS = [{"name": "vpn.outside.localhost"}, {"name": "www.outside.localhost", "proxied": True}]
USUAL = {
    "owner": "outside",
    "api": API,
    "records": RECORDS,
    "services4": VARIABLES["cloudflare_address_services4"],
    "services6": VARIABLES["cloudflare_address_services6"],
}
FOUR, SIX = "9.9.9.9", "2620:fe::fe"
ALL = {
    ("vpn.outside.localhost", "A", FOUR, False),
    ("vpn.outside.localhost", "AAAA", SIX, False),
    ("www.outside.localhost", "A", FOUR, True),
    ("www.outside.localhost", "AAAA", SIX, True),
}


@pytest.fixture
def cloudflare(host):
    """Tell the stand-in something, and learn what it has."""

    def tell(**said):
        data = shlex.quote(json.dumps(said))
        return json.loads(host.check_output(f"curl -s --data {data} http://127.0.0.1:8055/test/set"))

    yield tell
    tell(faults=[], addresses={"4": FOUR, "6": SIX}, forget=["foreign.outside.localhost"])
    assert not module("cloudflare_dns", **USUAL).get("failed")


def look(host):
    """What the stand-in has and was asked."""
    return json.loads(host.check_output("curl -s http://127.0.0.1:8055/test/look"))


def ours(world):
    """The records with our comment."""
    found = [record for records in world["records"].values() for record in records if record["comment"] == MARK]
    return {(each["name"], each["type"], each["content"], each["proxied"]) for each in found}


def writes(world):
    """What it was asked to change."""
    return [line.partition(" ")[0] for line in world["asked"] if not line.startswith("GET")]


def test_the_run_made_a_record_for_each_public_name_and_no_other(host):
    world = look(host)
    assert ours(world) == ALL
    assert {record["name"] for record in world["records"]["z2"]} == {name for name, *_rest in ALL}
    assert [name for name, records in world["records"].items() if records] == ["z2"]  # the longest zone that fits
    assert all(len(record["comment"]) <= 100 and record["ttl"] == 1 for record in world["records"]["z2"])


def test_the_token_is_on_the_host_alone(host, foretold):
    token = VARIABLES["kronos_secrets"]["cloudflare"]["token"]
    assert token not in foretold.output
    assert token not in str(labtest.record(0).tasks)
    assert host.file("/etc/kronos/secrets/cloudflare/token").mode == 0o600
    assert token not in host.check_output("cat /etc/kronos/cloudflare/wanted.json")


def test_a_second_call_reads_every_page_and_writes_nothing(host, cloudflare):
    cloudflare()
    assert module("cloudflare_dns", **USUAL)["changed"] is False
    asked = look(host)["asked"]
    assert [line for line in asked if "/zones?" in line] == [
        f"GET /client/v4/zones?page={page}&per_page=50" for page in (1, 2)
    ]
    assert writes(look(host)) == []


def test_check_mode_foretells_the_very_change(host, cloudflare):
    wanted = {**USUAL, "records": [RECORDS[0], {"name": "new.outside.localhost", "proxied": True}]}
    check = module("cloudflare_dns", check=True, **wanted)
    assert ours(look(host)) == ALL
    run = module("cloudflare_dns", **wanted)
    keys = ("changed", "created", "updated", "deleted")
    assert {key: check[key] for key in keys} == {key: run[key] for key in keys}
    assert (run["created"], run["deleted"]) == (
        ["new.outside.localhost A", "new.outside.localhost AAAA"],
        ["www.outside.localhost A", "www.outside.localhost AAAA"],
    )
    assert {name for name, *_rest in ours(look(host))} == {"vpn.outside.localhost", "new.outside.localhost"}


def test_a_record_of_somebody_else_is_never_touched(host, cloudflare):
    foreign = {"type": "A", "name": "foreign.outside.localhost", "content": "192.0.2.1", "comment": "mine"}
    cloudflare(records=[["z2", foreign]])
    answer = module("cloudflare_dns", **{**USUAL, "records": [*RECORDS, {"name": "foreign.outside.localhost"}]})
    assert answer["failed"]
    assert (
        "foreign.outside.localhost: there is a record that this host did not make, and it is left alone"
        in answer["msg"]
    )
    assert ours(look(host)) == ALL
    assert any(record["content"] == "192.0.2.1" for record in look(host)["records"]["z2"])


def test_a_name_without_a_zone_is_told(cloudflare):
    answer = module("cloudflare_dns", **{**USUAL, "records": [{"name": "www.nowhere.example"}]})
    assert "no zone for www.nowhere.example: the token sees localhost, other.example" in answer["msg"]


def test_the_timer_follows_the_address(host, cloudflare):
    cloudflare(addresses={"4": "8.8.8.8"})
    host.check_output("systemctl start kronos-cloudflare.service")
    world = look(host)
    assert sorted(writes(world)) == ["PATCH", "PATCH"]
    assert {content for _name, kind, content, _proxied in ours(world) if kind == "A"} == {"8.8.8.8"}
    cloudflare()
    host.check_output("systemctl start kronos-cloudflare.service")
    assert look(host)["asked"] == []  # nothing new, nobody bothered


def test_a_silent_address_service_holds_up_only_its_own_records(host, cloudflare):
    cloudflare(addresses={"4": "8.8.4.4", "6": ""})
    host.check_output("systemctl start kronos-cloudflare.service")
    found = {(kind, content) for _name, kind, content, _proxied in ours(look(host))}
    assert found == {("A", "8.8.4.4"), ("AAAA", SIX)}
    cloudflare(addresses={"4": "192.168.1.5", "6": "banana"})
    answer = module("cloudflare_dns", **USUAL)
    assert "nobody tells the address of this home" in answer["msg"]
    assert "no public IPv4 address in its answer" in answer["msg"]


FAULTS = [
    ("limit", [{"kind": "limit", "times": 2, "after": "1"}], ""),
    ("cut", [{"kind": "cut"}], ""),
    ("broken on writing", [{"kind": "broken", "times": 2, "method": "POST"}], ""),
    ("gone for good", [{"kind": "broken", "times": 99}], "Cloudflare: GET /zones: HTTP 502, 4 times"),
    ("silent", [{"kind": "silent"}], ""),
    ("elsewhere", [{"kind": "moved", "times": 9}], "Cloudflare: GET /zones: "),
    ("limit without a time", [{"kind": "limit"}], ""),
    ("limit in the past", [{"kind": "limit", "after": "Wed, 21 Oct 2015 07:28:00 GMT"}], ""),
    ("limit without an end", [{"kind": "limit", "after": "86400", "times": 9}], "too many requests, and no end within"),
]


@pytest.mark.parametrize(
    ("name", "faults", "said"),
    labtest.rows(FAULTS, ["limit", "cut", "broken on writing"], lambda row: row[0]),
    ids=lambda value: str(value)[:20],
)
def test_faults_are_borne_or_told(host, cloudflare, name, faults, said):
    cloudflare(faults=faults, forget=["www.outside.localhost"])
    answer = module("cloudflare_dns", **USUAL)
    if said:
        assert said in answer["msg"]
        assert VARIABLES["kronos_secrets"]["cloudflare"]["token"] not in str(answer)
    else:
        assert answer.get("changed"), answer
        assert ours(look(host)) == ALL


def test_a_wrong_token_is_told(host, cloudflare):
    host.check_output("echo wrong > /run/token")
    answer = module("cloudflare_dns", **{**USUAL, "token_file": "/run/token"})
    assert "Invalid access token (9109). The token (kronos_secrets.cloudflare.token) needs" in answer["msg"]
