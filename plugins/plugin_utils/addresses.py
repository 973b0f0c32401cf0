# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which range a zone's serving network has, and which address a service in it. Pure.

The proxy reaches services by address, since names of containers are answered by Docker's daemon alone: while that
hangs or is updated, every request would fail. An address follows from the name, so a new service moves no other,
unless their names fall on one place; the module ``networks`` then takes the one that has to move out of the way.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable

from ansible_collections.kronos.homelab.plugins.plugin_utils.names import DEFAULT_ZONE, KNOWN_ZONES

# A private range that home routers do not give out and Docker does not take; else the one set aside for benchmarks
# (RFC 2544), which nobody routes.
POOLS = (ipaddress.IPv4Network("10.236.0.0/14"), ipaddress.IPv4Network("198.18.0.0/15"))
PARTS = 64
_PART_BITS = 6
_FIRST_ZONES = (DEFAULT_ZONE, *KNOWN_ZONES)


class NoRoom(Exception):
    """There are more names than places."""


def choose_pool(taken: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> ipaddress.IPv4Network | None:
    """Return the first pool of ours that overlaps nothing taken; None where all do."""
    used = [network for network in taken if isinstance(network, ipaddress.IPv4Network)]
    return next((pool for pool in POOLS if not any(pool.overlaps(network) for network in used)), None)


def zone_ranges(zones: Iterable[str], pool: ipaddress.IPv4Network) -> dict[str, ipaddress.IPv4Network]:
    """Return zone → its part of the pool, a sixty-fourth. Raises NoRoom."""
    own = sorted(set(zones) - set(_FIRST_ZONES))
    places = {zone: place for place, zone in enumerate(_FIRST_ZONES)}
    places |= spread(own, PARTS - len(_FIRST_ZONES), first=len(_FIRST_ZONES))
    size = 1 << (32 - pool.prefixlen - _PART_BITS)
    start = int(pool.network_address)
    prefix = pool.prefixlen + _PART_BITS
    return {zone: ipaddress.IPv4Network((start + places[zone] * size, prefix)) for zone in zones}


def dynamic_part(subnet: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    """Return the half from which Docker gives addresses by itself: the lower one, its gateway included."""
    return next(subnet.subnets(prefixlen_diff=1))


def service_addresses(services: Iterable[str], subnet: ipaddress.IPv4Network) -> dict[str, str]:
    """Return service → its address in the upper half of the subnet, the broadcast address left out. Raises NoRoom."""
    half = subnet.num_addresses // 2
    places = spread(services, half - 1, first=half)
    return {name: str(subnet.network_address + place) for name, place in places.items()}


def spread(names: Iterable[str], size: int, first: int = 0) -> dict[str, int]:
    """Return name → place among *size* from *first* on: its hash, or the next free place, in the names' order."""
    taken: dict[int, str] = {}
    ordered = sorted(names)
    if len(ordered) > size:
        raise NoRoom(f"{len(ordered)} names for {size} places")
    for name in ordered:
        place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % size
        while place in taken:
            place = (place + 1) % size
        taken[place] = name
    return {name: first + place for place, name in taken.items()}
