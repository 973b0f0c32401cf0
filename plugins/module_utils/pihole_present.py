# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Pi-hole holds now, in the words of pihole_model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_model import (
    ARRAYS,
    TABLES,
    Key,
    Row,
    Wanted,
    key_of,
)
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_rest import Client


@dataclass(frozen=True)
class Present:
    """``arrays``: lines as they stand. ``tables``: rows by key, ``groups`` by name, ``name`` as Pi-hole spells it.

    ``config``: the whole configuration. ``numbers``: group names to their numbers. ``unread``: lists that no update has
    fetched yet. ``paused``: blocking is off for a while and comes back by itself.
    """

    arrays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[Key, Row]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    blocking: bool | None = None
    paused: bool = False
    numbers: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def read(client: Client, wanted: Wanted) -> Present:
    """Look at what the wish is about, and at nothing else."""
    config: dict[str, Any] = {}
    if wanted.arrays or wanted.config:
        config = dict(client.ask("GET", "config").get("config") or {})
    tables = {name: client.ask("GET", name).get(name) or [] for name in _needed(wanted)}
    numbers = {str(row["name"]): int(row["id"]) for row in tables.get("groups", ())}
    blocking = client.ask("GET", "dns/blocking") if wanted.blocking is not None else {}
    return Present(
        arrays={name: _lines(config, path) for name, path in ARRAYS.items() if name in wanted.arrays},
        tables={name: _rows(name, rows, numbers) for name, rows in tables.items()},
        config=config,
        blocking={"enabled": True, "disabled": False}.get(str(blocking.get("blocking"))),
        paused=blocking.get("timer") is not None,
        numbers=numbers,
        unread=tuple(_unread(tables.get("lists", ()))),
    )


def _needed(wanted: Wanted) -> list[str]:
    """The tables to read: those that the wish names, and the groups that rows belong to."""
    return [name for name in TABLES if name in wanted.tables or (name == "groups" and wanted.tables)]


def value_at(config: Mapping[str, Any], path: Iterable[str]) -> tuple[bool, Any]:
    """Whether there is such a key, and its value."""
    value: Any = config
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return False, None
        value = value[key]
    return True, value


def _lines(config: Mapping[str, Any], path: Iterable[str]) -> tuple[str, ...]:
    there, value = value_at(config, path)
    if not there:
        raise KronosError(f"Pi-hole has no key {'.'.join(path)}: version 6 is wanted")
    return tuple(str(line) for line in value or ())


def _rows(section: str, rows: Iterable[Mapping[str, Any]], numbers: Mapping[str, int]) -> dict[Key, Row]:
    names = {number: name for name, number in numbers.items()}
    return {
        key_of(section, row): {
            "comment": row.get("comment") or "",
            "enabled": bool(row.get("enabled", True)),
            "groups": tuple(sorted(names.get(number, f"#{number}") for number in row.get("groups") or ())),
            "name": str(row.get({"groups": "name", "clients": "client", "lists": "address"}.get(section, "domain"))),
        }
        for row in rows
    }


def _unread(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Lists that count, and that no update has looked at: status 0 is what a new row has."""
    return [str(row["address"]) for row in rows if row.get("enabled", True) and row.get("status") == 0]
