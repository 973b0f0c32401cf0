# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Pi-hole is to hold, in plain words, and how its own spelling is read. Pure.

Sections are of two kinds. *Arrays* are lists of text in its configuration: ``hosts``, ``cnames``, ``upstreams``,
``conditional``, ``dnsmasq_lines``. *Tables* lie in its database: ``groups``, ``domains``, ``lists``, ``clients``; their
rows are told by a key, and have the fields ``comment``, ``enabled`` and ``groups`` (names).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import pihole_lines
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_lines import Mistake

Key = tuple[str, ...]
Row = dict[str, Any]

# Where each array stands in the configuration.
ARRAYS = {
    "hosts": ("dns", "hosts"),
    "cnames": ("dns", "cnameRecords"),
    "upstreams": ("dns", "upstreams"),
    "conditional": ("dns", "revServers"),
    "dnsmasq_lines": ("misc", "dnsmasq_lines"),
}
LINES = {
    "hosts": pihole_lines.host,
    "cnames": pihole_lines.cname,
    "upstreams": pihole_lines.upstream,
    "conditional": pihole_lines.conditional,
    "dnsmasq_lines": pihole_lines.dnsmasq_line,
}
TABLES = ("groups", "domains", "lists", "clients")
SECTIONS = (*ARRAYS, *TABLES)
DEFAULT_GROUP = "Default"
HIDDEN = "********"
# The password is a file on the host, and every session ends when it changes.
APART = (
    ("webserver", "api", "password"),
    ("webserver", "api", "pwhash"),
    ("webserver", "api", "app_pwhash"),
    ("webserver", "api", "totp_secret"),
)


@dataclass(frozen=True)
class Wanted:
    """``arrays`` and ``tables`` have the sections that are given; what is not given is left alone."""

    arrays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[Key, Row]] = field(default_factory=dict)
    config: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    blocking: bool | None = None
    additive: frozenset[str] = frozenset()


def wanted_of(params: Mapping[str, Any]) -> Wanted:
    """The wish, from the module's parameters; raises KronosError with what is wrong in it."""
    arrays = {
        name: tuple(dict.fromkeys(line(each) for each in params[name]))
        for name, line in LINES.items()
        if params.get(name) is not None
    }
    pihole_lines.check_cnames(arrays.get("cnames", ()))
    tables = {name: _table(name, params[name]) for name in TABLES if params.get(name) is not None}
    config = dict(leaves(params.get("config") or {}))
    for path in config:
        for other in ARRAYS.values():
            if path[: len(other)] == other:
                name = next(key for key, value in ARRAYS.items() if value == other)
                raise Mistake(f"config.{'.'.join(path)}", f"a part of the section {name}", "it there")
        if path in APART:
            raise Mistake(f"config.{'.'.join(path)}", "a password", "it in the password file alone")
    additive = frozenset(name for name, mode in (params.get("sections") or {}).items() if mode == "additive")
    return Wanted(arrays, tables, config, params.get("blocking"), additive)


def leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Any]]:
    """Path and value of everything in a tree of mappings; lists are values."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def label(section: str, key: Key) -> str:
    """A key for people."""
    if section == "domains":
        return f"{key[2]} ({key[0]}, {key[1]})"
    return f"{key[1]} ({key[0]})" if section == "lists" else key[0]


def key_of(section: str, row: Mapping[str, Any]) -> Key:
    """The key of a row, in our words as in Pi-hole's."""
    if section == "groups":
        return (str(row["name"]),)
    if section == "clients":
        return (str(row["client"]).lower(),)
    if section == "lists":
        return (str(row["type"]), str(row["address"]))
    name = str(row["domain"])
    return (str(row["type"]), str(row["kind"]), name if row["kind"] == "regex" else _plain_domain(name))


def _plain_domain(name: str) -> str:
    try:
        return name.encode("ascii").decode().lower()
    except UnicodeEncodeError:
        try:
            return name.lower().encode("idna").decode()
        except UnicodeError as error:
            raise Mistake("domains", repr(name), "the name of a domain") from error


def _table(section: str, rows: Iterable[Mapping[str, Any]]) -> dict[Key, Row]:
    found: dict[Key, Row] = {}
    for row in rows:
        key = key_of(section, row)
        if key in found:
            raise Mistake(section, f"{label(section, key)} twice", "it once")
        if section == "groups" and key[0] == DEFAULT_GROUP and row.get("enabled") is False:
            raise Mistake("groups", "Default switched off", "another group")
        names = row.get("groups")
        found[key] = {
            "comment": row.get("comment"),
            "enabled": row.get("enabled") is not False,
            "groups": None if names is None else tuple(sorted(names)),
        }
    return found


def check_groups(wanted: Wanted, present: Iterable[str]) -> None:
    """Raise Mistake for a row in a group that nobody makes. *present*: the groups that Pi-hole has."""
    known = {*present, *(key[0] for key in wanted.tables.get("groups", {}))}
    if "groups" in wanted.tables and "groups" not in wanted.additive:
        known = {DEFAULT_GROUP, *(key[0] for key in wanted.tables["groups"])}
    for section, rows in wanted.tables.items():
        for key, row in rows.items():
            lost = sorted(set(row["groups"] or ()) - known) if section != "groups" else []
            if lost:
                found = f"the unknown group {lost[0]!r} of {label(section, key)}"
                raise Mistake(section, found, f"one of {', '.join(sorted(known))}")
