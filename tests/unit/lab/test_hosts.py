# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments, addresses and inventory of lab hosts."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from kronoslab import hosts, inventory, network
from kronoslab.console import LabError
from kronoslab.place import Place


def test_run_args() -> None:
    args = hosts.run_args("web", "kronos-lab/host:1", "172.28.80.11", "172.28.80.2", ["8080:80"])
    assert args[-1] == "kronos-lab/host:1"
    assert "--privileged" not in args
    assert args[args.index("--ip") + 1] == "172.28.80.11"
    assert args[args.index("--add-host") + 1] == "registry.kronos-lab:172.28.80.2"
    assert args[args.index("--publish") + 1] == "127.0.0.1:8080:80"
    assert args[args.index("--volume") + 1] == "kronos-lab-host-web-docker:/var/lib/docker"
    for dropped in ("SYS_RESOURCE", "SYS_TIME", "SYS_MODULE"):
        assert f"--cap-drop={dropped}" in args
    assert "--sysctl=net.ipv6.conf.all.disable_ipv6=0" in args


def test_nothing_is_published_unasked() -> None:
    assert "--publish" not in hosts.run_args("web", "image", "172.28.80.11", "172.28.80.2")


@pytest.mark.parametrize("name", ["", "Web", "-a", "a b", "a;b", "1a", "a_b", "x" * 40])
def test_host_names_are_checked(name: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="not a host name"):
        hosts.up(Place(tmp_path, tmp_path), name, "image")


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ([], "172.28.80.11"),
        (["172.28.80.11", "172.28.80.12"], "172.28.80.13"),
        (["172.28.80.12"], "172.28.80.11"),
    ],
)
def test_next_address(used: list[str], expected: str) -> None:
    assert network.next_address("172.28.80.0/24", used) == expected


def test_no_address_left() -> None:
    everything = [str(address) for address in IPv4Network("172.28.80.0/24")]
    with pytest.raises(LabError, match="no free address"):
        network.next_address("172.28.80.0/24", everything)


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([], "172.28.80.0/24"),
        (["172.17.0.0/16"], "172.28.80.0/24"),
        (["172.28.80.128/25"], "172.28.81.0/24"),
        (["172.28.80.0/22"], "172.28.84.0/24"),
    ],
)
def test_free_subnet(taken: list[str], expected: str) -> None:
    assert network.free_subnet(map(IPv4Network, taken)) == expected


def test_no_free_subnet() -> None:
    with pytest.raises(LabError, match="no free subnet"):
        network.free_subnet([IPv4Network("172.16.0.0/12")])


def test_inventory() -> None:
    data = inventory.inventory_data(
        {"b": "172.28.80.12", "a": "172.28.80.11"},
        {"ansible_user": "root"},
        {"b": {"kronos_https_port": 8443}},
    )
    assert data["lab"] == {"hosts": ["a", "b"]}
    assert data["_meta"]["hostvars"] == {
        "a": {"ansible_user": "root", "ansible_host": "172.28.80.11", "kronos_address": "172.28.80.11"},
        "b": {
            "ansible_user": "root",
            "ansible_host": "172.28.80.12",
            "kronos_address": "172.28.80.12",
            "kronos_https_port": 8443,
        },
    }


def test_variables_of_one_host_are_remembered(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path)
    inventory.remember(place, "demo", {"kronos_https_port": 8443})
    inventory.remember(place, "other", {"x": 1})
    inventory.remember(place, "demo", {"kronos_https_port": 9443})
    assert inventory.remembered(place) == {"demo": {"kronos_https_port": 9443}, "other": {"x": 1}}
