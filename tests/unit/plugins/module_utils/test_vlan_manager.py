# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network manager owns a parent, from what it notes in /run."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import vlan_manager, vlan_model
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_live import Link, Live

NETWORKD = {"run/systemd/netif/links/2": "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/10-eth0.network\n"}
NETPLAN = {"run/systemd/netif/links/2": "NETWORK_FILE=/run/systemd/network/10-netplan-lan.network\n"}
UNMANAGED = {"run/systemd/netif/links/2": "ADMIN_STATE=unmanaged\n"}
IFUPDOWN = {
    "run/network/ifstate": "lo=lo\neth0=eth0\n",
    "etc/network/interfaces": "source /etc/network/interfaces.d/*\n",
}
NM = {"run/NetworkManager/devices/2": "[device]\nmanaged=true\nconnection-uuid=1\n"}
LIVE = Live({"lo": Link("lo", 1), "eth0": Link("eth0", 2), "eth1": Link("eth1", 3)})


def wanted(parent: str = "eth0", number: int = 30) -> vlan_model.Interface:
    return vlan_model.Interface(f"kr{number}", number, parent, (f"10.{number % 250}.0.2/24",))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(vlan_manager, "ROOT", str(tmp_path))

    def write(*parts: dict[str, str]) -> None:
        for files in parts:
            for name, text in files.items():
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)

    return write


FOUND = [
    ((NETWORKD,), "networkd", "/etc/systemd/network/10-eth0.network"),
    ((NETPLAN,), "netplan", "lan"),
    ((IFUPDOWN,), "ifupdown", ""),
    # networkd runs for others and leaves eth0 alone
    ((UNMANAGED, IFUPDOWN), "ifupdown", ""),
    ((NETWORKD, {"run/network/ifstate": "lo=lo\n"}), "networkd", "/etc/systemd/network/10-eth0.network"),
]


@pytest.mark.parametrize(("files", "name", "by"), FOUND)
def test_detection(host: Any, files: Any, name: str, by: str) -> None:
    host(*files)
    managed = vlan_manager.choose([wanted()], LIVE, "auto")
    assert (managed.provider.name, managed.parents["eth0"].configured_by) == (name, by)


REFUSED = [
    ((NM,), "auto", r"not supported \(eth0: NetworkManager\). Wanted one of networkd, netplan, ifupdown"),
    (({"run/NetworkManager/devices/2": "managed-type=full\n"},), "auto", "eth0: NetworkManager"),
    ((UNMANAGED,), "auto", r"not supported \(eth0: nobody\)"),
    ((IFUPDOWN,), "networkd", r"networkd does not configure these interfaces of VLANs: eth0 \(ifupdown\)"),
    ((NETWORKD,), "ifupdown", r"ifupdown does not configure these interfaces of VLANs: eth0 \(networkd\)"),
    ((NM,), "netplan", r"netplan does not configure .* eth0 \(NetworkManager\)"),
    (
        ({"run/network/ifstate": "eth0=eth0\n"},),
        "auto",
        "does not read /etc/network/interfaces.d/kronos-kr30: add `source",
    ),
]


@pytest.mark.parametrize(("files", "manager", "says"), REFUSED)
def test_refusals(host: Any, files: Any, manager: str, says: str) -> None:
    host(*files)
    with pytest.raises(KronosError, match=says):
        vlan_manager.choose([wanted()], LIVE, manager)


READS = [
    ("source /etc/network/interfaces.d/*", True),
    ("source interfaces.d/*", True),
    ("  source\t/etc/network/interfaces.d/kronos-*  ", True),
    ("source /etc/network/other /etc/network/interfaces.d/*", True),
    ("source /etc/network/*/*", True),
    ("source /etc/network/interfaces.d/kronos-kr3[0-1]", True),
    ("source-directory interfaces.d", True),
    ("source-directory /etc/network/interfaces.d/", True),
    ("source-dir /etc/*/interfaces.d", True),
    ("source /etc/network/interfaces.d/*.cfg", False),
    ("source /etc/network/interfaces.d/kronos-kr4*", False),
    ("source /etc/network/interfaces.d", False),  # ifupdown reads no directory by this word
    ("source /etc/network/*", False),
    ("source /etc/network/interfaces.d/*/*", False),
    ("source-directory /etc/network", False),
    ("source-directory /srv/interfaces.d", False),
    ("source /etc/network/interfaces.d.old/*", False),
    ("# source /etc/network/interfaces.d/*", False),
    ("source", False),
    ("", False),
]


