# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench computes and runs, without a host."""

from __future__ import annotations

from collections import Counter

import page
import pytest
import synthetic
from world import Timing


@pytest.mark.parametrize(
    ("times", "slope"), [({5: 2.0, 20: 9.0, 40: 2.7}, 0.02), ({5: 1.0, 40: 1.0}, 0.0), ({1: 3.0, 3: 1.0}, -1.0)]
)
def test_seconds_per_added_service(times: dict[int, float], slope: float) -> None:
    assert page.per_service(times) == pytest.approx(slope)


def test_a_row_tells_seconds_and_ratio() -> None:
    text = page.page("Intro.", [Timing("ping", 1.5, 1, 5), Timing("bare compose", 3.0)], 1.5, ["a fact"])
    assert "| ping | 1.50 | 1.0 | 1 | 5 |\n| bare compose | 3.00 | 2.0 | - | 1 |" in text
    assert "\n- a fact\n" in text


def test_synthetic_services_are_spread_and_one_can_change() -> None:
    before, after = synthetic.records(40), synthetic.records(40, environment={"TURN": "1"})
    assert Counter(one["stack"] for one in before.values()) == dict.fromkeys(synthetic.STACKS, 10)
    assert [name for name in before if before[name] != after[name]] == ["s039"]


def test_the_usual_style_has_four_tasks_per_service() -> None:
    (play,) = synthetic.usual_style(20, "echo:1.0")
    kinds = Counter(key for task in play["tasks"] for key in task if key not in ("name", "vars"))
    assert kinds == {"ansible.builtin.file": 40, "ansible.builtin.template": 20, "bench_container": 20}
