# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interfaces of the zones, and where packets go by their routes and rules: looked up here as the kernel does."""

from __future__ import annotations

import ipaddress
import random
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.vlans import (
    BACKUP,
    ELSEWHERE,
    MAIN,
    MARK_MASK,
    NEAR,
    OUT,
    mark_of,
    table_of,
    vlan_interfaces,
)

MEDIA = {
    "vlan": {
        "id": 30,
        "parent": "eth0",
        "address": "10.30.0.2/24",
        "gateway": "10.30.0.1",
        "address6": "fd30::2/64",
        "gateway6": "fd30::1",
        "ipv6": True,
        "mtu": 1400,
        "routes": [{"to": "10.50.0.0/16", "via": "10.30.0.254"}],
    },
    "network": {"subnet": "10.77.3.0/24"},
}
GUEST = {
    "vlan": {"id": 40, "parent": "eth0", "address": "10.40.0.2/24", "gateway": "10.40.0.1"},
    "network": {"subnet": "10.77.4.0/24"},
    "backup_vlan": {"id": 30, **{key: value for key, value in MEDIA["vlan"].items() if key != "id"}},
}
LONELY = {
    "vlan": {"id": 50, "parent": "eth1", "address": "10.60.0.2/24"},
    "network": {"subnet": "10.77.5.0/24"},
}
PLAIN = {"network": {"subnet": "10.77.6.0/24"}}
ZONES = {"media": MEDIA, "guest": GUEST, "storage": LONELY, "apps": PLAIN}


def test_without_a_vlan_there_is_nothing(planning: Any) -> None:
    assert vlan_interfaces(planning.plan(kronos_zones={"apps": PLAIN})) == []


def test_one_interface(planning: Any) -> None:
    (found,) = vlan_interfaces(planning.plan(kronos_zones={"media": MEDIA}))
    assert {key: found[key] for key in found if key not in ("routes", "rules")} == {
        "name": "kr30",
        "id": 30,
        "parent": "eth0",
        "addresses": ["10.30.0.2/24", "fd30::2/64"],
        "gateways": ["10.30.0.1", "fd30::1"],
        "mtu": 1400,
        "ipv6": True,
    }
    assert [(route["to"], route["via"], route["table"]) for route in found["routes"]] == [
        ("10.30.0.0/24", "", 10030),
        ("0.0.0.0/0", "10.30.0.1", 10030),
        ("fd30::/64", "", 10030),
        ("::/0", "fd30::1", 10030),
        ("10.50.0.0/16", "10.30.0.254", 10030),
        ("10.50.0.0/16", "10.30.0.254", 254),
    ]
    assert [tuple(rule.values()) for rule in found["rules"] if rule["family"] == 4] == [
        (4, 10000, "10.77.3.0/24", "", ELSEWHERE, "lookup", 254),
        (4, 10010, "", "", 30 << 20, "lookup", 10030),
        (4, 10020, "10.30.0.2/32", "", 0, "near", 254),
        (4, 10020, "10.77.3.0/24", "", 0, "near", 254),
        (4, 10030, "10.30.0.2/32", "", 0, "lookup", 10030),
        (4, 10030, "10.77.3.0/24", "", 0, "lookup", 10030),
        (4, 10040, "10.77.3.0/24", "", 0, "unreachable", 254),
    ]


def test_zones_that_share_a_vlan_share_the_interface(planning: Any) -> None:
    other = {"vlan": MEDIA["vlan"], "network": {"subnet": "10.77.9.0/24"}}
    (found,) = vlan_interfaces(planning.plan(kronos_zones={"media": MEDIA, "apps": other}))
    out = [rule["source"] for rule in found["rules"] if rule["priority"] == OUT and rule["family"] == 4]
    assert out == ["10.30.0.2/32", "10.77.3.0/24", "10.77.9.0/24"]


def test_a_backup_is_ready_and_nobody_uses_it(planning: Any) -> None:
    found = vlan_interfaces(planning.plan(kronos_zones={"guest": GUEST}))
    assert [each["name"] for each in found] == ["kr30", "kr40"]
    assert not [rule for rule in found[0]["rules"] if rule["source"] == "10.77.4.0/24"]
    assert NEAR < BACKUP < OUT, "there is room for the rule that uses it"


