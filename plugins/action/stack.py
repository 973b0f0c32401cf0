# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller half of stack: spares the host a call whose outcome is known, and tells what the module is doing.

Documented in the module.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any

from ansible.utils.display import Display
from ansible_collections.kronos.homelab.plugins.plugin_utils import console
from ansible_collections.kronos.homelab.plugins.plugin_utils.progress_note import RemoteNote
from ansible_collections.kronos.homelab.plugins.plugin_utils.settled import SettledAction

display = Display()

FIRST, IN_PLACE, PLAIN = 5.0, 1.0, 3.0
# Connections that start a program for every command: several at once do not disturb each other.
INDEPENDENT = {"ssh", "local", "docker", "podman", "incus", "lxd", "nsenter"}
MOST_VERBOSE = 2


class ActionModule(SettledAction):
    """Run the module where it has something to do, and show its progress where our callback shows the run."""

    BELOW = False

    def _work(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        with self._progress(str((task_vars or {}).get("inventory_hostname", ""))):
            return super()._work(task_vars)

    @contextlib.contextmanager
    def _progress(self, host: str) -> Iterator[None]:
        screen = console.current()
        if screen is None or not self._worth_watching():
            yield
            return
        note = RemoteNote(str(self._task.args.get("name", "")), str(self._task.get_name()), asker(self._connection))
        prefix = screen.prefix(host)
        ticker = console.Ticker(
            lambda: (text := note.look()) and f"{prefix}{text}",
            console.ProgressLine(screen, display),
            FIRST,
            IN_PLACE if screen.in_place else PLAIN,
        )
        ticker.start()
        try:
            yield
        finally:
            ticker.stop()

    def _worth_watching(self) -> bool:
        """Nothing takes long in check mode; at -vvv every question to the host would be shown."""
        return not self._task.check_mode and not self._task.async_val and bool(display.verbosity <= MOST_VERBOSE)


def asker(connection: Any) -> Callable[[str], str]:
    """Return a way to run a command beside the task: over a connection of its own, as the login user.

    The copy shares the options, so that SSH goes through the session that stands already. Nothing is asked over a
    connection that may not bear it.
    """
    transport = str(getattr(connection, "transport", "")).rpartition(".")[2]

    def ask(command: str) -> str:
        if transport not in INDEPENDENT:
            return ""
        own = copy.copy(connection)
        own.set_become_plugin(None)
        _code, out, _err = own.exec_command(command, sudoable=False)
        return out.decode("utf-8", "replace") if isinstance(out, bytes) else str(out)

    return ask
