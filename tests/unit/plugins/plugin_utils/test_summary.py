# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows and notes at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.summary import host_lines, service_rows

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
