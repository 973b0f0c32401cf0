# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run is shown, and the one line that tells of work in progress.

The callback sets the screen in the main process before any task runs; tasks run in forks of it and so know it.
Without that callback there is no screen, and whoever asks stays silent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

CLEAR = "\r\x1b[K"
COLOUR = "bright gray"
PATIENCE = 2.0  # seconds for a look under way, so that it ends before its connection does


@dataclass(frozen=True)
class Screen:
    """*in_place*: a terminal, on which a line may be rewritten; *named*: lines start with the host's name."""

    in_place: bool = False
    columns: int = 80
    named: bool = False

    def prefix(self, host: str) -> str:
        """What lines about *host* start with."""
        return f"{host}: " if self.named else ""


_SHOWN: list[Screen] = []


def use(screen: Screen | None) -> None:
    """Show runs on *screen* from now on; None: no longer."""
    _SHOWN[:] = [screen] if screen else []


def current() -> Screen | None:
    """Return the screen, None where something else shows the run."""
    return _SHOWN[0] if _SHOWN else None


class Output(Protocol):
    """What is needed of Ansible's Display, which brings a text from a fork to the main process."""

    def display(self, msg: str, color: str | None = None, screen_only: bool = False, newline: bool = True) -> None:
        """Print."""


class ProgressLine:
    """Text that is soon out of date: rewritten in place, or else a new line now and then.

    In place the cursor goes back to the first column, so that whatever is printed next takes the line's place.
    """

    def __init__(
        self, screen: Screen, output: Output, every: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._screen = screen
        self._output = output
        self._every = every
        self._clock = clock
        self._last: float | None = None

    def show(self, text: str) -> None:
        """Show *text*, in place or where the last line is old enough."""
        now = self._clock()
        if self._screen.in_place:
            self._output.display(f"{CLEAR}{text[: self._screen.columns - 1]}\r", screen_only=True, newline=False)
        elif self._last is None or now - self._last >= self._every:
            self._output.display(text, color=COLOUR)
        else:
            return
        self._last = now

    def clear(self) -> None:
        """Take a line off the screen that was shown in place."""
        if self._screen.in_place and self._last is not None:
            self._output.display(CLEAR, screen_only=True, newline=False)
            self._last = None


class Ticker:
    """Shows again and again what *look* returns, from a thread of its own, until stopped.

    Nothing that goes wrong there reaches the task beside which it runs: the thread ends, and that is all.
    """

    def __init__(self, look: Callable[[], str], line: ProgressLine, first: float, pause: float) -> None:
        self._look = look
        self._line = line
        self._first = first
        self._pause = pause
        self._stopped = threading.Event()
        self._speaking = threading.Lock()
        # A daemon: a look that hangs on a dead connection must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="kronos-progress", daemon=True)

    def start(self) -> None:
        """Begin; the first look comes after *first* seconds, so that a short task costs nothing."""
        self._thread.start()

    def stop(self) -> None:
        """Return when nothing more will be shown."""
        self._stopped.set()
        with self._speaking:
            self._line.clear()
        self._thread.join(timeout=PATIENCE)

    def _run(self) -> None:
        try:
            pause = self._first
            while not self._stopped.wait(pause):
                self._tell(self._look())
                pause = self._pause
        except Exception:
            return

    def _tell(self, text: str) -> None:
        with self._speaking:
            if self._stopped.is_set():
                return
            if text:
                self._line.show(text)
            else:
                self._line.clear()