def test_a_macvlan_zone_needs_the_interface_alone(planning: Any) -> None:
    zone = {"vlan": GUEST["vlan"], "network": {"driver": "macvlan", "subnet": "10.40.0.0/24"}}
    (found,) = vlan_interfaces(planning.plan(kronos_zones={"guest": zone}))
    assert {rule["source"] for rule in found["rules"]} == {"", "10.40.0.2/32"}


def test_containers_with_ipv6_are_told_by_their_bridge(planning: Any) -> None:
    (found,) = vlan_interfaces(planning.plan(kronos_zones={"guest": {**GUEST, "backup_vlan": None}}, kronos_ipv6=True))
    six = [(rule["priority"], rule["incoming"], rule["action"]) for rule in found["rules"] if rule["family"] == 6]
    assert six == [
        (10000, "kr-guest", "lookup"),
        (10020, "kr-guest", "near"),
        (10030, "kr-guest", "lookup"),
        (10040, "kr-guest", "unreachable"),
    ], "a VLAN without IPv6 lets none of it out"


def test_numbers_hang_on_the_id_alone(planning: Any) -> None:
    alone = vlan_interfaces(planning.plan(kronos_zones={"guest": {**GUEST, "backup_vlan": None}}))
    among = vlan_interfaces(planning.plan(kronos_zones=ZONES))
    assert alone[0] == among[1]


def test_marks_and_tables_are_nobody_elses() -> None:
    marks = [mark_of(number) for number in range(1, 4095)]
    assert len({*marks, ELSEWHERE}) == 4095
    assert all(mark & MARK_MASK == mark and 0 < mark < 2**32 for mark in [*marks, ELSEWHERE])
    assert {table_of(1), table_of(4094)} == {10001, 14094}


class Host:
    """A host's routing: main has the LAN, the bridges and a default; beside it stands what the zones want."""

    def __init__(self, interfaces: list[dict[str, Any]]) -> None:
        self.rules = sorted(
            (rule for each in interfaces for rule in each["rules"]), key=lambda rule: int(rule["priority"])
        )
        self.tables: dict[int, list[tuple[Any, str]]] = {MAIN: []}
        for to, way in [("192.0.2.0/24", "eth0"), ("0.0.0.0/0", "eth0 192.0.2.1"), ("10.77.0.0/16", "bridge")]:
            self.tables[MAIN].append((ipaddress.ip_network(to), way))
        for each in interfaces:
            self.tables[MAIN] += [(ipaddress.ip_interface(a).network, each["name"]) for a in each["addresses"]]
            for route in each["routes"]:
                way = f"{each['name']} {route['via']}".strip()
                self.tables.setdefault(route["table"], []).append((ipaddress.ip_network(route["to"]), way))

    def way(self, source: str, to: str, mark: int = 0) -> str:
        """Interface and router that a packet takes."""
        target = ipaddress.ip_address(to)
        for rule in [*self.rules, {"family": target.version, "action": "lookup", "table": MAIN}]:
            if not self.matches(rule, source, target.version, mark):
                continue
            if rule["action"] == "unreachable":
                return "nowhere"
            near = rule["action"] == "near"
            found = [entry for entry in self.tables.get(rule["table"], []) if self.leads(entry[0], target, near)]
            if found:
                return max(found, key=lambda entry: int(entry[0].prefixlen))[1]
        return "nowhere"

    @staticmethod
    def leads(network: Any, target: Any, near: bool) -> bool:
        return network.version == target.version and target in network and not (near and network.prefixlen == 0)

    @staticmethod
    def matches(rule: dict[str, Any], source: str, version: int, mark: int) -> bool:
        fits = rule["family"] == version and not rule.get("incoming")
        if rule.get("source"):
            fits = fits and ipaddress.ip_address(source) in ipaddress.ip_network(rule["source"])
        return fits and (not rule.get("mark") or mark & MARK_MASK == rule["mark"])


