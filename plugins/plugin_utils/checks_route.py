# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of routes: an address of their own, people that exist, and the services that guard them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_plan import fqdn, route_name
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems, did_you_mean, one_of
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_route import Route
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Entry, Selection
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Settings
from ansible_collections.kronos.homelab.plugins.plugin_utils.zones import Named

WAF = "waf"


def check_routes(selection: Selection, settings: Settings, problems: Problems) -> None:
    """No two routes have one address or one name."""
    addresses: dict[tuple[str, str], str] = {}
    names: dict[str, str] = {}
    ordered = sorted(selection.entries.values(), key=lambda entry: (not entry.from_file, entry.service.name))
    for entry, index, route in _routes(ordered):
        here = f"{entry.service.name}[{index}]"
        for number, host in enumerate((route.host, *route.also)):
            address = (fqdn(host, settings), route.path.rstrip("/"))
            owner = addresses.setdefault(address, here)
            # one address twice within a record is told by the check of that record
            if owner != here and (number or not owner.startswith(f"{entry.service.name}[")):
                found = f"{''.join(address)!r}, which a route of {owner.partition('[')[0]} has"
                path = ("routes", index, *(("also", number - 1) if number else ("host",)))
                problems.say(*entry.locate(path), found, "a host name (or path) of its own")
        name = route_name(entry.service.name, index, route.name)
        owner = names.setdefault(name, here)
        if owner != here:
            found = f"the route name {name!r}, which a route of {owner.partition('[')[0]} has"
            problems.say(*entry.locate(("routes", index, "name")), found, "a name of its own")


def check_guards(selection: Selection, settings: Settings, people: Named, problems: Problems) -> None:
    """Groups and users of routes exist, and the login and the firewall that routes ask for run here."""
    groups = {group for person in people.models.values() for group in person.groups}
    for entry, index, route in _routes(selection.entries.values()):
        rule, at = route.rule, ("routes", index)
        if rule and settings.login == "none":
            wanted = "kronos_login, which tells who is who, or a class such as lan"
            problems.say(*entry.locate((*at, "access")), "a rule for people, but no login", wanted)
        for key, known, listed in (
            ("groups", groups, rule.groups if rule else []),
            ("users", set(people.merged.value), rule.users if rule else []),
        ):
            for number, name in enumerate(listed):
                _known(entry, (*at, "access", key, number), name, known, key, problems)
        for number, name in enumerate(route.basic_auth):
            _known(entry, (*at, "basic_auth", number), name, set(people.merged.value), "users", problems)
        for key, headers in (("request", route.headers.request), ("response", route.headers.response)):
            for header, value in headers.items():
                if "{{" in value:
                    wanted = "text without {{, which the proxy's file would read as a template"
                    problems.say(*entry.locate((*at, "headers", key, header)), "a template", wanted)
        if route.firewall and WAF not in selection.entries and WAF not in selection.broken:
            wanted = "the stack waf in kronos_stacks: without it nothing would answer here"
            problems.say(*entry.locate((*at, "waf")), "a route behind the firewall, which does not run", wanted)


def _known(entry: Entry, path: tuple[str | int, ...], name: str, known: set[str], key: str, problems: Problems) -> None:
    if name not in known:
        what = "a group that somebody of kronos_users is in" if key == "groups" else "a name of kronos_users"
        wanted = f"{what}, {one_of(known)}" if known else what
        problems.say(
            *entry.locate(path), f"the unknown {key.removesuffix('s')} {name!r}", wanted + did_you_mean(name, known)
        )


def _routes(entries: Iterable[Entry]) -> Iterator[tuple[Entry, int, Route]]:
    for entry in entries:
        for index, route in enumerate(entry.service.routes):
            yield entry, index, route
