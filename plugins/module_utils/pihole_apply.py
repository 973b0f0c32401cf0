# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out a change of Pi-hole: each request may be made twice, and what came of it is looked at afterwards."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_model import Key, label
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_plan import Change, Step, tree_of
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_rest import ABSENT, STEP, Client, Refused, quoted

# The API answers, then goes away for a second, and not always at once.
RESTART_BEGINS = 3.0
BY_ENVIRONMENT = re.compile("environment variable", re.I)
APP_SESSION = 403
GRAVITY_GAVE_UP = re.compile(r"DNS resolution is (?:currently |still )?(?:not available|unavailable)", re.I)


def apply(client: Client, change: Change, numbers: Mapping[str, int], *, gravity_timeout: float) -> list[str]:
    """Carry out *change*; returns warnings. *numbers*: group names to numbers, as they were.

    Rows first, since an update of lists wants them; the configuration next, in one request, since it may restart the
    DNS server; then the update, which needs that to resolve names.
    """
    known = dict(numbers)
    groups = [step for step in change.steps if step.section == "groups"]
    for step in groups:
        if step.after is not None:
            put_group(client, step)
    if any(step.before is None for step in groups):
        known = {str(row["name"]): int(row["id"]) for row in client.ask("GET", "groups").get("groups") or ()}
    for step in change.steps:
        if step.section != "groups":
            put_row(client, step, known)
    for step in groups:
        if step.after is None:
            remove(client, step)
    if change.blocking is not None:
        client.ask("POST", "dns/blocking", {"blocking": change.blocking, "timer": None})
    if change.patch:
        patch(client, change)
    return update_lists(client, gravity_timeout) if change.gravity else []


def put_group(client: Client, step: Step) -> None:
    """PUT on a missing group says well and makes nothing, so a new one is posted."""
    fields = {"comment": (step.after or {})["comment"], "enabled": (step.after or {})["enabled"]}
    if step.before is None:
        body = client.ask("POST", "groups", {"name": step.name, **fields})
        # after a request that was made twice, it is there: that is what was wanted
        _look(step, body, fine=re.compile("UNIQUE constraint|already", re.I))
    else:
        _look(step, client.ask("PUT", f"groups/{quoted(step.name)}", {"name": step.name, **fields}))


def put_row(client: Client, step: Step, numbers: Mapping[str, int]) -> None:
    """Add, alter, move or remove a row of domains, lists or clients. PUT makes what is missing."""
    if step.after is None:
        remove(client, step)
        return
    body: dict[str, Any] = {
        "comment": step.after["comment"],
        "groups": [numbers[name] for name in step.after["groups"] if name in numbers],
    }
    if step.section != "clients":
        body["enabled"] = step.after["enabled"]
    if step.source is not None:
        body["type"], body["kind"] = step.source[0], step.source[1]  # the destination is in the path
    _look(step, client.ask("PUT", path_of(step.section, step.key, step.name), body))


def remove(client: Client, step: Step) -> None:
    """What is gone already is well."""
    client.ask("DELETE", path_of(step.section, step.key, step.name), allow=(ABSENT,))


def path_of(section: str, key: Key, name: str) -> str:
    """Path of one row; a list without its type in the query is refused."""
    if section == "domains":
        return f"domains/{key[0]}/{key[1]}/{quoted(name)}"
    return f"{section}/{quoted(name)}" + (f"?type={key[0]}" if section == "lists" else "")


def _look(step: Step, body: Any, fine: re.Pattern[str] | None = None) -> None:
    """A duplicate or a mistake is told in the body of an answer that says well."""
    processed = (body.get("processed") if isinstance(body, Mapping) else None) or {}
    for error in processed.get("errors") or ():
        said = str(error.get("error") if isinstance(error, Mapping) else error)
        if fine is None or not fine.search(said):
            raise KronosError(f"Pi-hole refuses {step.section} {label(step.section, step.key)}: {said}")


def patch(client: Client, change: Change) -> None:
    """All of the configuration in one request; wait until Pi-hole is back where that restarts it."""
    try:
        client.ask("PATCH", "config", {"config": tree_of(change.patch)})
    except Refused as refused:
        keys = ", ".join(".".join(path) for path in change.patch)
        if BY_ENVIRONMENT.search(refused.message + refused.hint):
            which = refused.hint or keys
            raise KronosError(
                f"Pi-hole keeps {which} as its container's environment says (FTLCONF_...): take it away there"
            ) from refused
        if refused.status == APP_SESSION:
            raise KronosError(
                f"an app password may not change {keys}: set webserver.api.app_sudo, or use the password itself"
            ) from refused
        raise
    if change.restarts:
        wait_for_restart(client)


def wait_for_restart(client: Client) -> None:
    """Until the API has been away and is back; or has not gone away, which some changes do not make it do."""
    deadline = client.waits.clock() + RESTART_BEGINS
    while client.waits.clock() < deadline:
        try:
            client.once("GET", "info/login", None, 5)
        except (OSError, http.client.HTTPException):
            client.request("GET", "info/login")
            return
        client.waits.sleep(STEP)


def update_lists(client: Client, seconds: float) -> list[str]:
    """Fetch the lists, which takes as long as it takes; returns what was not fetched."""
    text = str(client.ask("POST", "action/gravity", wait=seconds))
    if GRAVITY_GAVE_UP.search(text):
        raise KronosError("Pi-hole cannot resolve names, so its lists were not fetched: look at its upstreams")
    found = client.ask("GET", "lists").get("lists") or []
    old = {3: "could not be fetched, its last copy counts", 4: "could not be fetched, and there is no copy of it"}
    return [
        f"Pi-hole: list {row['address']} {old[row['status']]}"
        for row in found
        if row.get("enabled") and row.get("status") in old
    ]
