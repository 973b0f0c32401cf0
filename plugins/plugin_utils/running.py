# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks are running, for a line that says so when one takes long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ansible_collections.kronos.homelab.plugins.plugin_utils.progress_note import LONG, duration


@dataclass(frozen=True)
class _Task:
    name: str
    begun: float
    more: str = ""


class Running:
    """The running task of each host; written by the run's own threads, read by the ticker's."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._tasks: dict[str, _Task] = {}

    def begin(self, host: str, name: str) -> None:
        """*host* begins a task."""
        with self._guard:
            self._tasks[host] = _Task(name, self._clock())

    def again(self, host: str, more: str) -> None:
        """The task of *host* is tried once more."""
        with self._guard:
            if host in self._tasks:
                self._tasks[host] = replace(self._tasks[host], more=f" ({more})")

    def end(self, host: str) -> None:
        """The task of *host* is over."""
        with self._guard:
            self._tasks.pop(host, None)

    def look(self, named: bool) -> str:
        """Return the task that runs longest, with the hosts that it runs on; empty where none takes long."""
        now = self._clock()
        with self._guard:
            long = {host: task for host, task in self._tasks.items() if now - task.begun >= LONG}
        if not long:
            return ""
        eldest = min(long.values(), key=lambda task: task.begun)
        hosts = ", ".join(sorted(host for host, task in long.items() if task.name == eldest.name))
        return f"{f'{hosts}: ' if named else ''}{eldest.name}, {duration(now - eldest.begun)}{eldest.more}"