@pytest.mark.parametrize(("line", "reads"), READS)
def test_ifupdown_must_read_the_very_file_that_we_write(host: Any, line: str, reads: bool) -> None:
    host(IFUPDOWN, {"etc/network/interfaces": f"auto lo\niface lo inet loopback\n\n{line}\n"})
    refused = contextlib.nullcontext() if reads else pytest.raises(KronosError, match=r"does not read .*/kronos-kr30: ")
    with refused:
        vlan_manager.choose([wanted()], LIVE, "auto")


def test_every_file_must_be_read(host: Any) -> None:
    host(IFUPDOWN, {"etc/network/interfaces": "source interfaces.d/kronos-kr30\n"})
    with pytest.raises(KronosError, match=r"does not read /etc/network/interfaces.d/kronos-kr31: add"):
        vlan_manager.choose([wanted(), wanted(number=31)], LIVE, "auto")


def test_a_parent_that_nobody_configures_can_be_given_to_ifupdown(host: Any) -> None:
    host({"etc/network/interfaces": "source-directory interfaces.d\n"})
    assert vlan_manager.choose([wanted()], LIVE, "ifupdown").provider.name == "ifupdown"


def test_parents_that_do_not_exist_are_one_error(host: Any) -> None:
    host(NETWORKD)
    with pytest.raises(KronosError) as caught:
        vlan_manager.choose([wanted("eth7"), wanted("eth0", 31), wanted("bond0", 32)], LIVE, "auto")
    assert str(caught.value) == (
        "no such interface on the host: bond0 (of VLAN 32), eth7 (of VLAN 30); there are eth0, eth1"
    )


def links(*numbers: int, file: str = "/etc/systemd/network/en.network") -> dict[str, str]:
    return {f"run/systemd/netif/links/{number}": f"NETWORK_FILE={file}\n" for number in numbers}


ALL_EN = "/run/systemd/network/10-netplan-all-en.network"
SHARED = [
    (links(2, 3), "auto", "eth0 (its configuration /etc/systemd/network/en.network is that of eth1 too)"),
    (links(2, 3), "networkd", "/etc/systemd/network/en.network is that of eth1 too"),
    (links(2, 3, file=ALL_EN), "auto", "eth0 (its configuration all-en is that of eth1 too)"),
    (links(1, 2, 3), "auto", "is that of eth1, lo too"),
]


@pytest.mark.parametrize(("files", "manager", "says"), SHARED)
def test_a_parent_whose_configuration_is_that_of_others_is_refused(
    host: Any, files: dict[str, str], manager: str, says: str
) -> None:
    host(files)
    with pytest.raises(KronosError) as caught:
        vlan_manager.choose([wanted(), wanted(number=31)], LIVE, manager)
    assert says in str(caught.value)
    assert "Give the parent a file (netplan: an entry) of its own" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", [links(3, file="/etc/systemd/network/20-eth1.network"), links(9)])
def test_a_configuration_for_itself_alone_is_enough(host: Any, other: dict[str, str]) -> None:
    host(links(2), other)  # 9: an interface that is gone
    assert vlan_manager.choose([wanted()], LIVE, "auto").provider.name == "networkd"


def test_a_file_for_everything_does_not_make_a_long_error(host: Any) -> None:
    host(links(*range(2, 30)))
    many = {f"veth{number}": Link(f"veth{number}", number) for number in range(10, 30)}
    with pytest.raises(KronosError, match=r"is that of eth1, veth10, veth11, veth12 and others too"):
        vlan_manager.choose([wanted()], Live({**LIVE.links, **many}), "auto")


def test_two_parents_of_one_configuration_are_refused_as_well(host: Any) -> None:
    host(links(2, 3))
    with pytest.raises(KronosError, match=r"is that of eth1 too.*is that of eth0 too"):
        vlan_manager.choose([wanted(), wanted("eth1", 31)], LIVE, "auto")


def test_parents_of_two_managers_are_one_error(host: Any) -> None:
    host(NETWORKD, {"run/network/ifstate": "eth1=eth1\n"})
    with pytest.raises(KronosError, match=r"several network managers \(eth1: ifupdown; eth0: networkd\)"):
        vlan_manager.choose([wanted(), wanted("eth1", 31)], LIVE, "auto")


def test_who_is_involved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Any) -> None:
    host(NETWORKD)
    managed = vlan_manager.choose([wanted()], LIVE, "auto")
    old = ["/etc/network/interfaces.d/kronos-kr30", "/etc/kronos/vlan-marks.nft"]
    assert [each.name for each in vlan_manager.involved(managed, old)] == ["networkd", "ifupdown"]
    assert [each.name for each in vlan_manager.involved(None, old)] == ["ifupdown"]
    assert [each.name for each in vlan_manager.involved(None, old[1:])] == []
