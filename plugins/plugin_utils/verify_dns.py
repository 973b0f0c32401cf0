# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A question for an address and its answer, as they travel (RFC 1035 4): all that verify asks of a DNS server. Pure."""

from __future__ import annotations

import ipaddress
import struct

HEAD = struct.Struct("!6H")
RECORD = struct.Struct("!HHIH")
KINDS = {4: 1, 6: 28}  # A and AAAA, by IP version
INTERNET, POINTER, RECURSION = 1, 0xC0, 0x0100
REFUSALS = {1: "malformed", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}


def question(name: str, version: int, number: int) -> bytes:
    """Return the packet that asks for the address of a name: IPv4 or IPv6 by *version*, known by *number*."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.rstrip(".").split("."))
    return HEAD.pack(number, RECURSION, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", KINDS[version], INTERNET)


def addresses(packet: bytes, version: int, number: int) -> list[str]:
    """Return the addresses in an answer to question *number*; raises ValueError saying what is wrong with it."""
    try:
        return _addresses(packet, version, number)
    except (IndexError, struct.error):
        raise ValueError("an answer that is cut off") from None


def _addresses(packet: bytes, version: int, number: int) -> list[str]:
    found, flags, questions, answers, _authorities, _more = HEAD.unpack_from(packet)
    if found != number or not flags & 0x8000:
        raise ValueError("an answer to another question")
    if flags & 15:
        raise ValueError(REFUSALS.get(flags & 15, f"error {flags & 15}"))
    place = HEAD.size
    for _question in range(questions):
        place = _after_name(packet, place) + 4
    listed = []
    for _answer in range(answers):
        place = _after_name(packet, place)
        kind, _class, _ttl, length = RECORD.unpack_from(packet, place)
        place += RECORD.size
        if kind == KINDS[version]:
            listed.append(str(ipaddress.ip_address(packet[place : place + length])))
        place += length
    return listed


def _after_name(packet: bytes, place: int) -> int:
    while packet[place]:
        if packet[place] & POINTER == POINTER:
            return place + 2
        place += packet[place] + 1
    return place + 1
