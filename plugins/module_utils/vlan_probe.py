# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a router answers on the very link that it should be on: ARP for IPv4, an echo request for IPv6.

The link layer is asked, since many routers answer no ping.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
import time

TRIES = 3
WAIT = 0.7  # seconds for each try
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ETHERTYPE = 0x0806


def answers(interface: str, address: str) -> bool:
    """Tell whether *address* answers on *interface*; needs root."""
    there = ipaddress.ip_address(address)
    ask = _ask_arp if isinstance(there, ipaddress.IPv4Address) else _ask_echo
    try:
        return any(ask(interface, address) for _try in range(TRIES))
    except OSError:  # the link is down, or not there
        return False


def arp_request(mac: bytes, target: str) -> bytes:
    """An ARP probe (RFC 5227: it claims no address of its own) as an Ethernet frame. Pure."""
    body = _ARP.pack(1, 0x0800, 6, 4, 1, mac, bytes(4), bytes(6), socket.inet_aton(target))
    return b"\xff" * 6 + mac + struct.pack("!H", _ETHERTYPE) + body


def is_answer(frame: bytes, target: str) -> bool:
    """Tell whether a frame is an ARP reply of *target*. Pure."""
    if len(frame) < 14 + _ARP.size:
        return False
    fields = _ARP.unpack(frame[14 : 14 + _ARP.size])
    return bool(fields[4] == 2 and fields[6] == socket.inet_aton(target))


def _ask_arp(interface: str, target: str) -> bool:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPE)) as link:
        link.bind((interface, _ETHERTYPE))
        link.send(arp_request(link.getsockname()[4], target))
        return _hears(link, lambda frame, _sender: is_answer(frame, target))


def _ask_echo(interface: str, target: str) -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        scope = socket.if_nametoindex(interface)
        number = os.getpid() & 0xFFFF
        # the kernel fills in the checksum (RFC 3542)
        link.sendto(struct.pack("!BBHHH", 128, 0, 0, number, 1), (target, 0, 0, scope))
        wanted = struct.pack("!H", number)
        return _hears(
            link,
            lambda data, sender: (
                len(data) >= 8 and data[0] == 129 and data[4:6] == wanted and sender[0].partition("%")[0] == target
            ),
        )


def _hears(link: socket.socket, fits: object) -> bool:
    deadline = time.monotonic() + WAIT
    while (rest := deadline - time.monotonic()) > 0:
        link.settimeout(rest)
        try:
            data, sender = link.recvfrom(2048)
        except socket.timeout:
            return False
        if callable(fits) and fits(data, sender):
            return True
    return False
