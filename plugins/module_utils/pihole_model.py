# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Pi-hole is to hold, in plain words, and how its own spelling is read. Pure.

Sections are of two kinds. *Arrays* are lists of text in its configuration: ``hosts``, ``cnames``, ``upstreams``,
``conditional``. *Tables* lie in its database: ``groups``, ``domains``, ``lists``, ``clients``; their rows are told by
a key, and have the fields ``comment``, ``enabled`` and ``groups`` (names).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

Key = tuple[str, ...]
Row = dict[str, Any]

# Where each array stands in the configuration.
ARRAYS = {
    "hosts": ("dns", "hosts"),
    "cnames": ("dns", "cnameRecords"),
    "upstreams": ("dns", "upstreams"),
    "conditional": ("dns", "revServers"),
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
    lines = {"hosts": _host, "cnames": _cname, "upstreams": _upstream, "conditional": _conditional}
    arrays = {
        name: tuple(dict.fromkeys(line(each) for each in params[name]))
        for name, line in lines.items()
        if params.get(name) is not None
    }
    tables = {name: _table(name, params[name]) for name in TABLES if params.get(name) is not None}
    config = dict(leaves(params.get("config") or {}))
    for path in config:
        for other in ARRAYS.values():
            if path[: len(other)] == other:
                name = next(key for key, value in ARRAYS.items() if value == other)
                raise KronosError(f"config.{'.'.join(path)}: found a part of the section {name}; wanted it there")
        if path in APART:
            raise KronosError(f"config.{'.'.join(path)}: found a password; wanted it in the password file alone")
    additive = frozenset(name for name, mode in (params.get("sections") or {}).items() if mode == "additive")
    return Wanted(arrays, tables, config, params.get("blocking"), additive)


def leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Any]]:
    """Path and value of everything in a tree of mappings; lists are values."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


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
    if section in ("cnames", "conditional"):
        return ",".join(part.strip() for part in line.split(",")).lower().rstrip(",")
    return line.strip().lower()


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
            raise KronosError(f"domains: found {name!r}; wanted the name of a domain") from error


def _table(section: str, rows: Iterable[Mapping[str, Any]]) -> dict[Key, Row]:
    found: dict[Key, Row] = {}
    for row in rows:
        key = key_of(section, row)
        if key in found:
            raise KronosError(f"{section}: found {label(section, key)} twice; wanted it once")
        if section == "groups" and key[0] == DEFAULT_GROUP and row.get("enabled") is False:
            raise KronosError("groups: found Default switched off; wanted another group")
        names = row.get("groups")
        found[key] = {
            "comment": row.get("comment"),
            "enabled": row.get("enabled") is not False,
            "groups": None if names is None else tuple(sorted(names)),
        }
    return found


def _host(item: Mapping[str, Any]) -> str:
    address, names = str(item["address"]), [str(name).lower() for name in item["names"]]
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        raise KronosError(f"hosts: found the address {address!r}; wanted an IP address") from error
    if not names or any(not name or set(name) & set(" \t#,") for name in names):
        raise KronosError(f"hosts: found the names {names} of {address}; wanted at least one, none with spaces")
    return " ".join([address.lower(), *names])


def _cname(item: Mapping[str, Any]) -> str:
    parts = [str(item["alias"]).lower(), str(item["target"]).lower()]
    if any(not part or set(part) & set(" \t,") for part in parts):
        raise KronosError(f"cnames: found {','.join(parts)!r}; wanted an alias and a target, each a name")
    return ",".join([*parts, *([str(item["ttl"])] if item.get("ttl") else [])])


def _upstream(item: Any) -> str:
    text = str(item).strip().lower()
    address, _hash, port = text.partition("#")
    try:
        ipaddress.ip_address(address.partition("%")[0])
        if port and not 0 < int(port) < 65536:
            raise ValueError
    except ValueError as error:
        raise KronosError(f"upstreams: found {text!r}; wanted an IP address, or one with #port") from error
    return text


def _conditional(item: Mapping[str, Any]) -> str:
    try:
        network = str(ipaddress.ip_network(str(item["network"]), strict=False))
        server = _upstream(item["server"])
    except (ValueError, KronosError) as error:
        found = f"{item.get('network')} and {item.get('server')}"
        raise KronosError(f"conditional: found {found}; wanted a network, and the address of a server") from error
    parts = ["true" if item.get("enabled") is not False else "false", network, server]
    return ",".join([*parts, *([str(item["domain"]).lower()] if item.get("domain") else [])])
