# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection marks: whoever comes in through a VLAN gets the answer through it.

The answers of a container are routed before its address is turned back into the host's, so that a rule by source
alone would send the answer to a client of the LAN out of the zone's VLAN. Therefore each new connection from outside
is marked with the way that it came, and its replies carry that mark when they are routed.

``mark_chains`` is for anybody's table of the family inet; ``vlan_marks`` is a table of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.vlans import (
    ELSEWHERE,
    MARK_MASK,
    mark_of,
    vlan_interfaces,
)

TABLE = "kronos_marks"
# Where containers and the host itself send from: nobody comes in there from outside.
INNER = ("lo", "docker0", "br-*", "kr-*", "veth*")
_OTHER_BITS = 0xFFFFFFFF ^ MARK_MASK


def vlan_marks(plan: Mapping[str, Any]) -> str:
    """The nftables file with a table of our own for the marks; empty where no zone has a VLAN. Pure."""
    chains = mark_chains(plan)
    if not chains:
        return ""
    head = [f"table inet {TABLE}", f"delete table inet {TABLE}", f"table inet {TABLE} {{"]
    return "\n".join([*head, *(f"  {line}".rstrip() for line in chains), "}"]) + "\n"


def mark_chains(plan: Mapping[str, Any]) -> list[str]:
    """Lines of the chains that mark and restore, for a table of the family inet; none without VLANs. Pure."""
    vlans = [(each["name"], mark_of(each["id"])) for each in vlan_interfaces(plan)]
    if not vlans:
        return []
    arrive = ["ct direction reply jump kronos_answer", *_restore(ELSEWHERE), "ct direction reply return"]
    arrive += ["ct state != new return", *(f'iifname "{name}" return' for name in INNER)]
    arrive += [f'iifname "{name}" {_set("ct", mark)} return' for name, mark in vlans]
    arrive.append(_set("ct", ELSEWHERE))
    leave = ["ct direction reply jump kronos_answer"]
    answer = [line for _name, mark in vlans for line in _restore(mark)]
    return [
        *_chain("kronos_arrive", "type filter hook prerouting priority mangle; policy accept;", arrive),
        *_chain("kronos_leave", "type route hook output priority mangle; policy accept;", leave),
        *_chain("kronos_answer", "", answer),
    ]


def _restore(mark: int) -> list[str]:
    of_it = f"ct mark and {MARK_MASK:#010x} == {mark:#010x}"
    return [f"ct direction reply {of_it} {_set('meta', mark)} return"]


def _set(what: str, mark: int) -> str:
    """Set our bits of the mark of a connection (ct) or a packet (meta), and leave those of others."""
    return f"{what} mark set {what} mark and {_OTHER_BITS:#010x} or {mark:#010x}"


def _chain(name: str, hook: str, rules: list[str]) -> list[str]:
    return [f"chain {name} {{", *(f"  {line}" for line in [hook, *rules] if line), "}"]
