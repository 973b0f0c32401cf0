# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a host from one source address: which TCP ports answer a SYN, and sends datagrams. Runs in the lab's prober.

``probe.py tcp SOURCE TARGET [PORT ...]`` (all ports without one) prints the open ones, one a line;
``probe.py udp SOURCE TARGET PORT ...`` sends a datagram to each, which says where it comes from;
``probe.py burst SOURCE TARGET PORT COUNT`` begins that many connections, prints how many were answered and the seconds.
"""

from __future__ import annotations

import random
import select
import socket
import struct
import sys
import time

SYN, SYN_ACK = 0x02, 0x12
BATCH, PAUSE, QUIET, TRIES = 500, 0.02, 1.5, 3
FIRST_PORT = 20000


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(source: str, target: str, port: int, own_port: int, family: int) -> bytes:
    """A SYN; its checksum covers the addresses too."""
    bare = struct.pack("!HHIIBBHHH", own_port, port, random.getrandbits(32), 0, 5 << 4, SYN, 64240, 0, 0)
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, target)
    tail = struct.pack("!BBH", 0, 6, 20) if family == socket.AF_INET else struct.pack("!IHBB", 20, 0, 0, 6)
    return bare[:16] + struct.pack("!H", checksum(ends + tail + bare)) + bare[18:]


def answers(sock: socket.socket, family: int, target: str, own_port: int, wait: float) -> set[int]:
    """Ports that answered with SYN-ACK until nothing comes for *wait* seconds."""
    found = set()
    while select.select([sock], [], [], wait)[0]:
        data, peer = sock.recvfrom(2048)
        body = data[(data[0] & 0x0F) * 4 :] if family == socket.AF_INET else data
        port, to, _seq, _ack, _offset, flags = struct.unpack("!HHIIBB", body[:14])
        if peer[0] == target and to == own_port and flags & 0x3F == SYN_ACK:
            found.add(port)
    return found


def scan(source: str, target: str, ports: list[int]) -> list[int]:
    """Send a SYN to each port and collect who answers; our kernel resets what it has not begun itself."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    found: set[int] = set()
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as sock:
        sock.bind((source, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        own_port = random.randrange(40000, 60000)
        for start in range(0, len(ports), BATCH):
            for port in ports[start : start + BATCH]:
                sock.sendto(segment(source, target, port, own_port, family), (target, 0))
            found |= answers(sock, family, target, own_port, 0)
            time.sleep(PAUSE)
        found |= answers(sock, family, target, own_port, QUIET)
    return sorted(found)


def look(source: str, target: str, ports: list[int]) -> list[int]:
    """Scan, and again where nothing at all came back: a client would, and on a busy machine first packets get lost."""
    for _again in range(TRIES):
        found = scan(source, target, ports)
        if found:
            return found
    return []


def burst(source: str, target: str, port: int, count: int) -> tuple[int, float]:
    """Send *count* SYNs to one port, each from a port of its own; how many were answered, and how long it took."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    own_ports = random.sample(range(FIRST_PORT, 60000), count)
    answered: set[int] = set()
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as sock:
        sock.bind((source, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        began = time.monotonic()
        for own_port in own_ports:
            sock.sendto(segment(source, target, port, own_port, family), (target, 0))
        took = time.monotonic() - began
        while select.select([sock], [], [], QUIET)[0]:
            data, peer = sock.recvfrom(2048)
            body = data[(data[0] & 0x0F) * 4 :] if family == socket.AF_INET else data
            came_from, to, _seq, _ack, _offset, flags = struct.unpack("!HHIIBB", body[:14])
            if (peer[0], came_from, flags & 0x3F) == (target, port, SYN_ACK):
                answered.add(to)
    return len(answered & set(own_ports)), took


def main(argv: list[str]) -> None:
    """Entry point."""
    what, source, target, *listed = argv
    ports = [int(port) for port in listed] or list(range(1, 65536))
    if what == "burst":
        print(*burst(source, target, *ports))
        return
    if what == "tcp":
        print("\n".join(str(port) for port in look(source, target, ports)))
        return
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        for port in ports:
            sock.sendto(source.encode(), (target, port))


if __name__ == "__main__":
    main(sys.argv[1:])
