# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones, shares, and the networks that follow from them."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

VLAN = {"id": 30, "parent": "eth0", "address": "10.30.0.2/24", "gateway": "10.30.0.1", "mtu": 9000}
MEDIA = {"vlan": VLAN, "network": {"subnet": "10.77.3.0/24"}}


def networks(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {network["name"]: network for network in plan["networks"]}


def test_without_zones_there_is_one_network_and_its_serving_side(planning: Any) -> None:
    plan = planning.plan()
    assert plan["zones"] == {
        "default": {
            "network": "kronos-default",
            "serving": "kronos-in-default",
            "serving_subnet": "10.236.0.0/20",
            "driver": "bridge",
            "subnet": None,
            "vlan": None,
            "backup_vlan": None,
            "mtu": None,
        }
    }
    empty = {"gateway": None, "parent": None, "mtu": None, "ipv6": False, "addresses": {}}
    zone = {"name": "kronos-default", "internal": False, "bridge": "kr-default", "subnet": None, "dynamic": None}
    ranges = {"subnet": "10.236.0.0/20", "dynamic": "10.236.0.0/21"}
    assert plan["networks"] == [
        {"driver": "bridge", **zone, **empty},
        {
            "driver": "bridge",
            "name": "kronos-in-default",
            "internal": True,
            "bridge": "kr-in-default",
            **ranges,
            **empty,
        },
    ]


@pytest.mark.parametrize(
    ("said", "subnet"),
    [
        ({}, "10.236.0.0/20"),
        ({"kronos_lan": ["10.0.0.0/8"]}, "198.18.0.0/21"),
        ({"kronos_vpn": ["10.237.1.0/24"]}, "198.18.0.0/21"),
        ({"kronos_zones": {"apps": {"network": {"subnet": "10.239.0.0/24"}}}}, "198.18.0.0/21"),
        ({"kronos_serving_pool": "10.64.0.0/18"}, "10.64.0.0/24"),
    ],
)
def test_the_serving_side_takes_a_range_that_nobody_uses(planning: Any, said: Any, subnet: str) -> None:
    assert planning.plan(**said)["zones"]["default"]["serving_subnet"] == subnet


def test_routed_services_have_an_address_outside_of_what_docker_gives(planning: Any) -> None:
    services = {
        f"s{n}": {"image": "x/a:1", "routes": [{"host": f"s{n}", "port": 80, "access": "lan"}]} for n in range(9)
    }
    plan = planning.plan(kronos_services={**services, "quiet": {"image": "x/a:1"}})
    network = networks(plan)["kronos-in-default"]
    assert sorted(network["addresses"]) == sorted(services)
    assert len(set(network["addresses"].values())) == 9
    for name, address in network["addresses"].items():
        assert plan["services"][name]["addresses"] == {"kronos-in-default": address}
        assert ipaddress.ip_address(address) in ipaddress.ip_network(network["subnet"])
        assert ipaddress.ip_address(address) not in ipaddress.ip_network(network["dynamic"])
    assert plan["services"]["quiet"]["addresses"] == {}


def test_a_new_service_moves_nobody(planning: Any) -> None:
    service = {"image": "x/a:1", "routes": [{"host": "h{{ 1 }}", "port": 80, "access": "lan"}]}
    before = planning.plan(kronos_services={"one": service})["services"]["one"]
    other = {"image": "x/b:1", "metrics": [{"port": 1}]}
    after = planning.plan(kronos_services={"one": service, "another": other})["services"]["one"]
    assert after == before


def test_every_zone_is_there_from_the_start(planning: Any) -> None:
    plan = planning.plan(
        kronos_zones={"media": MEDIA, "apps": {"network": {"subnet": "10.99.0.0/24"}}}, kronos_ipv6=True
    )
    assert list(plan["zones"]) == ["apps", "default", "media"]
    assert plan["zones"]["media"]["mtu"] == 9000
    assert plan["zones"]["media"]["vlan"]["id"] == 30
    found = networks(plan)
    assert found["kronos-apps"]["subnet"] == "10.99.0.0/24"
    assert found["kronos-media"]["mtu"] == 9000
    assert found["kronos-media"]["ipv6"] is True
    assert found["kronos-in-media"]["internal"] is True
    assert found["kronos-in-media"]["ipv6"] is False


def test_the_default_zone_may_be_described(planning: Any) -> None:
    plan = planning.plan(kronos_zones={"default": {"network": {"subnet": "10.99.0.0/24"}}})
    assert networks(plan)["kronos-default"]["subnet"] == "10.99.0.0/24"


def test_macvlan(planning: Any) -> None:
    zone = {"vlan": VLAN, "network": {"driver": "macvlan", "subnet": "10.30.0.0/24"}}
    plan = planning.plan(kronos_zones={"media": zone}, kronos_services={"one": {"image": "x/one:1", "zone": "media"}})
    network = networks(plan)["kronos-media"]
    assert network["parent"] == "kr30"
    assert network["gateway"] == "10.30.0.1"
    assert network["bridge"] is None
    assert plan["services"]["one"]["networks"] == ["kronos-media"]
    assert "zone media is a macvlan network" in "\n".join(plan["cautions"])


def test_zones_of_several_layers(planning: Any) -> None:
    plan = planning.plan(
        kronos_zones={"media": MEDIA}, kronos_zones_host={"media": {"vlan": {"address": "10.30.0.9/24"}}}
    )
    assert plan["zones"]["media"]["vlan"]["address"] == "10.30.0.9/24"


def service(name: str, **said: Any) -> dict[str, Any]:
    return {"image": f"x/{name}:1", **said}


ROUTE = [{"host": "one", "port": 80, "access": "lan"}]

JOINS: list[tuple[str, dict[str, Any], dict[str, list[str]]]] = [
    ("alone", {"one": {}}, {"one": ["kronos-default"]}),
    ("routed", {"one": {"routes": ROUTE}}, {"one": ["kronos-default", "kronos-in-default"]}),
    ("scraped", {"one": {"metrics": [{"port": 1}]}}, {"one": ["kronos-default", "kronos-in-default"]}),
    ("probed", {"one": {"health": {"http": {"port": 1}}}}, {"one": ["kronos-default", "kronos-in-default"]}),
    ("checked inside", {"one": {"health": {"command": "true"}}}, {"one": ["kronos-default"]}),
    ("a zone of the inventory", {"one": {"zone": "media"}}, {"one": ["kronos-media"]}),
    ("a zone that is not defined", {"one": {"zone": "storage"}}, {"one": ["kronos-default"]}),
    (
        "the one that joins all zones",
        {"one": {"joins_zones": True, "routes": ROUTE}},
        {"one": ["kronos-default", "kronos-in-default", "kronos-in-media"]},
    ),
    (
        "within a zone nothing is added",
        {"one": {"talks_to": ["two"]}, "two": {}},
        {"one": ["kronos-default"], "two": ["kronos-default"]},
    ),
    (
        "across zones by a network of the target",
        {"one": {"talks_to": ["two"]}, "two": {"zone": "media"}},
        {"one": ["kronos-default", "kronos-to-two"], "two": ["kronos-media", "kronos-to-two"]},
    ),
    (
        "the callers share it, both ways make two",
        {"one": {"needs": ["two"]}, "two": {"zone": "media", "talks_to": ["three"]}, "three": {"talks_to": ["two"]}},
        {
            "one": ["kronos-default", "kronos-to-two"],
            "two": ["kronos-media", "kronos-to-three", "kronos-to-two"],
            "three": ["kronos-default", "kronos-to-three", "kronos-to-two"],
        },
    ),
    (
        "a database has no way out; who needs it joins its network",
        {"one": {"needs": ["db"]}, "db": {"zone": "data"}, "two": {}},
        {"one": ["kronos-default", "kronos-data-own"], "db": ["kronos-data-own"], "two": ["kronos-default"]},
    ),
    (
        "who only talks to a database does not see its neighbours",
        {"one": {"talks_to": ["db"]}, "db": {"zone": "data"}, "other": {"zone": "data"}},
        {
            "one": ["kronos-default", "kronos-to-db"],
            "db": ["kronos-data-own", "kronos-to-db"],
            "other": ["kronos-data-own"],
        },
    ),
    (
        "the host's own network joins nothing",
        {"one": {"network": "host", "reasons": {"network": "x"}, "needs": ["two"]}, "two": {"zone": "media"}},
        {"one": [], "two": ["kronos-media"]},
    ),
    (
        "another container's network joins nothing",
        {"one": {"compose": {"network_mode": "service:vpn"}, "reasons": {"compose.network_mode": "x"}}},
        {"one": []},
    ),
]


@pytest.mark.parametrize(("services", "wanted"), [case[1:] for case in JOINS], ids=[case[0] for case in JOINS])
def test_joined_networks(planning: Any, services: dict[str, Any], wanted: dict[str, list[str]]) -> None:
    said = {name: service(name, **keys) for name, keys in services.items()}
    plan = planning.plan(kronos_services=said, kronos_zones={"media": {}})
    assert {name: entry["networks"] for name, entry in plan["services"].items()} == wanted
    found = networks(plan)
    for name in {network for joined in wanted.values() for network in joined}:
        assert found[name]["internal"] is name.startswith(("kronos-in-", "kronos-to-", "kronos-data-"))


def test_reach_of_a_port_is_a_real_zone(planning: Any) -> None:
    ports = [{"port": 53, "reach": "storage"}, {"port": 54, "reach": "media"}, {"port": 55, "reach": "vpn"}]
    plan = planning.plan(kronos_services={"one": service("one", ports=ports)}, kronos_zones={"media": {}})
    assert [port["reach"] for port in plan["published"]] == ["default", "media", "vpn"]
