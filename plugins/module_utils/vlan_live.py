# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of the host as it stands: links, addresses, routes and rules, from ``ip -j``."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_model import MAIN, MARK_MASK, Interface, Route, Rule

# Whatever else stands in a rule makes it another one than ours.
_RULE_KEYS = {"priority", "src", "srclen", "iif", "iif_detached", "fwmark", "fwmask", "table", "suppress_prefixlen"}
_RULE_KEYS |= {"action", "protocol"}
_TABLES = {"main": MAIN, "local": 255, "default": 253}


@dataclass(frozen=True)
class Link:
    """An interface of the host; ``id`` and ``parent`` are those of a VLAN."""

    name: str
    index: int
    up: bool = False
    carrier: bool = False
    mtu: int = 0
    id: int | None = None
    parent: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Live:
    """Links by name, routes by interface, and the rules that we could have made."""

    links: Mapping[str, Link] = field(default_factory=dict)
    routes: Mapping[str, frozenset[Route]] = field(default_factory=dict)
    rules: frozenset[Rule] = frozenset()

    def lines(self, wanted: Interface) -> list[str]:
        """What of this interface stands, in the words of ``Interface.lines``; nothing where it is not there."""
        link = self.links.get(wanted.name)
        if link is None:
            return []
        routes = self.routes.get(wanted.name, frozenset()) & set(wanted.routes)
        return [
            f"vlan: {link.id} on {link.parent}",
            f"state: {'up' if link.up else 'down'}",
            *([f"mtu: {link.mtu}"] if wanted.mtu or self.full_size(wanted) else []),
            *(f"address: {address}" for address in sorted(link.addresses) if not (wanted.ipv6 and _is_local(address))),
            *(f"route: {route}" for route in sorted(routes)),
            *(f"rule: {rule}" for rule in sorted(self.rules & set(wanted.rules))),
        ]

    def full_size(self, wanted: Interface) -> int:
        """The MTU that an interface has to be given, in bytes: its parent's, where none is stated and it has less.

        The kernel makes a VLAN with that of its parent, four bytes less where the parent has no room for the tag. No
        manager takes back an MTU that is not stated any more, and none raises it when that of the parent has grown.
        """
        link, parent = self.links.get(wanted.name), self.links.get(wanted.parent)
        if wanted.mtu or link is None or parent is None or parent.mtu - link.mtu <= 4:
            return 0
        return parent.mtu


def read(run: Runner) -> Live:
    """Look at the whole network of the host."""
    links = {link.name: link for link in map(_link, _ask(run, "-d", "addr", "show"))}
    routes: dict[str, set[Route]] = {}
    rules: set[Rule] = set()
    for family in (4, 6):
        for entry in _ask(run, f"-{family}", "route", "show", "table", "all"):
            route = _route(entry, family)
            if route is not None:
                routes.setdefault(str(entry["dev"]), set()).add(route)
        for entry in _ask(run, f"-{family}", "rule", "show"):
            rule = _rule(entry, family)
            if rule is not None:
                rules.add(rule)
    return Live(links, {name: frozenset(found) for name, found in routes.items()}, frozenset(rules))


def differences(wanted: Sequence[Interface], live: Live) -> list[str]:
    """What is not yet as wanted, a line each."""
    found = []
    for each in wanted:
        now, then = live.lines(each), each.lines()
        if not now:
            found.append(f"{each.name} is not there")
        found += [f"{each.name} lacks {line}" for line in then if now and line not in now]
        found += [f"{each.name} has {line}" for line in now if line not in then]
    return found


def _ask(run: Runner, *words: str) -> Sequence[Mapping[str, Any]]:
    done = run(["ip", "-j", *words], timeout=30)
    if done.code and "-6" in words:
        return []  # a kernel without IPv6
    if done.code:
        raise KronosError(f"ip {' '.join(words)}: {done.err.strip() or f'exit code {done.code}'}")
    found: list[dict[str, Any]] = json.loads(done.out or "[]")
    return [entry for entry in found if entry]


def _link(entry: Mapping[str, Any]) -> Link:
    about = entry.get("linkinfo") or {}
    vlan = about.get("info_kind") == "vlan"
    flags = entry.get("flags") or []
    return Link(
        name=str(entry["ifname"]),
        index=int(entry["ifindex"]),
        up="UP" in flags,
        carrier="LOWER_UP" in flags,
        mtu=int(entry.get("mtu") or 0),
        id=(about.get("info_data") or {}).get("id") if vlan else None,
        parent=str(entry.get("link") or "") if vlan else "",
        addresses=tuple(
            f"{each['local']}/{each['prefixlen']}" for each in entry.get("addr_info") or () if "local" in each
        ),
    )


def _route(entry: Mapping[str, Any], family: int) -> Route | None:
    """A route as we make them; None for those of the kernel and of other kinds."""
    table = _TABLES.get(str(entry.get("table", "main")), entry.get("table", MAIN))
    if "dev" not in entry or entry.get("protocol") == "kernel" or not str(table).isdigit() or table == 255:
        return None
    to = str(entry["dst"])
    if to == "default":
        to = "0.0.0.0/0" if family == 4 else "::/0"
    return Route(str(ipaddress.ip_network(to)), str(entry.get("gateway") or ""), int(table))


def _rule(entry: Mapping[str, Any], family: int) -> Rule | None:
    """A rule as we make them; None for one with anything that ours do not have."""
    mark = int(str(entry.get("fwmark", "0")), 16)
    if set(entry) - _RULE_KEYS or (mark and int(str(entry.get("fwmask", "0xffffffff")), 16) != MARK_MASK):
        return None
    source = ""
    if entry.get("src", "all") != "all":
        source = str(ipaddress.ip_network(f"{entry['src']}/{entry.get('srclen', 32 if family == 4 else 128)}"))
    action = str(entry.get("action", "lookup"))
    suppressed = entry.get("suppress_prefixlen")
    table = _TABLES.get(str(entry.get("table", "main")), entry.get("table"))
    if action not in ("lookup", "unreachable") or suppressed not in (None, 0) or not str(table).isdigit():
        return None
    return Rule(
        family=family,
        priority=int(entry["priority"]),
        source=source,
        incoming=str(entry.get("iif", "")),
        mark=mark,
        action="near" if suppressed == 0 else action,
        table=MAIN if action == "unreachable" else int(str(table)),
    )


def _is_local(address: str) -> bool:
    return ipaddress.ip_interface(address).ip.is_link_local and ":" in address
