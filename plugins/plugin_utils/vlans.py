# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the zones of a plan to interfaces, addresses, routes and the policy routing that sends containers through them.

Each VLAN has a routing table of its own (its number never depends on other VLANs) with its link, its other routes and
its gateway. For each zone with a VLAN these rules are looked up in order:

1. a reply to a client that did not come through a VLAN of ours goes back by the main table;
2. a reply to a client that came through a VLAN goes back through that VLAN (see render_marks.py for the marks);
3. what lies on a link of this host, other containers included, is reached by the main table without its default;
4. everything else goes by the table of the zone's VLAN;
5. and where that leads nowhere, it goes nowhere: a zone never leaks into the untagged network.

Between 3 and 4 there is room for a rule that sends a zone through its backup VLAN.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.names import vlan_interface

Data = dict[str, Any]

MAIN = 254  # the kernel's number of its main table
TABLES = 10000  # our tables are this plus the VLAN id
# The upper bits: small numbers are what people write by hand; Docker, WireGuard and Tailscale use lower ones too.
MARK_MASK = 0xFFF00000
ELSEWHERE = 0xFFF00000  # no VLAN has the id 4095

ANSWER_ELSEWHERE, ANSWER, NEAR, BACKUP, OUT, NOWHERE = 10000, 10010, 10020, 10025, 10030, 10040


def table_of(number: int) -> int:
    """The routing table of the VLAN with this id."""
    return TABLES + number


def mark_of(number: int) -> int:
    """The connection mark of clients that came through the VLAN with this id."""
    return number << 20


def vlan_interfaces(plan: Mapping[str, Any]) -> list[Data]:
    """Every VLAN interface that the zones want, as the module kronos.homelab.vlan takes it. Pure.

    One for each VLAN id, backups included, by id; zones that share a VLAN share the interface.
    """
    vlans: dict[int, Mapping[str, Any]] = {}
    for zone in plan["zones"].values():
        for key in ("vlan", "backup_vlan"):
            if zone[key]:
                vlans.setdefault(zone[key]["id"], zone[key])
    return [_interface(vlan, plan) for _id, vlan in sorted(vlans.items())]


def _interface(vlan: Mapping[str, Any], plan: Mapping[str, Any]) -> Data:
    number = vlan["id"]
    return {
        "name": vlan_interface(number),
        "id": number,
        "parent": vlan["parent"],
        "addresses": [address for address in (vlan["address"], vlan["address6"]) if address],
        "gateways": [gateway for gateway in (vlan["gateway"], vlan["gateway6"]) if gateway],
        "mtu": vlan["mtu"],
        "ipv6": vlan["ipv6"],
        "routes": list(_routes(vlan)),
        "rules": sorted(_rules(vlan, plan), key=_order),
    }


def _order(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    return (rule["family"], rule["priority"], rule["source"], rule["incoming"])


def _routes(vlan: Mapping[str, Any]) -> Iterator[Data]:
    table = table_of(vlan["id"])
    for address, gateway in ((vlan["address"], vlan["gateway"]), (vlan["address6"], vlan["gateway6"])):
        if address:
            link = ipaddress.ip_interface(address)
            yield {"to": str(link.network), "via": "", "table": table}
            if gateway:
                yield {"to": "::/0" if link.version == 6 else "0.0.0.0/0", "via": gateway, "table": table}
    for route in vlan["routes"]:
        for where in (table, MAIN):  # the host and the other zones know these networks too
            yield {"to": route["to"], "via": route["via"], "table": where}


def _rules(vlan: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[Data]:
    number, table = vlan["id"], table_of(vlan["id"])
    links = [ipaddress.ip_interface(address) for address in (vlan["address"], vlan["address6"]) if address]
    for link in links:
        yield _rule(link.version, ANSWER, table, mark=mark_of(number))
        own = str(ipaddress.ip_network(link.ip))
        yield _rule(link.version, NEAR, MAIN, source=own, action="near")
        yield _rule(link.version, OUT, table, source=own)
    bridges = {network["name"]: network["bridge"] for network in plan["networks"]}
    for zone in plan["zones"].values():
        if not zone["vlan"] or zone["vlan"]["id"] != number or zone["driver"] != "bridge":
            continue
        family = ipaddress.ip_network(zone["subnet"]).version
        yield from _zone_rules(family, table, source=zone["subnet"])
        if plan["settings"]["ipv6"] and family == 4:  # the engine chose that range: told by where it comes from
            yield from _zone_rules(6, table, incoming=bridges[zone["network"]])


def _zone_rules(family: int, table: int, source: str = "", incoming: str = "") -> Iterator[Data]:
    yield _rule(family, ANSWER_ELSEWHERE, MAIN, source, incoming, mark=ELSEWHERE)
    yield _rule(family, NEAR, MAIN, source, incoming, action="near")
    yield _rule(family, OUT, table, source, incoming)
    yield _rule(family, NOWHERE, MAIN, source, incoming, action="unreachable")


def _rule(
    family: int, priority: int, table: int, source: str = "", incoming: str = "", mark: int = 0, action: str = "lookup"
) -> Data:
    """One rule. ``near`` is a lookup that ignores default routes; a mark is compared under MARK_MASK."""
    return {
        "family": family,
        "priority": priority,
        "source": source,
        "incoming": incoming,
        "mark": mark,
        "action": action,
        "table": table,
    }
