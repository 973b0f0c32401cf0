# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a long task is doing right now, for whoever waits for it.

A small file that everybody may read, replaced in one step and removed at the end. It names images and services
and the status of a probe, never an answer's text: a secret has no way into it. Times are seconds since boot, as
/proc/uptime counts them, so that clocks which differ do no harm, and a note that a killed task left tells by
its age that it is old.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

UPTIME = "/proc/uptime"
PULL, START, HEALTH, RELOAD, STOP = "pull", "start", "health", "reload", "stop"
MOST_NAMED = 5
_STATUS = re.compile(r"HTTP \d{3}")


def uptime() -> float:
    """Seconds since boot."""
    with open(UPTIME, encoding="ascii") as stream:
        return float(stream.read().split()[0])


class Progress:
    """Notes of one task at *path*; without a path it notes nothing. What cannot be written is left out, silently."""

    def __init__(self, path: str = "", clock: Callable[[], float] = uptime) -> None:
        self._path = path
        self._clock = clock
        self._guard = threading.Lock()
        self._open: list[str] = []
        self._note: dict[str, Any] = {"back_to": 0}

    def going_back(self, number: int) -> None:
        """From here on it is about putting version *number* back."""
        self._note["back_to"] = number

    def begin(self, phase: str, names: Iterable[str]) -> None:
        """A phase begins, in which each of *names* (images, services) has its turn."""
        if not self._path:
            return
        with self._guard:
            self._open = sorted(names)
            self._note.update(phase=phase, done=0, total=len(self._open), said="")
            with contextlib.suppress(OSError, ValueError):
                self._note["since"] = self._clock()
            self._write()

    def done(self, name: str) -> None:
        """*name* is through this phase."""
        if not self._path:
            return
        with self._guard:
            if name in self._open:
                self._open.remove(name)
                self._note.update(done=self._note["done"] + 1, said="")
                self._write()

    def said(self, name: str, answer: str) -> None:
        """The last answer of *name*, of which only an HTTP status is kept, and that of the first in line alone."""
        if not self._path:
            return
        found = _STATUS.match(answer)
        status = found.group() if found else ""
        with self._guard:
            if self._open[:1] == [name] and status != self._note["said"]:
                self._note["said"] = status
                self._write()

    def end(self) -> None:
        """The task is over."""
        if self._path:
            with contextlib.suppress(OSError):
                os.unlink(self._path)

    def _write(self) -> None:
        if not self._open:
            return
        with contextlib.suppress(OSError):
            _replace(self._path, json.dumps({**self._note, "names": self._open[:MOST_NAMED]}))


def _replace(path: str, text: str) -> None:
    """In one step for readers. Nobody needs it after a crash, so the disk is not waited for."""
    folder, draft = os.path.dirname(path), f"{path}.new"
    if not os.path.isdir(folder):
        os.mkdir(folder)
        os.chmod(folder, 0o755)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with open(handle, "w", encoding="utf-8") as stream:
        os.fchmod(handle, 0o644)
        stream.write(text)
    os.replace(draft, path)


SILENT = Progress()
