# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VLANs by systemd-networkd: a .netdev and a .network file each, and a line for their parent.

Source: systemd.netdev(5), systemd.network(5), networkctl(1); works from version 249 on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kronos.homelab.plugins.module_utils import tree
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_model import MAIN, MARK_MASK, Interface, Rule
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_provider import HEAD, Command, Parent, Work

DROP_IN = "50-kronos-vlan.conf"


@dataclass(frozen=True)
class Networkd:
    """Files below /etc/systemd/network."""

    etc: str = "/etc"
    name: str = "networkd"
    makes_anew: bool = False
    at_boot: tuple[Command, ...] = ()

    @property
    def ours(self) -> tuple[str, ...]:
        """Files of ours."""
        names = ("05-kronos-kr*.netdev", "05-kronos-kr*.network", f"*.network.d/{DROP_IN}")
        return tuple(f"{self.etc}/systemd/network/{name}" for name in names)

    def files(self, interfaces: Sequence[Interface], parents: Mapping[str, Parent]) -> list[tree.Wanted]:
        """Two files for each interface, and one for each file that configures a parent."""
        files = []
        for each in interfaces:
            # first by name: a file of the user's that matches every interface must not win
            files.append(self._file(f"05-kronos-{each.name}.netdev", _netdev(each)))
            files.append(self._file(f"05-kronos-{each.name}.network", _network(each)))
        carried: dict[str, list[str]] = {}
        for each in interfaces:
            carried.setdefault(os.path.basename(parents[each.parent].configured_by), []).append(each.name)
        for name, names in sorted(carried.items()):
            text = "[Network]\n" + "".join(f"VLAN={each}\n" for each in names)
            files.append(self._file(f"{name}.d/{DROP_IN}", text))
        return files

    def take_down(self, names: Sequence[str]) -> list[Command]:
        """Nothing: networkd lets go of an interface that is removed."""
        return []

    def bring_up(self, work: Work) -> list[Command]:
        """Let networkd read its files; it takes up by itself what is new or changed in them."""
        commands: list[Command] = [["networkctl", "reload"]]
        # it makes a VLAN only while it configures the parent
        again = [*work.parents_of(work.known), *work.unwritten]
        return [*commands, ["networkctl", "reconfigure", *again]] if again else commands

    def _file(self, name: str, text: str) -> tree.Wanted:
        return tree.Wanted(f"{self.etc}/systemd/network/{name}", (HEAD + text).encode())


def _netdev(each: Interface) -> str:
    return f"[NetDev]\nName={each.name}\nKind=vlan\n\n[VLAN]\nId={each.id}\n"


def _network(each: Interface) -> str:
    link = ([f"MTUBytes={each.mtu}"] if each.mtu else []) + ["RequiredForOnline=no"]
    network = [
        *(f"Address={address}" for address in each.addresses),
        f"LinkLocalAddressing={'ipv6' if each.ipv6 else 'no'}",
        # version 252 waits for advertisements otherwise, and none shall change where the host sends
        "IPv6AcceptRA=no",
        "ConfigureWithoutCarrier=yes",
    ]
    sections = [("Match", [f"Name={each.name}"]), ("Link", link), ("Network", network)]
    for route in each.routes:
        lines = [f"Destination={route.to}", *([f"Gateway={route.via}"] if route.via else [])]
        if not route.via and route.family == 4:
            lines.append("Scope=link")
        sections.append(("Route", [*lines, *([f"Table={route.table}"] if route.table != MAIN else [])]))
    return section_text([*sections, *rule_sections(each)])


def rule_sections(each: Interface) -> list[tuple[str, list[str]]]:
    """The sections of a .network file for the rules of an interface."""
    return [("RoutingPolicyRule", _rule(rule)) for rule in each.rules]


def section_text(sections: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Sections as text."""
    return "\n".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections)


def _rule(rule: Rule) -> list[str]:
    lines = [f"Family=ipv{rule.family}", f"Priority={rule.priority}"]
    if rule.source:
        lines.append(f"From={rule.source}")
    if rule.incoming:
        lines.append(f"IncomingInterface={rule.incoming}")
    if rule.mark:
        lines.append(f"FirewallMark={rule.mark}/{MARK_MASK}")
    if rule.action == "unreachable":
        return [*lines, "Type=unreachable"]
    lines.append(f"Table={rule.table}")
    return [*lines, "SuppressPrefixLength=0"] if rule.action == "near" else lines
