# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of a timed commit: proves over a new connection that the host can still be reached.

A module that made a change under ``module_utils/timed.py`` returns ``confirm: {what, token, seconds}``. Within these
seconds the token must arrive over a connection that was opened after the change; else the host goes back by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ansible.errors import AnsibleConnectionFailure

PROGRAM = "/usr/bin/python3 /usr/local/lib/kronos/kronos_timed.py"
PAUSE = 1.0
BACK_WITHIN = 45  # seconds that putting back may take, beyond those that were given
PUT_BACK = 3


class Link(Protocol):
    """The way to the host."""

    def renew(self) -> None:
        """Make sure that the next command opens a connection of its own."""

    def command(self, text: str) -> tuple[int, str]:
        """Run a command as root; exit code and what it said. Raises AnsibleConnectionFailure."""


@dataclass(frozen=True)
class Clock:
    """The time; tests have their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def confirm(link: Link, request: Mapping[str, Any], clock: Clock | None = None) -> str:
    """Confirm a change over a new connection; return an empty text, or why the change did not stay."""
    clock = clock or Clock()
    what, seconds = str(request["what"]), float(request["seconds"])
    deadline, trouble = clock.now() + seconds, ""
    while clock.now() < deadline:
        try:
            link.renew()
            code, said = link.command(f"{PROGRAM} confirm {what} --token {request['token']}")
        except AnsibleConnectionFailure as error:
            trouble = f"no new connection came about after the change ({one_line(error)})"
        else:
            if code == 0:
                return ""
            if code == PUT_BACK:
                break
            trouble = said.removeprefix(f"{what}: ") or f"exit code {code}"
        clock.sleep(PAUSE)
    trouble = trouble or "the confirmation came too late"
    return f"{what}: {trouble}. {_outcome(link, what, deadline + BACK_WITHIN, clock)}"


def wait_for_person(link: Link, request: Mapping[str, Any], clock: Clock | None = None) -> str:
    """Wait until somebody confirms by hand: a run on the host itself has no connection that could prove anything."""
    clock = clock or Clock()
    what, deadline = str(request["what"]), clock.now() + float(request["seconds"]) + BACK_WITHIN
    while clock.now() < deadline:
        _code, said = link.command(f"{PROGRAM} status {what}")
        if said.endswith("confirmed") and "waits" not in said:
            return ""
        if said.endswith("put back"):
            break
        clock.sleep(PAUSE)
    return f"{what}: nobody ran `kronos-confirm` in time. {_outcome(link, what, deadline, clock)}"


def _outcome(link: Link, what: str, deadline: float, clock: Clock) -> str:
    """Say what has become of the change, as far as it can be seen from here."""
    while clock.now() < deadline:
        try:
            link.renew()
            _code, said = link.command(f"{PROGRAM} status {what}")
        except AnsibleConnectionFailure:
            said = ""
        if said.endswith("put back"):
            return "The old state is back"
        clock.sleep(PAUSE)
    return "The host puts the old state back by itself, but it was not seen to do so: it does not answer yet"


def one_line(error: Exception) -> str:
    """The last thing that the connection's program said."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__


class ActionLink:
    """The connection of an action plugin, which runs commands with the task's own become."""

    def __init__(self, action: Any) -> None:
        self._action = action

    def renew(self) -> None:
        """Close the shared session, if there is one: what goes on in it says nothing about new connections."""
        self._action._connection.reset()

    def command(self, text: str) -> tuple[int, str]:
        """Run *text* on the host."""
        done = self._action._low_level_execute_command(text)
        said = str(done.get("stdout", "")).strip() or str(done.get("stderr", "")).strip()
        return int(done.get("rc", 1)), said


def settle(action: Any, result: dict[str, Any]) -> dict[str, Any]:
    """Return the *result* of a module after its change was confirmed, or failed where it did not stay."""
    request = result.pop("confirm", None)
    if not request:
        return result
    transport = str(getattr(action._connection, "transport", "")).rpartition(".")[2]
    if transport == "local":
        action._display.warning(
            f"{request['what']}: open a new session to this host and run `kronos-confirm` within {request['seconds']} "
            "s, else the old state comes back"
        )
        trouble = wait_for_person(ActionLink(action), request)
    else:
        trouble = confirm(ActionLink(action), request)
    if trouble:
        return {**result, "failed": True, "msg": trouble, "confirmed": False}
    return {**result, "confirmed": True}
