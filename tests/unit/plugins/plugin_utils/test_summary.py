# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows and notes at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.summary import (
    Ending,
    closing_lines,
    host_lines,
    service_rows,
    table_text,
)

PLAN = {
    "stack_order": ["media"],
    "stacks": {"media": {"services": ["plex", "sonarr"]}},
    "external": {"nas": {}},
    "routes": [
        {"service": "plex", "url": "https://plex.h", "access": "lan"},
        {"service": "nas", "url": "https://nas.h", "access": "public"},
    ],
    "cautions": ["no login yet"],
}


def test_every_service_has_a_row_with_what_the_run_did() -> None:
    results = {"media": {"actions": {"plex": {"action": "recreated", "keys": ["image"]}}}}
    assert [tuple(row.values()) for row in service_rows(PLAN, results)] == [
        ("plex", "https://plex.h", "lan", "healthy", "recreated (image)"),
        ("sonarr", "-", "-", "as before", "unchanged"),
        ("nas", "https://nas.h", "public", "external", "unchanged"),
    ]


@pytest.mark.parametrize(
    ("check", "first"),
    [
        ({"drifted": False, "reasons": []}, "Nothing differed from what the last run left."),
        ({"drifted": True, "reasons": ["a", "b"]}, "Converged because: a; b"),
        ({"drifted": True, "reasons": list("abcdefg")}, "Converged because: a; b; c; d; e (and 2 more)"),
    ],
)
def test_notes_say_why(check: dict[str, Any], first: str) -> None:
    lines = host_lines(PLAN, check, {"media": {"sick": {"sonarr": "gives HTTP 503"}}})
    assert lines == [first, "Caution: no login yet", "Sick, but not touched by this run: sonarr gives HTTP 503"]


def test_what_a_run_leaves_alone_is_told() -> None:
    assert "Notice: no space is left for /srv" in host_lines(PLAN, {"notices": ["no space is left for /srv"]}, {})


def test_table_and_remarks() -> None:
    rows = service_rows(PLAN, {})
    lines = table_text("lab1", rows[:1], ["a note"], check=True).splitlines()
    assert lines[:2] == ["", "lab1 (check mode: nothing was changed)"]
    assert lines[2].split() == ["service", "url", "access", "health", "this", "run"]
    assert lines[-2:] == ["plex     https://plex.h  lan     as before  unchanged", "a note"]


FAILED = Ending("b", 2, "failed: Media: sick")


@pytest.mark.parametrize(
    ("endings", "seconds", "check", "expected"),
    [
        ([Ending("a", 0, converged=True)], 1.94, False, ["a: converged, no changes, 1.9 s"]),
        ([Ending("a", 1, converged=True)], 41.2, False, ["a: converged, 1 change, 41 s"]),
        ([Ending("a", 3)], 130, False, ["a: 3 changes, 2 min 10 s"]),
        ([Ending("a", 3, converged=True)], 9, True, ["a: 3 changes would be made, 9.0 s"]),
        ([FAILED], 9, False, ["b: failed: Media: sick (2 changes before that), 9.0 s"]),
        (
            [Ending("a", 0, converged=True), FAILED, Ending("c", 0, "unreachable: no route")],
            20,
            False,
            [
                "a: converged, no changes",
                "b: failed: Media: sick (2 changes before that)",
                "c: unreachable: no route",
                "2 of 3 hosts in trouble, 20 s: b, c",
            ],
        ),
        ([Ending("a"), Ending("c")], 20, False, ["a: no changes", "c: no changes", "2 hosts are well, 20 s"]),
    ],
)
def test_how_hosts_come_out_of_it(endings: list[Ending], seconds: float, check: bool, expected: list[str]) -> None:
    assert closing_lines(endings, seconds, check) == expected
