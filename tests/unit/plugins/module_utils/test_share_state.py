# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares in the one-call check: lost ones are told, and nobody touches what hangs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import Look, Mount, waits
from ansible_collections.kronos.homelab.plugins.module_utils.share_state import look, read_held, without

NOTED = [
    {"/mnt/a": {"name": "a", "type": "nfs", "source": "nas:/a", "on": "mnt-a.automount"}},
    {"/mnt/b": {"name": "b", "type": "nfs", "source": "nas:/b", "on": "mnt-b.mount"}},
    {},
]
HANGS = "share b: is mounted at /mnt/b, but does not answer within 5 s"
GONE_B = "share b: is not mounted at /mnt/b"
GONE = "share a: is not mounted at /mnt/a"
A, B = Mount("/mnt/a", "/", "nas:/a", "nfs4", "0:1"), Mount("/mnt/b", "/", "nas:/b", "nfs4", "0:2")
LATER = Mount("/mnt/a", "/", "systemd-1", "autofs", "0:9")
LATE = Look(error="does not answer within 5 s", late=True)

CASES: dict[str, tuple[list[Mount], dict[str, Look], dict[str, str], list[str]]] = {
    "well": ([A, B], {}, {}, []),
    "lost": ([B], {}, {"/mnt/a": GONE}, []),
    "another one": (
        [A, B, Mount("/mnt/a", "/", "nas:/c", "nfs4", "0:3")],
        {},
        {"/mnt/a": GONE},
        [],
    ),
    "waits for the first access": ([LATER, B], {}, {}, ["/mnt/a"]),
    "mounted at the first access": ([LATER, A, B], {}, {}, []),
    "another one's automount": ([A, replace(LATER, point="/mnt/b")], {}, {"/mnt/b": GONE_B}, ["/mnt/b"]),
    "hangs": ([A, B], {"/mnt/b": LATE}, {"/mnt/b": HANGS}, ["/mnt/b"]),
}


@pytest.mark.parametrize(("mounts", "looks", "reasons", "hung"), CASES.values(), ids=CASES.keys())
def test_looking(mounts: list[Mount], looks: dict[str, Look], reasons: dict[str, str], hung: list[str]) -> None:
    def ask(questions: Any) -> dict[str, Look]:
        assert set(questions) <= {mount.point for mount in mounts}  # never below what is not mounted
        assert not any(waits(path, mounts) for path in questions)
        return {name: looks.get(name, Look()) for name in questions}

    assert look(NOTED, lambda: mounts, ask) == (reasons, hung, [])


SIZES = [(5, 4, ["share a: 4 % of the space is free"]), (5, 5, []), (0, 0, []), (None, 0, [])]


@pytest.mark.parametrize(("percent", "free", "told"), SIZES)
def test_little_space_is_told_and_is_no_reason(percent: int | None, free: int, told: list[str]) -> None:
    noted = {"/mnt/a": {**NOTED[0]["/mnt/a"], **({} if percent is None else {"warn_below": percent})}}
    found = look([noted], lambda: [A], lambda questions: {name: Look(size=100, free=free) for name in questions})
    assert found == ({}, [], told)


def test_without_shares_nothing_is_read() -> None:
    assert look([{}], lambda: pytest.fail("read"), lambda questions: pytest.fail("asked")) == ({}, [], [])


def test_what_lies_on_a_share_that_hangs_is_left_out() -> None:
    left = {"mounts": {"/mnt/a": 1, "/mnt/a/x": 2, "/mnt/ab": 3}, "files": {"/etc/x": {}}, "units": {"u": "active"}}
    assert without(left, []) == left
    assert without(left, ["/mnt/a"]) == {**left, "mounts": {"/mnt/ab": 3}, "directories": {}}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [('{"held": {"plex": "media"}}', {"plex": "media"}), ("[]", {}), ("{", {}), ('{"held": 3}', {})],
)
def test_what_the_guard_holds(tmp_path: Path, text: str, wanted: dict[str, str]) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    assert read_held(str(path)) == wanted
    assert read_held(str(tmp_path / "none")) == {}
