# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reach table: which source reaches which service on which port. What it does not name is closed. Pure.

It follows from the same openings as the ruleset, so that a probe of the host can be compared with it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kronos.homelab.plugins.plugin_utils import flows as flow
from ansible_collections.kronos.homelab.plugins.plugin_utils.flows import EVERYONE, INTERNET, Flows, Opening
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.table import render_table

OPEN, SLOW, INSIDE, ROUTER = "open", "open, with a rate limit", "open at the host's gateway", "the router decides"


@dataclass(frozen=True)
class Source:
    """A class of clients; one without ranges is everybody else."""

    name: str
    ranges: tuple[str, ...] = ()


def exposure(plan: Plan) -> list[Data]:
    """Return rows {source, service, port, protocol, families, how}; port 0 stands for all of them."""
    found = flow.flows(plan)
    rows = [row for source in _sources(plan, found) for row in _rows(source, found)]
    return [*rows, *_container_rows(plan, found), *_macvlan_rows(plan)]


def exposure_table(plan: Plan) -> str:
    """Return the same as a table for people, one line for each port and way, with all sources that have it."""
    merged: dict[tuple[str, str, str, str], list[str]] = {}
    for row in exposure(plan):
        port = f"{row['port']}/{row['protocol']}" if row["port"] else "all"
        key = (row["service"], port, " ".join(row["families"]), row["how"])
        merged.setdefault(key, []).append(row["source"])
    rows = [[key[0], key[1], key[2], ", ".join(sources), key[3]] for key, sources in merged.items()]
    return render_table(["service", "port", "over", "from", "how"], rows)


def _sources(plan: Plan, found: Flows) -> Iterator[Source]:
    yield Source(INTERNET)
    if plan["settings"]["web_from"] == "cloudflare":
        yield Source("cloudflare", found.sets["cloudflare"])
    yield from (Source(name, found.sets[name]) for name in ("lan", "vpn") if found.sets[name])
    if "ssh" in found.sets:
        yield Source("ssh sources", found.sets["ssh"])
    for name, zone in plan["zones"].items():
        if flow.vlan_ranges(zone):
            yield Source(f"zone {name}", flow.vlan_ranges(zone))


def _rows(source: Source, found: Flows) -> Iterator[Data]:
    for opening in found.openings:
        families = _families(source, opening, found)
        if families:
            stranger = opening.limit and not _overlap(source.ranges, found.sets["trusted"])
            spared = source.name == "cloudflare" and opening.limit == "web"
            yield _row(source.name, opening, families, SLOW if stranger and not spared else OPEN)


def _families(source: Source, opening: Opening, found: Flows) -> list[int]:
    """The IP versions over which some of the source's addresses are let in."""
    if EVERYONE in opening.admits:
        own = {int(ipaddress.ip_network(item).version) for item in source.ranges}
        return [family for family in opening.families if family in own or not own]
    ranges = [item for name in opening.admits for item in found.sets[name]]
    return [f for f in opening.families if _overlap(flow.of_family(source.ranges, f), flow.of_family(ranges, f))]


def _overlap(some: Iterable[str], others: Iterable[str]) -> bool:
    known = [ipaddress.ip_network(item) for item in others]
    return any(
        one.version == other.version and one.overlaps(other)
        for one in (ipaddress.ip_network(item) for item in some)
        for other in known
    )


def _row(source: str, opening: Opening, families: Sequence[int], how: str) -> Data:
    return {
        "source": source,
        "service": opening.service,
        "port": opening.port,
        "protocol": opening.protocol,
        "families": [f"ipv{family}" for family in families],
        "how": how,
    }


def _container_rows(plan: Plan, found: Flows) -> Iterator[Data]:
    """What our containers reach at the host; each other they reach on the networks that they share."""
    for name, zone in plan["zones"].items():
        if zone["driver"] == "macvlan":
            continue
        families = flow.BOTH if plan["settings"]["ipv6"] else (4,)
        for opening in found.openings:
            if opening.containers and opening.network in ("", zone["network"]):
                yield _row(f"containers in {name}", opening, [f for f in families if f in opening.families], OPEN)
        for service in found.host_services:
            if name in service.zones:
                family = 6 if ":" in service.address else 4
                opening = Opening(service.service, service.port, "tcp", (), (family,))
                yield _row(f"containers in {name}", opening, (family,), INSIDE)


def _macvlan_rows(plan: Plan) -> Iterator[Data]:
    macvlan = {name for name, zone in plan["zones"].items() if zone["driver"] == "macvlan"}
    for name, service in sorted(_in_zones(plan, macvlan)):
        opening = Opening(service, 0, "any", (EVERYONE,), flow.BOTH)
        yield _row(f"whoever reaches zone {name}", opening, flow.BOTH, ROUTER)


def _in_zones(plan: Plan, zones: Iterable[str]) -> Iterator[tuple[str, str]]:
    wanted: Mapping[str, None] = dict.fromkeys(zones)
    for name, service in plan["services"].items():
        if service["realised_zone"] in wanted and service["network"] != "host":
            yield service["realised_zone"], name
