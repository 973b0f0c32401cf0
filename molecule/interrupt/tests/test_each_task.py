# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook killed at each task of a run: which tasks these are, runs themselves have shown."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import labtest
import pytest
from faults.wishes import TOPICS, A, B, other, wish
from faults.world import World, survey


@dataclass
class Task:
    """One task: the wishes on whose way it changes something, and for how many seconds it goes on then."""

    name: str
    seconds: dict[str, float] = field(default_factory=dict)


def killed(to: str, **kill: Any) -> None:
    """A run that ends where *kill* says."""
    environment = {"KRONOS_KILL": json.dumps(kill)}
    run = labtest.start("site.yml", variables=wish(to, *TOPICS), environment=environment).finish()
    assert run.code == -signal.SIGKILL, f"it never came to {kill}: {run.output}"


def tasks(world: World, folder: Path) -> list[Task]:
    """Every task that starts, in order, from a run in each direction."""
    found: dict[str, Task] = {}
    for to in (B, A):
        world.prepare(to, *TOPICS)
        path = folder / to
        variables = wish(to, *TOPICS)
        run = labtest.start("site.yml", variables=variables, environment={"KRONOS_KILL_LIST": str(path)}).finish()
        assert run.code == 0, run.output
        world.letter = to
        world.remember(survey())
        started = [json.loads(line) for line in path.read_text().splitlines()]
        names = [one["task"] for one in started]
        assert len(set(names)) == len(names), f"names are how a task is found: {names}"
        for one, after in zip(started, [*started[1:], started[-1]], strict=True):
            task = found.setdefault(one["task"], Task(one["task"]))
            if one["task"] in run.changed:
                task.seconds[to] = after["at"] - one["at"]
    return list(found.values())


def groups(table: list[Task]) -> Iterator[list[Task]]:
    """Tasks up to one that changes something: killed as any of them starts, a run leaves the same host behind."""
    group: list[Task] = []
    for task in table:
        group.append(task)
        if task.seconds:
            yield group
            group = []
    if group:
        yield group


@pytest.mark.skipif(not labtest.FULL, reason="the short table has a few tasks")
def test_a_kill_at_each_task(world: World, tmp_path: Path) -> None:
    """As each starts, and halfway through those that change something; after each group one plain run."""
    table = tasks(world, tmp_path)
    assert len([task for task in table if task.seconds]) >= 8, table
    for group in groups(table):
        last = group[-1]
        back = other(world.letter)
        to = world.prepare(back if back in last.seconds else next(iter(last.seconds), back), *TOPICS)
        world.letter = ""
        for task in group:
            killed(to, task=task.name)
        if to in last.seconds:
            killed(to, task=last.name, delay=last.seconds[to] / 2)
        print(f"on the way to {to}, killed at:", *(f"{task.name} {task.seconds}" for task in group), sep="\n  ")
        world.go(to, *TOPICS)
        world.check()
        world.quiet()
