# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network managers' files, as text and in every shape that zones can have."""

from __future__ import annotations

import configparser
import re
from fnmatch import fnmatch
from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.module_utils import vlan_model
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_ifupdown import Ifupdown
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_netplan import Netplan
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_networkd import Networkd
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_provider import HEAD, Parent, Work

RULE = {"family": 4, "priority": 10030, "source": "10.77.3.0/24", "incoming": "", "mark": 0, "action": "lookup"}
NOWHERE = {"priority": 10040, "family": 6, "source": "", "incoming": "kr-media", "action": "unreachable", "table": 254}
FULL: dict[str, Any] = {
    "name": "kr30",
    "id": 30,
    "parent": "eth0",
    "addresses": ["10.30.0.2/24", "fd30::2/64"],
    "gateways": ["10.30.0.1"],
    "mtu": 1400,
    "ipv6": True,
    "routes": [
        {"to": "10.30.0.0/24", "via": "", "table": 10030},
        {"to": "0.0.0.0/0", "via": "10.30.0.1", "table": 10030},
        {"to": "fd30::/64", "via": "", "table": 10030},
        {"to": "10.50.0.0/16", "via": "10.30.0.254", "table": 254},
    ],
    "rules": [
        {**RULE, "priority": 10000, "mark": 0xFFF00000, "table": 254},
        {**RULE, "priority": 10020, "action": "near", "table": 254},
        {**RULE, "table": 10030},
        {
            **RULE,
            "priority": 10040,
            "family": 6,
            "source": "",
            "incoming": "kr-media",
            "action": "unreachable",
            "table": 254,
        },
    ],
}
PLAIN: dict[str, Any] = {
    **FULL,
    "name": "kr40",
    "id": 40,
    "addresses": ["10.40.0.2/24"],
    "mtu": None,
    "ipv6": False,
    "routes": [],
    "rules": [],
}
LOOKUPS = ("SuppressPrefixLength", "Type")
PARENTS = {"eth0": Parent("eth0", "networkd", "/etc/systemd/network/10-eth0.network")}
NAMED = {"eth0": Parent("eth0", "netplan", "lan")}

NETDEV = """\
[NetDev]
Name=kr30
Kind=vlan

[VLAN]
Id=30
"""
NETWORK = """\
[Match]
Name=kr30

[Link]
MTUBytes=1400
RequiredForOnline=no

[Network]
Address=10.30.0.2/24
Address=fd30::2/64
LinkLocalAddressing=ipv6
IPv6AcceptRA=no
ConfigureWithoutCarrier=yes

[Route]
Destination=10.30.0.0/24
Scope=link
Table=10030

[Route]
Destination=0.0.0.0/0
Gateway=10.30.0.1
Table=10030

[Route]
Destination=fd30::/64
Table=10030

[Route]
Destination=10.50.0.0/16
Gateway=10.30.0.254

[RoutingPolicyRule]
Family=ipv4
Priority=10000
From=10.77.3.0/24
FirewallMark=4293918720/4293918720
Table=254

[RoutingPolicyRule]
Family=ipv4
Priority=10020
From=10.77.3.0/24
Table=254
SuppressPrefixLength=0

[RoutingPolicyRule]
Family=ipv4
Priority=10030
From=10.77.3.0/24
Table=10030

[RoutingPolicyRule]
Family=ipv6
Priority=10040
IncomingInterface=kr-media
Type=unreachable
"""
STANZA = """\
auto kr40
iface kr40 inet manual
    pre-up ip link set dev eth0 up
    pre-up ip link show dev kr40 >/dev/null 2>&1 || ip link add link eth0 name kr40 type vlan id 40
    pre-up [ ! -e /proc/sys/net/ipv6/conf/kr40 ] || echo 0 > /proc/sys/net/ipv6/conf/kr40/accept_ra
    pre-up [ ! -e /proc/sys/net/ipv6/conf/kr40 ] || echo 1 > /proc/sys/net/ipv6/conf/kr40/disable_ipv6
    up ip link set dev kr40 up
    up ip address replace 10.40.0.2/24 dev kr40
    post-down ip link delete dev kr40 2>/dev/null || true
"""


def texts(provider: Any, wanted: list[dict[str, Any]], parents: dict[str, Parent]) -> dict[str, str]:
    files = provider.files(vlan_model.parse(wanted), parents)
    found = {file.path: file.content.decode() for file in files}
    assert len(found) == len(files)
    assert all(text.startswith(HEAD) for text in found.values())
    return {path: text[len(HEAD) :] for path, text in found.items()}


def test_networkd() -> None:
    found = texts(Networkd(), [FULL, PLAIN], PARENTS)
    folder = "/etc/systemd/network"
    assert list(found) == [
        f"{folder}/05-kronos-kr30.netdev",
        f"{folder}/05-kronos-kr30.network",
        f"{folder}/05-kronos-kr40.netdev",
        f"{folder}/05-kronos-kr40.network",
        f"{folder}/10-eth0.network.d/50-kronos-vlan.conf",
    ]
    assert found[f"{folder}/05-kronos-kr30.netdev"] == NETDEV
    assert found[f"{folder}/05-kronos-kr30.network"] == NETWORK
    assert found[f"{folder}/10-eth0.network.d/50-kronos-vlan.conf"] == "[Network]\nVLAN=kr30\nVLAN=kr40\n"
    plain = found[f"{folder}/05-kronos-kr40.network"]
    assert "LinkLocalAddressing=no\nIPv6AcceptRA=no" in plain
    assert "MTUBytes" not in plain


