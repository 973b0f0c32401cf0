# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case of tests/broken/inventories.yml: the message names place, what was found and what was wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError

TABLE = yaml.safe_load((Path(__file__).resolve().parents[3] / "broken" / "inventories.yml").read_text(encoding="utf-8"))


def variables_of(case: dict[str, Any]) -> dict[str, Any]:
    """The case's variables over the base; null takes one away."""
    laid = {**TABLE["base"], **case.get("variables", {})}
    return {name: value for name, value in laid.items() if value is not None}


def in_order(line: str, parts: list[str]) -> bool:
    """Tell whether the parts stand in the line, one after the other, the first at its start."""
    position = 0
    for part in parts:
        found = line.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return True


def test_the_base_is_sound(planning: Any) -> None:
    plan = planning.exactly(TABLE["base"])
    assert {"radarr", "traefik"} <= set(plan["services"])


def test_there_are_enough_cases_and_no_name_twice() -> None:
    names = [case["name"] for case in TABLE["cases"]]
    assert len(names) == len(set(names))
    assert len(names) >= 60


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"].replace(" ", "-"))
def test_broken_inventory(case: dict[str, Any], planning: Any, planning_with: Any) -> None:
    maker = planning_with(case["files"]) if "files" in case else planning
    with pytest.raises(PlanError) as caught:
        maker.exactly(variables_of(case), case.get("hosts"))
    message = str(caught.value)
    lines = message.splitlines()
    for parts in case["expect"]:
        assert any(in_order(line, parts) for line in lines[1:]), f"{parts} is not in:\n{message}"
    assert len(lines) - 1 == case.get("count", 1), message
    assert lines[0].startswith(f"{len(lines) - 1} problem")
    assert lines[1:] == sorted(lines[1:])
    assert "not-to-be-seen" not in message
    assert "Traceback" not in message
