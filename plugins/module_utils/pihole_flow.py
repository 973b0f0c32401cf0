# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the module pihole: look, compute, carry out, look again. The host's own way to resolve names besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import (
    pihole_apply,
    pihole_marks,
    pihole_plan,
    pihole_present,
    receipts,
)
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_model import ARRAYS, DEFAULT_GROUP, Key, Row, Wanted
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_present import Present
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_rest import Client, session

RECEIPT = ("pihole", "pihole")
STUB = "127.0.0.53"
# What /etc/resolv.conf names, and what systemd-resolved asks in its place.
RESOLVERS = ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf")


def read_password(path: str) -> str | None:
    """The password; None where there is no such file yet."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return None


def nameservers(paths: Iterable[str] = RESOLVERS) -> list[str]:
    """The servers that the host itself asks."""
    found: list[str] = []
    for path in paths:
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                words = [line.split() for line in stream]
        except OSError:
            continue
        found = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
        if found != [STUB]:
            return found
    return found


def refuse_circle(servers: Iterable[str], own: Iterable[str]) -> None:
    """The host needs names to fetch the image of the Pi-hole that it would ask for them."""
    asked = set(servers)
    if asked and asked <= set(own):
        raise KronosError(
            f"this host resolves names by its own Pi-hole alone ({', '.join(sorted(asked))}), and would have none "
            "while that is down: give its resolver another server"
        )


def fresh(wanted: Wanted) -> Present:
    """A Pi-hole that is not there yet, as far as a prediction needs it."""
    config = pihole_plan.tree_of({**dict.fromkeys(wanted.config), **{path: [] for path in ARRAYS.values()}})
    default: dict[Key, Row] = {(DEFAULT_GROUP,): {"comment": "", "enabled": True, "groups": (), "name": DEFAULT_GROUP}}
    tables: dict[str, dict[Key, Row]] = {name: default if name == "groups" else {} for name in wanted.tables}
    return Present(dict.fromkeys(wanted.arrays, ()), tables, config, True, False, {DEFAULT_GROUP: 0})


def converge(wanted: Wanted, client: Client, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Make Pi-hole hold what is wanted, or say what would be done."""
    left = (receipts.read(*RECEIPT) or {"left": {}})["left"]
    password = read_password(params["password_file"])
    if password is None:
        if not check_mode:
            raise KronosError(f"{params['password_file']} is missing: it holds the password of Pi-hole")
        return told(pihole_plan.plan(wanted, fresh(wanted), {}))
    with session(client, password):
        present = pihole_present.read(client, wanted)
        change = pihole_plan.plan(wanted, present, left.get("made") or {}, bool(left.get("owed")))
        if check_mode:
            return told(change)
        warnings: list[str] = []
        digest = receipts.digest(params["asked_for"])
        if change.changed:
            # what is added is ours, and the update of lists is owed, from the first request on
            receipts.write(*RECEIPT, digest, {**left, "made": _both(left, change), "owed": change.gravity})
            warnings = pihole_apply.apply(client, change, present.numbers, gravity_timeout=params["gravity_timeout"])
            refuse_untaken(pihole_plan.plan(wanted, pihole_present.read(client, wanted), change.made))
    made = {**(left.get("made") or {}), **change.made}
    marks = {"folder": params["folder"], **pihole_marks.look(params["folder"])} if params["folder"] else {}
    receipts.write(*RECEIPT, digest, {"made": made, "owed": False, "pihole": marks})
    return {**told(change), "warnings": warnings}


def _both(left: Mapping[str, Any], change: pihole_plan.Change) -> dict[str, list[list[str]]]:
    before = left.get("made") or {}
    names = {*before, *change.made}
    return {
        name: sorted(map(list, {tuple(key) for key in [*before.get(name, ()), *change.made.get(name, ())]}))
        for name in names
    }


def refuse_untaken(rest: pihole_plan.Change) -> None:
    """Pi-hole says well to keys that it does not know and to rows that it does not make."""
    found = [f"{step.section} {step.name}" for step in rest.steps]
    found += [".".join(path) for path in rest.patch]
    if rest.blocking is not None:
        found.append("blocking")
    if found:
        raise KronosError(f"Pi-hole said well, yet it does not hold what was asked for: {', '.join(sorted(found))}")


def told(change: pihole_plan.Change) -> dict[str, Any]:
    """What the module returns of a change."""
    return {
        "changed": change.changed,
        "diff": pihole_plan.diff(change),
        "gravity": change.gravity,
        "message": message(change),
    }


def message(change: pihole_plan.Change) -> str:
    """One line about a change."""
    words = {"add": "added", "remove": "removed", "alter": "changed"}
    counted: dict[tuple[str, str], int] = {}
    for step in change.steps:
        kind = "add" if step.before is None else "remove" if step.after is None else "alter"
        counted[(step.section, kind)] = counted.get((step.section, kind), 0) + 1
    said = [f"{count} {section} {words[kind]}" for (section, kind), count in counted.items()]
    said += [f"{'.'.join(path)} set" for path in change.patch]
    said += ["blocking switched"] if change.blocking is not None else []
    said += ["lists fetched"] if change.gravity else []
    return ", ".join(said)
