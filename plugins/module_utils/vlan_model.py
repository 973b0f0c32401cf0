# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VLAN interfaces as they must be: what a caller wrote, checked, and as lines that can be compared with the present."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

MAIN = 254
MARK_MASK = 0xFFF00000
PARENT = re.compile(r"[A-Za-z0-9._-]{1,15}")


@dataclass(frozen=True, order=True)
class Route:
    """A route through the interface; without ``via`` the network is on the link."""

    to: str
    via: str
    table: int

    @property
    def family(self) -> int:
        """4 or 6."""
        return ipaddress.ip_network(self.to).version

    def __str__(self) -> str:
        where = "" if self.table == MAIN else f" table {self.table}"
        return f"{self.to}{f' via {self.via}' if self.via else ''}{where}"


@dataclass(frozen=True, order=True)
class Rule:
    """A rule of policy routing; ``action`` is lookup, near (a lookup without default routes) or unreachable."""

    family: int
    priority: int
    source: str = ""
    incoming: str = ""
    mark: int = 0
    action: str = "lookup"
    table: int = MAIN

    def words(self) -> list[str]:
        """The rule as ip(8) reads it, behind ``ip rule add``."""
        words = ["pref", str(self.priority), "from", self.source or "all"]
        if self.incoming:
            words += ["iif", self.incoming]
        if self.mark:
            words += ["fwmark", f"{self.mark:#x}/{MARK_MASK:#x}"]
        if self.action == "unreachable":
            return [*words, "unreachable"]
        near = ["suppress_prefixlength", "0"] if self.action == "near" else []
        return [*words, "lookup", str(self.table), *near]

    def __str__(self) -> str:
        return " ".join([f"ipv{self.family}", *self.words()])


@dataclass(frozen=True)
class Interface:
    """A VLAN interface of ours."""

    name: str
    id: int
    parent: str
    addresses: tuple[str, ...]
    gateways: tuple[str, ...] = ()
    mtu: int | None = None
    ipv6: bool = False
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()

    def lines(self) -> list[str]:
        """What can be compared with the present, a line each."""
        return [
            f"vlan: {self.id} on {self.parent}",
            "state: up",
            *([f"mtu: {self.mtu}"] if self.mtu else []),
            *(f"address: {address}" for address in sorted(self.addresses)),
            *(f"route: {route}" for route in sorted(set(self.routes))),
            *(f"rule: {rule}" for rule in sorted(set(self.rules))),
        ]


def parse(listed: Sequence[Mapping[str, Any]]) -> list[Interface]:
    """Return the interfaces that a caller wrote; raises KronosError with everything that is wrong."""
    troubles = [trouble for each in listed for trouble in _troubles(each)]
    for key in ("name", "id"):
        said = [each[key] for each in listed]
        troubles += [
            f"interfaces: {key} {value} is named twice" for value in sorted({v for v in said if said.count(v) > 1})
        ]
    if troubles:
        raise KronosError("; ".join(troubles))
    return [_interface(each) for each in listed]


def _interface(each: Mapping[str, Any]) -> Interface:
    rules = tuple(Rule(**{key: rule[key] for key in Rule.__dataclass_fields__}) for rule in each["rules"])
    routes = tuple(Route(route["to"], route["via"] or "", route["table"]) for route in each["routes"])
    return Interface(
        name=each["name"],
        id=each["id"],
        parent=each["parent"],
        addresses=tuple(str(ipaddress.ip_interface(address)) for address in each["addresses"]),
        gateways=tuple(each["gateways"]),
        mtu=each["mtu"],
        ipv6=each["ipv6"],
        routes=routes,
        rules=rules,
    )


def _troubles(each: Mapping[str, Any]) -> Iterable[str]:
    name = each["name"]
    if not 1 <= each["id"] <= 4094:
        yield f"{name}: VLAN id {each['id']}; wanted 1 to 4094"
    elif name != f"kr{each['id']}":
        yield f"{name}: wanted the name kr{each['id']}, by which it is known as ours"
    if not PARENT.fullmatch(each["parent"]):
        yield f"{name}: parent {each['parent']!r} is no name of an interface"
    for address in each["addresses"]:
        if "/" not in address or not _reads(ipaddress.ip_interface, address):
            yield f"{name}: address {address!r}; wanted one with its prefix length, such as 192.168.20.2/24"
    for route in each["routes"]:
        if not _reads(ipaddress.ip_network, route["to"]):
            yield f"{name}: route to {route['to']!r}; wanted a network"
        if route["via"] and not _reads(ipaddress.ip_address, route["via"]):
            yield f"{name}: route via {route['via']!r}; wanted an address"
    for rule in each["rules"]:
        if rule["source"] and not _reads(ipaddress.ip_network, rule["source"]):
            yield f"{name}: rule for source {rule['source']!r}; wanted a network"
        if rule["incoming"] and not PARENT.fullmatch(rule["incoming"]):
            yield f"{name}: rule for {rule['incoming']!r}, which is no name of an interface"


def _reads(kind: Any, text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True
