# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that a service publishes, and who holds one already, told before anything is stopped for its sake."""

from __future__ import annotations

import contextlib
import glob
import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import docker_socket, listening
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import Container

# [address:]published:target[/protocol]; ranges are left to Docker.
_SHORT = re.compile(r"(?:(?P<address>[0-9.]+|\[[0-9a-f:]+\]):)?(?P<port>\d+):\d+(?:/(?P<protocol>tcp|udp))?", re.I)


@dataclass(frozen=True, order=True)
class Port:
    """A port of the host."""

    protocol: str
    port: int
    address: str = "0.0.0.0"


def wanted(definition: Mapping[str, Any]) -> list[Port]:
    """The fixed host ports that a service's definition publishes."""
    found = []
    for one in definition.get("ports") or ():
        if isinstance(one, Mapping):
            published = str(one.get("published") or "")
            if published.isdigit():
                address = str(one.get("host_ip") or "0.0.0.0")
                found.append(Port(str(one.get("protocol") or "tcp"), int(published), address))
        elif match := _SHORT.fullmatch(str(one)):
            address = (match["address"] or "0.0.0.0").strip("[]")
            found.append(Port((match["protocol"] or "tcp").lower(), int(match["port"]), address))
    return found


def published(containers: Iterable[Container]) -> set[tuple[str, int]]:
    """(protocol, port) of everything that these containers publish."""
    found = set()
    for container in containers:
        for target, bindings in (container.observed.get("ports") or {}).items():
            for one in bindings or ():
                if str(one.get("HostPort", "")).isdigit():
                    found.add((target.rpartition("/")[2], int(one["HostPort"])))
    return found


def publisher(port: Port, listed: Iterable[Mapping[str, Any]]) -> str:
    """The running container that has *port* already, out of ``GET /containers/json``; empty where none has.

    The kernel's tables would only show Docker's proxy, and without that nothing at all. Containers that a killed
    engine left behind are listed with ports that they no longer have.
    """
    for one in listed:
        if one.get("State") not in ("running", "restarting", "paused"):
            continue
        for each in one.get("Ports") or ():
            if (each.get("Type"), each.get("PublicPort")) == (port.protocol, port.port) and _collide(
                str(each.get("IP") or "0.0.0.0"), port.address
            ):
                return f"the container {docker_socket.name_of(one)} (image {one.get('Image', 'unknown')})"
    return ""


def holder(port: Port, proc: str = "/proc") -> str:
    """The program that has *port* already, with its process id; empty where it is free."""
    for socket in listening.read(f"{proc}/self/net"):
        if (socket.protocol, socket.port) == (port.protocol, port.port) and _collide(socket.address, port.address):
            return _owner(port, proc) or "another program"
    return ""


def _collide(one: str, other: str) -> bool:
    first, second = ipaddress.ip_address(one), ipaddress.ip_address(other)
    if first.version != second.version:
        # A listener on [::] usually takes IPv4 as well.
        return first.is_unspecified and first.version == 6
    return first == second or first.is_unspecified or second.is_unspecified


def _owner(port: Port, proc: str) -> str:
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    for path in glob.glob(f"{proc}/[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(path) in sockets:
                process = path.split("/")[-3]
                with open(f"{proc}/{process}/comm", encoding="utf-8", errors="replace") as stream:
                    return f"{stream.read().strip()} (process {process})"
    return ""


def _inodes(port: Port, proc: str) -> set[str]:
    found = set()
    for name in listening.TABLES[port.protocol]:
        with contextlib.suppress(FileNotFoundError), open(f"{proc}/self/net/{name}", encoding="ascii") as stream:
            for words in (line.split() for line in stream.readlines()[1:]):
                state, local = words[3], int(words[1].rpartition(":")[2], 16)
                if state == listening.OPEN[port.protocol] and local == port.port:
                    found.add(words[9])
    return found
