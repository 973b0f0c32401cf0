# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table at the end: what is in it, that exactly one place shows it, and that lost hosts are told once."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.action import summary
from ansible_collections.kronos.homelab.plugins.action.summary import lost_hosts
from ansible_collections.kronos.homelab.plugins.plugin_utils import console

VARIABLES = {
    "kronos_plan": {
        "host": "lab1",
        "stack_order": ["media", "own"],
        "stacks": {"media": {"services": ["radarr"]}, "own": {"services": ["hello"]}},
        "external": {},
        "routes": [],
        "cautions": ["no login"],
    },
    "kronos_check": {"drifted": True, "reasons": ["a reason"], "warnings": [object()]},
    "media_result": {"changed": True, "actions": {"radarr": {"action": "created", "keys": []}}, "warnings": [object()]},
}


@pytest.fixture(autouse=True)
def _no_screen_is_left() -> Iterator[None]:
    yield
    console.use(None)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("screen", [None, console.Screen()])
def test_the_table_is_shown_here_or_by_the_callback(
    monkeypatch: pytest.MonkeyPatch, check: bool, screen: console.Screen | None
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(summary, "display", SimpleNamespace(display=shown.append))
    monkeypatch.setattr(summary.ActionBase, "run", lambda self, tmp, task_vars: {})
    console.use(screen)
    action = summary.ActionModule.__new__(summary.ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    result: dict[str, Any] = action.run(None, VARIABLES)
    assert [(row["service"], row["this run"], row["health"]) for row in result["services"]] == [
        ("radarr", "created", "-" if check else "healthy"),
        ("hello", "unchanged", "-" if check else "as before"),
    ]
    assert result["notes"] == ["Converged because: a reason", "Caution: no login"]
    assert not result["changed"]
    assert len(shown) == (0 if screen else 1)
    assert all(("check mode" in text) == check for text in shown)


@pytest.mark.parametrize(
    ("host", "left", "everyone", "told"),
    [
        ("a", ["a", "b"], ["a", "b"], []),
        ("a", ["a", "b"], ["a", "b", "c"], ["c"]),
        ("b", ["a", "b"], ["a", "b", "c"], []),
        ("b", ["b"], ["a", "b", "c"], ["a", "c"]),
    ],
)
def test_lost_hosts(host: str, left: list[str], everyone: list[str], told: list[str]) -> None:
    variables: dict[str, Any] = {
        "inventory_hostname": host,
        "ansible_play_hosts": left,
        "ansible_play_hosts_all": everyone,
    }
    assert [line.split(":")[0] for line in lost_hosts(variables)] == told
    assert lost_hosts({}) == []
