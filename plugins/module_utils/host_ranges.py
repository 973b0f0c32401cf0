# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv4 ranges that a host needs for itself: where its routes lead, and who talks to it right now.

A bridge with such a range would swallow what goes there, the session of whoever made it included.
Formats: proc_net(5), and include/net/tcp_states.h of Linux for the states.
"""

from __future__ import annotations

import ipaddress
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PROC = "/proc/net"
ESTABLISHED = "01"
_MAPPED = "0000000000000000FFFF0000"  # ::ffff:0:0/96, as four little-endian words
_REJECT = 0x200


@dataclass(frozen=True)
class Needed:
    """A range, the interface that leads there ("" for a peer), and what for."""

    network: ipaddress.IPv4Network
    interface: str
    why: str


def read_needed(proc: str = PROC) -> list[Needed]:
    """All such ranges, routes first; what cannot be read is left out."""
    routes = [found for line in _lines(f"{proc}/route") if (found := _route(line))]
    peers = {peer for name in ("tcp", "tcp6") for line in _lines(f"{proc}/{name}") if (peer := _peer(line))}
    return routes + [Needed(ipaddress.IPv4Network(peer), "", f"a connection with {peer}") for peer in sorted(peers)]


def in_the_way(
    wanted: ipaddress.IPv4Network,
    needed: Iterable[Needed],
    bridges: Iterable[str],
    standing: Iterable[ipaddress.IPv4Network],
) -> str:
    """Why a bridge cannot have the range *wanted*; "" where it can. Pure.

    Docker's own are no hindrance, for Docker tells by itself what overlaps: *bridges*, and *standing*, the ranges of
    its networks.
    """
    ours, ranges = set(bridges), list(standing)
    for one in needed:
        dockers = one.interface in ours or any(one.network.subnet_of(each) for each in ranges)
        if not dockers and one.network.overlaps(wanted):
            return one.why
    return ""


def _lines(path: str) -> Iterator[list[str]]:
    if os.path.exists(path):
        with open(path, encoding="ascii", errors="replace") as stream:
            next(stream, None)
            yield from (line.split() for line in stream)


def _route(fields: list[str]) -> Needed | None:
    """A route of the main table; the default one leads everywhere and says nothing."""
    interface, destination, _gateway, flags, _uses, _use, _metric, mask = fields[:8]
    if int(mask, 16) == 0 or int(flags, 16) & _REJECT:
        return None
    network = ipaddress.IPv4Network((int(_address(destination)), bin(int(mask, 16)).count("1")))
    return Needed(network, interface, f"the route to {network} over {interface}")


def _peer(fields: list[str]) -> ipaddress.IPv4Address | None:
    """The other end of an established connection."""
    remote, state = fields[2], fields[3]
    address = remote.partition(":")[0]
    if state != ESTABLISHED or (len(address) > 8 and not address.startswith(_MAPPED)):
        return None
    found = _address(address[-8:])
    return None if found.is_loopback else found


def _address(text: str) -> ipaddress.IPv4Address:
    """Eight hexadecimal digits in the machine's order of bytes."""
    return ipaddress.IPv4Address(struct.pack("=I", int(text, 16)))
