# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows on changed files: who is called, and that refused files are as before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import hooks, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.hooks import Hook
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran

A, B = tree.Wanted("/etc/a", b"a\n"), tree.Wanted("/etc/b", b"b\n")
HOOKS = [Hook(("/etc/a",), run=("take-a",)), Hook(("/etc/b", "/etc/c"), ("check-b",), ("take-b",))]
NOTED = tree.receipt_of([A, B], [])

CASES: dict[str, tuple[tree.TreeChange, dict[str, Any], list[str], int]] = {
    # change, last receipt: (programs, entries of the diff for what is owed)
    "nothing": (tree.TreeChange(), NOTED, [], 0),
    "one is written": (tree.TreeChange(updates=("/etc/a",)), NOTED, ["take-a"], 0),
    "one is removed": (tree.TreeChange(removes=("/etc/c",)), NOTED, ["take-b"], 0),
    "a killed run": (tree.TreeChange(), {}, ["take-a", "take-b"], 2),
    "a killed run, and more": (tree.TreeChange(creates=("/etc/b",)), tree.receipt_of([B], []), ["take-a", "take-b"], 1),
}


@pytest.mark.parametrize(("change", "left", "wanted", "owed"), CASES.values(), ids=CASES.keys())
def test_who_is_called(change: tree.TreeChange, left: dict[str, Any], wanted: list[str], owed: int) -> None:
    due = hooks.due(HOOKS, change, [A, B], left)
    assert [hook.run[0] for hook in due] == wanted
    assert len(hooks.diff_of(due, change)) == owed


def test_refused_files_are_as_before_and_nobody_takes_them(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("old\n")
    old.chmod(0o640)
    hook = Hook((str(old), str(new)), ("sshd", "-t"), ("systemctl", "reload"))
    present = tree.read_present([str(old), str(new)])
    old.write_text("bad\n")
    old.chmod(0o644)
    new.write_text("bad\n")
    asked = []

    def run(argv: Any, timeout: float = 0) -> Ran:
        asked.append(argv[0])
        return Ran(255, "", "line 3: Bad configuration option\n")

    with pytest.raises(KronosError, match=r"^sshd refuses .*, which are as before: line 3: Bad configuration option$"):
        hooks.take([Hook((), run=("first",)), hook], present, run)
    assert (old.read_text(), old.stat().st_mode & 0o777, os.listdir(tmp_path)) == ("old\n", 0o640, ["old"])
    assert asked == ["sshd"]  # every check comes before the first program


def test_a_program_that_fails_is_one_line() -> None:
    with pytest.raises(KronosError, match=r"^systemctl reload: no such unit$"):
        hooks.take([Hook((), run=("systemctl", "reload"))], {}, lambda argv, timeout: Ran(1, "", "no such unit\n"))


def test_what_stands_and_does_not_count_is_a_warning() -> None:
    said = {"good": Ran(0, "fine\n", ""), "bad": Ran(1, "not in force: a\n", "")}
    asked = [Hook(("/etc/a",), verify=("good",)), Hook(("/etc/b",), verify=("bad",)), Hook(("/etc/c",))]
    found = hooks.warnings(asked, lambda argv, timeout: said[argv[0]])  # type: ignore[arg-type,misc]
    assert found == ["/etc/b: not in force: a"]