def test_netplan() -> None:
    found = texts(Netplan(), [FULL, PLAIN], NAMED)
    document = yaml.safe_load(found["/etc/netplan/90-kronos.yaml"])
    assert document["network"]["version"] == 2
    vlans = document["network"]["vlans"]
    assert vlans["kr30"] == {
        "renderer": "networkd",
        "id": 30,
        "link": "lan",
        "addresses": ["10.30.0.2/24", "fd30::2/64"],
        "mtu": 1400,
        "link-local": ["ipv6"],
        "accept-ra": False,
        "optional": True,
        "routes": [
            {"to": "10.30.0.0/24", "scope": "link", "table": 10030},
            {"to": "0.0.0.0/0", "via": "10.30.0.1", "table": 10030},
            {"to": "fd30::/64", "scope": "link", "table": 10030},
            {"to": "10.50.0.0/16", "via": "10.30.0.254"},
        ],
    }
    assert vlans["kr40"]["link-local"] == []
    assert "routes" not in vlans["kr40"]
    rules = found["/etc/systemd/network/10-netplan-kr30.network.d/50-kronos-rules.conf"]
    assert rules == "[Network]\nConfigureWithoutCarrier=yes\n\n" + NETWORK[NETWORK.index("[RoutingPolicyRule]") :]
    assert texts(Netplan(), [], NAMED) == {}


def test_netplan_keeps_its_file_from_others() -> None:
    modes = {file.path: file.mode for file in Netplan().files(vlan_model.parse([PLAIN]), NAMED)}
    assert modes["/etc/netplan/90-kronos.yaml"] == 0o600


def test_ifupdown() -> None:
    found = texts(Ifupdown(), [FULL, PLAIN], PARENTS)
    assert found["/etc/network/interfaces.d/kronos-kr40"] == STANZA
    lines = [line.strip() for line in found["/etc/network/interfaces.d/kronos-kr30"].splitlines()]
    assert "up ip link set dev kr30 mtu 1400 up" in lines
    assert "up ip address replace fd30::2/64 dev kr30 nodad" in lines
    assert "up ip -4 route replace 0.0.0.0/0 via 10.30.0.1 dev kr30 table 10030" in lines
    assert "up ip -6 route replace fd30::/64 dev kr30 table 10030" in lines
    assert not any("disable_ipv6" in line for line in lines)
    for words in (
        "-4 rule {} pref 10000 from 10.77.3.0/24 fwmark 0xfff00000/0xfff00000 lookup 254",
        "-4 rule {} pref 10020 from 10.77.3.0/24 lookup 254 suppress_prefixlength 0",
        "-6 rule {} pref 10040 from all iif kr-media unreachable",
    ):
        add = lines.index(f"up ip {words.format('add')}")
        assert lines[add - 1] == f"up ip {words.format('del')} 2>/dev/null || true"
        assert f"down ip {words.format('del')} 2>/dev/null || true" in lines


@pytest.mark.parametrize("provider", [Networkd(), Netplan(), Ifupdown()], ids=lambda provider: provider.name)
def test_every_file_is_known_as_ours_again(provider: Any) -> None:
    for path in texts(provider, [FULL, PLAIN], NAMED if provider.name == "netplan" else PARENTS):
        assert any(fnmatch(path, pattern) for pattern in provider.ours), path


def test_networkd_understands_what_it_gets() -> None:
    """No section or key that is not in its manual, and each section is one of key=value lines."""
    known = {
        "NetDev": {"Name", "Kind"},
        "VLAN": {"Id"},
        "Match": {"Name"},
        "Link": {"MTUBytes", "RequiredForOnline"},
        "Network": {"Address", "LinkLocalAddressing", "IPv6AcceptRA", "ConfigureWithoutCarrier", "VLAN"},
        "Route": {"Destination", "Gateway", "Table", "Scope"},
        "RoutingPolicyRule": {
            *(
                "Family",
                "Priority",
                "From",
                "IncomingInterface",
                "FirewallMark",
                "Table",
                "SuppressPrefixLength",
                "Type",
            )
        },
    }
    for text in texts(Networkd(), [FULL, PLAIN], PARENTS).values():
        for part in re.split(r"\n(?=\[)", text):
            reader = configparser.ConfigParser(strict=False, interpolation=None)
            reader.optionxform = str  # type: ignore[method-assign,assignment]
            reader.read_string(part)
            (section,) = reader.sections()
            assert set(reader[section]) <= known[section]


WORKS = [
    (Work(missing=("kr30",)), ["reload"]),
    (Work(missing=("kr30",), known=("kr30",)), ["reload", "reconfigure eth0"]),
    (Work(differing=("kr30",)), ["reload"]),
    (Work(differing=("kr30", "kr40"), unwritten=("kr40",)), ["reload", "reconfigure kr40"]),
]


@pytest.mark.parametrize(("work", "asked"), WORKS)
def test_networkd_touches_no_more_than_it_must(work: Work, asked: list[str]) -> None:
    work = Work(work.missing, work.known, work.differing, work.unwritten, {"kr30": "eth0", "kr40": "eth0"})
    commands = [" ".join(command) for command in Networkd().bring_up(work)]
    assert commands == [f"networkctl {words}" for words in asked]
    assert [" ".join(command) for command in Netplan().bring_up(work)] == ["netplan generate", *commands]


def test_ifupdown_goes_by_old_files_first() -> None:
    work = Work(missing=("kr30",), differing=("kr40",))
    assert Ifupdown().take_down(["kr40"]) == [["ifdown", "--force", "kr40"]]
    assert Ifupdown().bring_up(work) == [["ifup", "--force", "kr30"], ["ifup", "--force", "kr40"]]
