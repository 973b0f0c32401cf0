# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports the host accepts connections on, from the kernel's own tables (proc_net_tcp, documented in the kernel's
networking/proc_net_tcp.rst): no program has to be installed for it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

TABLES = {"tcp": ("tcp", "tcp6"), "udp": ("udp", "udp6")}
# TCP_LISTEN; a UDP socket that is connected to nobody shows TCP_CLOSE.
OPEN = {"tcp": "0A", "udp": "07"}


@dataclass(frozen=True, order=True)
class Socket:
    """A socket that waits for others."""

    protocol: str
    port: int
    address: str

    @property
    def loopback(self) -> bool:
        """Whether only the host itself can reach it."""
        return ipaddress.ip_address(self.address).is_loopback


def parse(protocol: str, table: str) -> list[Socket]:
    """The waiting sockets in the text of one table."""
    found = []
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) > 3 and words[3] == OPEN[protocol]:
            address, _colon, port = words[1].partition(":")
            found.append(Socket(protocol, int(port, 16), _address(address)))
    return found


def read(folder: str = "/proc/self/net") -> list[Socket]:
    """Every waiting socket of this network namespace, sorted."""
    found: set[Socket] = set()
    for protocol, tables in TABLES.items():
        for name in tables:
            try:
                with open(f"{folder}/{name}", encoding="ascii") as stream:
                    found.update(parse(protocol, stream.read()))
            except FileNotFoundError:
                continue  # no IPv6
    return sorted(found)


def ports(sockets: Iterable[Socket], protocol: str) -> list[int]:
    """Ports of one protocol that others than the host itself may reach."""
    return sorted({socket.port for socket in sockets if socket.protocol == protocol and not socket.loopback})


def _address(text: str) -> str:
    """An address as the tables have it: words of 32 bits, each in the byte order of the machine (little endian)."""
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return str(getattr(address, "ipv4_mapped", None) or address)