WAYS = [
    ("a container of a zone with a VLAN", "10.77.3.9", "203.0.113.7", 0, "kr30 10.30.0.1"),
    ("of another zone", "10.77.4.9", "203.0.113.7", 0, "kr40 10.40.0.1"),
    ("of a zone without a VLAN", "10.77.6.9", "203.0.113.7", 0, "eth0 192.0.2.1"),
    ("whose VLAN leads nowhere else", "10.77.5.9", "203.0.113.7", 0, "nowhere"),
    ("to a neighbour in the VLAN", "10.77.5.9", "10.60.0.9", 0, "kr50"),
    ("to the host's own link", "10.77.3.9", "192.0.2.50", 0, "eth0"),
    ("to a network behind another router", "10.77.3.9", "10.50.1.1", 0, "kr30 10.30.0.254"),
    ("the host to that network", "192.0.2.10", "10.50.1.1", 0, "kr30 10.30.0.254"),
    ("to another container", "10.77.3.9", "10.77.6.9", 0, "bridge"),
    ("the answer to a client from the internet", "10.77.3.9", "203.0.113.7", ELSEWHERE, "eth0 192.0.2.1"),
    ("the answer to a client of the LAN", "10.77.3.9", "192.0.2.50", ELSEWHERE, "eth0"),
    ("the answer to one through its VLAN", "10.77.3.9", "203.0.113.7", mark_of(30), "kr30 10.30.0.1"),
    ("the answer to one through another VLAN", "10.77.3.9", "203.0.113.7", mark_of(40), "kr40 10.40.0.1"),
    ("the answer of a plain zone through a VLAN", "10.77.6.9", "203.0.113.7", mark_of(40), "kr40 10.40.0.1"),
    ("the answer to a LAN client behind a VLAN's router", "10.40.0.2", "192.0.2.50", mark_of(40), "kr40 10.40.0.1"),
    ("the host from its address in the VLAN", "10.40.0.2", "203.0.113.7", 0, "kr40 10.40.0.1"),
    ("the proxy's answer to a container", "10.40.0.2", "10.77.4.9", 0, "bridge"),
    ("the host itself", "192.0.2.10", "203.0.113.7", 0, "eth0 192.0.2.1"),
    ("another's mark means nothing here", "10.77.3.9", "203.0.113.7", 0xCA6C, "kr30 10.30.0.1"),
]


@pytest.mark.parametrize(("source", "to", "mark", "way"), [c[1:] for c in WAYS], ids=[c[0] for c in WAYS])
def test_ways(planning: Any, source: str, to: str, mark: int, way: str) -> None:
    assert Host(vlan_interfaces(planning.plan(kronos_zones=ZONES))).way(source, to, mark) == way


@pytest.mark.parametrize("seed", range(25))
def test_whatever_the_vlans_no_zone_leaks_and_every_client_is_answered(planning: Any, seed: int) -> None:
    chance = random.Random(seed)
    ids = chance.sample(range(1, 256), chance.randint(1, 6))
    zones: dict[str, Any] = {}
    for index, number in enumerate(ids * chance.choice([1, 2])):  # some share
        vlan: dict[str, Any] = {"id": number, "parent": "eth0", "address": f"10.{number}.0.2/24"}
        if number % 3:
            vlan["gateway"] = f"10.{number}.0.1"
        zones[f"z{index}"] = {"vlan": vlan, "network": {"subnet": f"172.30.{index}.0/24"}}
    host = Host(vlan_interfaces(planning.plan(kronos_zones=zones)))
    for index, number in enumerate(ids * 2):
        container = f"172.30.{index}.7"
        if f"z{index}" in zones:
            wanted = f"kr{number} 10.{number}.0.1" if number % 3 else "nowhere"
            assert host.way(container, "203.0.113.7") == wanted
        assert host.way(container, "203.0.113.7", ELSEWHERE) == "eth0 192.0.2.1"
        other = chance.choice(ids)
        if other % 3:
            assert host.way(container, "203.0.113.7", mark_of(other)) == f"kr{other} 10.{other}.0.1"
        assert host.way(container, f"10.{other}.0.9", mark_of(other)) == f"kr{other}"
