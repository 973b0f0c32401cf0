# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VLANs by netplan (renderer networkd): one file for it, and what its language cannot say in a file for networkd.

Netplan has no words for rules that suppress a default route, compare a part of a mark or lead nowhere.
Source: netplan's YAML reference; works from version 0.106 on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kronos.homelab.plugins.module_utils import tree
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_model import MAIN, Interface
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_networkd import (
    Networkd,
    rule_sections,
    section_text,
)
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_provider import HEAD, Command, Parent, Work

FILE = "90-kronos.yaml"
GENERATED = "10-netplan-"  # how netplan calls the files that it makes for networkd
DROP_IN = "50-kronos-rules.conf"
GENERATE = ("netplan", "generate")


@dataclass(frozen=True)
class Netplan:
    """A file below /etc/netplan."""

    etc: str = "/etc"
    name: str = "netplan"
    makes_anew: bool = False
    # systemd ran netplan's generator long before the files were put back
    at_boot: tuple[Command, ...] = (GENERATE,)

    @property
    def ours(self) -> tuple[str, ...]:
        """Files of ours."""
        return (f"{self.etc}/netplan/{FILE}", f"{self.etc}/systemd/network/{GENERATED}kr*.network.d/{DROP_IN}")

    def files(self, interfaces: Sequence[Interface], parents: Mapping[str, Parent]) -> list[tree.Wanted]:
        """One file for all interfaces, and one for the rules of each."""
        if not interfaces:
            return []
        lines = ["network:", "  version: 2", "  vlans:"]
        for each in interfaces:
            lines += [f"    {line}" for line in _vlan(each, parents[each.parent].configured_by)]
        # 0600: netplan complains of files that others may read
        files = [tree.Wanted(f"{self.etc}/netplan/{FILE}", (HEAD + "\n".join(lines) + "\n").encode(), 0o600)]
        for each in interfaces:
            path = f"{self.etc}/systemd/network/{GENERATED}{each.name}.network.d/{DROP_IN}"
            sections = [("Network", ["ConfigureWithoutCarrier=yes"]), *rule_sections(each)]
            files.append(tree.Wanted(path, (HEAD + section_text(sections)).encode()))
        return files

    def take_down(self, names: Sequence[str]) -> list[Command]:
        """Nothing, as with networkd."""
        return []

    def bring_up(self, work: Work) -> list[Command]:
        """Let netplan write networkd's files, and networkd go by them; ``netplan apply`` would touch more than ours."""
        return [GENERATE, *Networkd().bring_up(work)]


def _vlan(each: Interface, parent: str) -> Iterator[str]:
    """The definition of one VLAN, lines of YAML; values are JSON, which YAML includes."""
    yield f"{each.name}:"
    said = {
        "renderer": "networkd",
        "id": each.id,
        "link": parent,
        "addresses": list(each.addresses),
        **({"mtu": each.mtu} if each.mtu else {}),
        "link-local": ["ipv6"] if each.ipv6 else [],
        "accept-ra": False,
        "optional": True,
    }
    for key, value in said.items():
        yield f"  {key}: {json.dumps(value)}"
    if each.routes:
        yield "  routes:"
    for route in each.routes:
        way = {"via": route.via} if route.via else {"scope": "link"}
        table = {"table": route.table} if route.table != MAIN else {}
        yield f"    - {json.dumps({'to': route.to, **way, **table})}"
