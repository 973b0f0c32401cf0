# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that Pi-hole's configuration holds of hosts, CNAMEs, servers and networks: how they are written and read.

Pure. Forms as FTL 6 takes them: https://docs.pi-hole.net/ftldns/configfile/.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError


class Mistake(KronosError):
    """What is wrong in a wish: where, what was found, what was wanted."""

    def __init__(self, where: str, found: str, wanted: str) -> None:
        super().__init__(f"{where}: found {found}; wanted {wanted}")
        self.where, self.found, self.wanted = where, found, wanted


def identity(section: str, line: str) -> str:
    """What a line of an array is about: one that is about the same thing replaces it."""
    if section == "cnames":
        return line.split(",")[0].strip().lower()
    if section == "conditional":
        return [*line.split(","), ""][1].strip().lower()
    if section == "hosts":
        address, _space, names = tidy(section, line).partition(" ")
        return f"{6 if ':' in address else 4} {names}"
    return tidy(section, line)


def tidy(section: str, line: str) -> str:
    """A line in the one spelling in which lines are compared."""
    if section == "hosts":
        return " ".join(line.split("#")[0].lower().split())
    if section == "dnsmasq_lines":
        return line.strip()
    if section in ("cnames", "conditional"):
        return ",".join(part.strip() for part in line.split(",")).lower().rstrip(",")
    return line.strip().lower()


def host(item: Mapping[str, Any]) -> str:
    """``address name...``"""
    address, names = str(item["address"]), [str(name).lower() for name in item["names"]]
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        raise Mistake("hosts", f"the address {address!r}", "an IP address") from error
    if not names or any(not name or set(name) & set(" \t#,") for name in names):
        raise Mistake("hosts", f"the names {names} of {address}", "at least one, none with spaces")
    return " ".join([address.lower(), *names])


def cname(item: Mapping[str, Any]) -> str:
    """``alias,target[,ttl]``"""
    parts = [str(item["alias"]).lower(), str(item["target"]).lower()]
    if any(not part or set(part) & set(" \t,") for part in parts):
        raise Mistake("cnames", repr(",".join(parts)), "an alias and a target, each a name")
    return ",".join([*parts, *([str(item["ttl"])] if item.get("ttl") else [])])


def upstream(item: Any) -> str:
    """``address[#port]``"""
    text = str(item).strip().lower()
    address, _hash, port = text.partition("#")
    try:
        ipaddress.ip_address(address.partition("%")[0])
        if port and not 0 < int(port) < 65536:
            raise ValueError
    except ValueError as error:
        raise Mistake("upstreams", repr(text), "an IP address, or one with #port") from error
    return text


def conditional(item: Mapping[str, Any]) -> str:
    """``true|false,network,server[,domain]``"""
    try:
        network = str(ipaddress.ip_network(str(item["network"]), strict=False))
        server = upstream(item["server"])
    except (ValueError, KronosError) as error:
        found = f"{item.get('network')} and {item.get('server')}"
        raise Mistake("conditional", found, "a network, and the address of a server") from error
    parts = ["true" if item.get("enabled") is not False else "false", network, server]
    return ",".join([*parts, *([str(item["domain"]).lower()] if item.get("domain") else [])])


def dnsmasq_line(item: Any) -> str:
    """A line for the DNS server itself, as it is."""
    text = str(item).strip()
    if not text or "\n" in text:
        raise Mistake("dnsmasq_lines", repr(text), "a line of dnsmasq's configuration")
    return text


def check_cnames(items: Iterable[str]) -> None:
    """Each alias once, and none that leads back to itself: on both the DNS server would not start any more."""
    targets: dict[str, str] = {}
    for item in items:
        alias, target = item.split(",")[:2]
        if alias in targets:
            raise Mistake("cnames", f"the alias {alias} twice", "it once")
        targets[alias] = target
    for alias in targets:
        seen, name = [alias], targets[alias]
        while name in targets and name not in seen:
            seen.append(name)
            name = targets[name]
        if name == alias:
            raise Mistake("cnames", f"the circle {' -> '.join([*seen, alias])}", "a target that is a name of its own")
