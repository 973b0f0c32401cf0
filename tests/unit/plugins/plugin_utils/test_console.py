# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of progress: in place, or now and then; and the thread that shows them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils import console
from ansible_collections.kronos.homelab.plugins.plugin_utils.console import CLEAR, ProgressLine, Screen, Ticker


class Paper:
    """Keeps what is displayed."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.first = threading.Event()

    def display(self, msg: str, color: str | None = None, screen_only: bool = False, newline: bool = True) -> None:
        assert newline != ("\r" in msg)
        assert screen_only == ("\r" in msg), "no control codes in a log file"
        self.said.append(msg)
        self.first.set()


@pytest.mark.parametrize(
    ("screen", "expected"),
    [
        (Screen(in_place=True, columns=6), [f"{CLEAR}0 abc\r", f"{CLEAR}4 abc\r", f"{CLEAR}11 ab\r", CLEAR]),
        (Screen(in_place=False, columns=6), ["0 abc", "11 abc"]),
    ],
)
def test_a_line(screen: Screen, expected: list[str]) -> None:
    paper, now = Paper(), [0.0]
    line = ProgressLine(screen, paper, clock=lambda: now[0])
    line.clear()
    for second in (0, 4, 11):
        now[0] = second
        line.show(f"{second} abc")
    line.clear()
    line.clear()
    assert paper.said == expected


@pytest.mark.parametrize(("named", "expected"), [(True, "lab1: "), (False, "")])
def test_prefix(named: bool, expected: str) -> None:
    assert Screen(named=named).prefix("lab1") == expected


def test_who_shows_the_run() -> None:
    assert console.current() is None
    screen = Screen()
    console.use(screen)
    try:
        assert console.current() is screen
    finally:
        console.use(None)
    assert console.current() is None


def ticker(paper: Paper, look: Any, first: float = 0.0) -> Ticker:
    return Ticker(look, ProgressLine(Screen(in_place=True), paper), first, 0.01)


def test_a_ticker_shows_until_it_is_stopped() -> None:
    paper = Paper()
    one = ticker(paper, lambda: "working")
    one.start()
    assert paper.first.wait(5)
    one.stop()
    count = len(paper.said)
    assert paper.said[0] == f"{CLEAR}working\r"
    assert paper.said[-1] == CLEAR
    assert not one._thread.is_alive()
    assert len(paper.said) == count


def test_a_short_task_is_not_looked_at() -> None:
    paper, looked = Paper(), []
    one = ticker(paper, lambda: looked.append(1) or "working", first=60.0)
    one.start()
    one.stop()
    assert (paper.said, looked) == ([], [])


def test_what_goes_wrong_in_a_look_ends_the_looking_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    paper, looked, escaped = Paper(), [], []
    monkeypatch.setattr(threading, "excepthook", escaped.append)

    def look() -> str:
        looked.append(1)
        raise OSError("the connection is gone")

    one = ticker(paper, look)
    one.start()
    one._thread.join(5)
    assert not one._thread.is_alive()
    one.stop()
    assert (paper.said, looked, escaped) == ([], [1], [])


def test_a_look_that_ends_too_late_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    paper, begun, go_on = Paper(), threading.Event(), threading.Event()

    def look() -> str:
        begun.set()
        go_on.wait(5)
        return "late"

    one = ticker(paper, look)
    monkeypatch.setattr(console, "PATIENCE", 0.0)
    one.start()
    assert begun.wait(5)
    one.stop()
    go_on.set()
    one._thread.join(5)
    assert paper.said == []
