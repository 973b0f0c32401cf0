# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systemd units: the computed change and what is asked of systemctl."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import tree, units
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran

TIMER = units.WantedUnit("a.timer", "[Timer]\n", enabled=True)
SERVICE = units.WantedUnit("a.service", "[Service]\n")
SAME = tree.Present("file", 0o644, 0, 0, b"[Timer]\n")
OLD = tree.Present("file", 0o644, 0, 0, b"[Timer]\nold\n")
ON = ("enabled", "active")
LEFT = units.left([TIMER], [])
NONE: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("file", "state", "left", "enable", "start", "restart"),
    [
        (tree.ABSENT, ("absent", "inactive"), NONE, ("a.timer",), ("a.timer",), ()),
        (SAME, ON, LEFT, (), (), ()),
        (SAME, ("disabled", "active"), LEFT, ("a.timer",), (), ()),
        (SAME, ("enabled", "failed"), LEFT, (), ("a.timer",), ()),
        (OLD, ON, LEFT, (), (), ("a.timer",)),
        # what a run leaves that was killed between writing the file and making systemd go by it
        (SAME, ON, NONE, (), (), ("a.timer",)),
        (SAME, ON, units.left([units.WantedUnit("a.timer", "[Timer]\nold\n")], []), (), (), ("a.timer",)),
    ],
)
def test_plan(file: tree.Present, state: tuple[str, str], left: Any, enable: Any, start: Any, restart: Any) -> None:
    change = units.plan_units([TIMER], [], {TIMER.path: file}, {"a.timer": state}, left)
    assert (change.enable, change.start, change.restart) == (enable, start, restart)
    assert change.changed is bool(enable or start or restart)
    assert change.reload is (file != SAME or left != LEFT)
    assert bool(change.diff) is change.changed


def test_a_unit_that_is_not_on_is_only_written() -> None:
    change = units.plan_units([SERVICE], [], {SERVICE.path: tree.ABSENT}, {}, NONE)
    assert (change.files.creates, change.enable, change.start) == ((SERVICE.path,), (), ())


def test_a_unit_that_was_only_written_is_read_by_systemd() -> None:
    asked: list[list[str]] = []

    def run(argv: Any) -> Ran:
        asked.append(list(argv[1:]))
        return Ran(0, "", "")

    here = tree.Present("file", 0o644, 0, 0, b"[Service]\n")
    change = units.plan_units([SERVICE], [], {SERVICE.path: here}, {}, NONE)
    assert (change.changed, [one["after"] for one in change.diff]) == (True, ["read again by systemd\n"])
    units.apply(change, run)
    assert asked == [["daemon-reload"]]


def test_states_are_read_from_systemd() -> None:
    def run(argv: Any) -> Ran:
        on = "UnitFileState=enabled\nActiveState=active\n"
        return Ran(0, on if argv[2] == "a.timer" else "UnitFileState=\nActiveState=inactive\n", "")

    assert units.read_states(["a.timer", "b.timer"], run) == {"a.timer": ON, "b.timer": ("absent", "inactive")}


def test_apply_reloads_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(tree, "apply", lambda change: asked.append(["files"]))
    change = units.plan_units([TIMER], [], {TIMER.path: tree.ABSENT}, {"a.timer": ("absent", "inactive")}, NONE)

    def run(argv: Any) -> Ran:
        asked.append(list(argv[1:]))
        return Ran(0, "", "")

    units.apply(change, run)
    assert asked == [["files"], ["daemon-reload"], ["enable", "a.timer"], ["start", "a.timer"]]


def test_what_is_wanted_no_more_is_stopped_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(tree, "apply", lambda change: asked.append(change.absent))
    gone = units.unwanted([SERVICE.path], LEFT)
    change = units.plan_units([SERVICE], [], {SERVICE.path: tree.ABSENT, TIMER.path: SAME}, {}, LEFT, gone)
    assert (change.drop, change.files.absent, change.changed) == (("a.timer",), (TIMER.path,), True)

    def run(argv: Any) -> Ran:
        asked.append(list(argv[1:]))
        return Ran(0, "", "")

    units.apply(change, run)
    assert asked == [(), ["disable", "--now", "a.timer"], (TIMER.path,), ["daemon-reload"]]


def test_systemd_refusing_is_one_clear_line() -> None:
    change = units.UnitsChange(tree.TreeChange(), False, ("a.timer",), (), (), ())
    with pytest.raises(KronosError, match=r"^systemctl enable a.timer: no such unit$"):
        units.apply(change, lambda argv: Ran(1, "", "no such unit\n"))
