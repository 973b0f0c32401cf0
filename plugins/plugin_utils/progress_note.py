# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a long task on a host is doing: its note, fetched and put in words. See module_utils/progress.py."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable, Mapping
from typing import Any

FOLDER = "/run/kronos-progress"
OLD = 2.0
LONG = 10.0
_UPTIME = re.compile(r"(\d+\.\d+) \d+\.\d+")
_DOING = {
    "start": "starting {}",
    "health": "waiting for {} to be healthy",
    "reload": "reloading {}",
    "stop": "stopping {}",
}


class RemoteNote:
    """The note of one stack. *ask* runs a command on the host and returns what it prints.

    The host is asked every *pause* seconds at most; in between, time goes on by our own clock. Where there is no
    note, as while the module waits for its turn, the name of the *task* must do.
    """

    def __init__(
        self,
        stack: str,
        task: str,
        ask: Callable[[str], str],
        pause: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stack = stack
        self._task = task
        self._ask = ask
        self._pause = pause
        self._clock = clock
        self._begun = clock()
        self._asked: float | None = None
        self._note: Mapping[str, Any] = {}
        self._age = 0.0

    def look(self) -> str:
        """Return what the stack is doing, in words; empty where there is nothing to tell yet."""
        if self._asked is None or self._clock() - self._asked >= self._pause:
            self._fetch()
        doing = describe(self._note)
        if not doing or self._asked is None:
            running = self._clock() - self._begun
            return f"{self._task}, {duration(running)}" if running >= LONG else ""
        said = f" ({self._note['said']})" if self._note.get("said") else ""
        return _printable(f"{self._stack}: {doing}, {duration(self._age + self._clock() - self._asked)}{said}")

    def _fetch(self) -> None:
        text = self._ask(command(self._stack))
        self._asked = self._clock()
        self._note, self._age = understand(text, self._asked - self._begun)


def command(stack: str) -> str:
    """Return what to run on the host, as any user."""
    return f"cat /proc/uptime {shlex.quote(f'{FOLDER}/{stack}.json')} 2>/dev/null"


def understand(text: str, running: float) -> tuple[dict[str, Any], float]:
    """Return the note and the age of its phase in seconds; ({}, 0) where there is none.

    A note that began before the task did (*running* seconds ago) was left by a task that died.
    """
    lines = [line.strip() for line in text.splitlines()]
    uptimes = [found[1] for line in lines if (found := _UPTIME.fullmatch(line))]
    notes = [line for line in lines if line.startswith("{")]
    if not uptimes or not notes:
        return {}, 0.0
    try:
        note = json.loads(notes[-1])
        age = float(uptimes[-1]) - float(note["since"])
    except (ValueError, KeyError, TypeError):
        return {}, 0.0
    return ({}, 0.0) if age > running + OLD else (note, max(0.0, age))


def describe(note: Mapping[str, Any]) -> str:
    """Put a note in words; empty where it is none that we know."""
    names = [str(name) for name in note.get("names") or ()]
    total, done = int(note.get("total") or 0), int(note.get("done") or 0)
    if not names:
        return ""
    if note.get("phase") == "pull":
        doing = f"pulling {names[0]}" if total == 1 else f"pulling {total} images ({done + 1} of {total}: {names[0]})"
    elif note.get("phase") in _DOING:
        more = total - done - 2
        listed = f"{names[0]}, {names[1]} and {more} more" if more > 0 and len(names) > 1 else " and ".join(names[:2])
        doing = _DOING[note["phase"]].format(listed)
    else:
        return ""
    back = int(note.get("back_to") or 0)
    return f"going back to version {back}: {doing}" if back else doing


def duration(seconds: float) -> str:
    """Return a number of seconds for people."""
    whole = int(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


def _printable(text: str) -> str:
    """The host's words must not steer our terminal."""
    return "".join(sign for sign in text if sign.isprintable())
