# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs at once on one host: one after the other or a clear refusal, never a mixture."""

from __future__ import annotations

import json
import os
import signal
from itertools import groupby
from typing import Any

import faults
import labtest
from faults.wishes import other, wish
from faults.world import World, alone
from ordeal import inside

LEASE = "/run/kronos/lease.json"
NOW = "python3 -c 'import time; print(time.clock_gettime(time.CLOCK_BOOTTIME))'"


def lease() -> dict[str, Any]:
    """The lease on the host; empty where there is none."""
    return dict(json.loads(inside(f"cat {LEASE} 2>/dev/null || echo '{{}}'")))


def rewrite(**values: Any) -> None:
    """Change the lease by hand."""
    text = json.dumps({**lease(), **values})
    inside(f"mkdir -p -m 700 /run/kronos; echo '{text}' > {LEASE}")


def runs_in_order() -> list[str]:
    """The runs that changed something on the host, as they took turns."""
    return [run for run, _steps in groupby(step.run for step in changes())]


def changes() -> list[faults.Step]:
    """What listed runs changed on the host; asking programs and signs of life are no changes."""
    return [step for step in faults.noted() if " /run/" not in step.text and not step.text.startswith("run ")]


def frozen(world: World, task: str) -> labtest.Started:
    """A run to the other wish whose controller stands still from this task on."""
    stop = json.dumps({"task": task, "signal": int(signal.SIGSTOP)})
    variables = {**wish(other(world.letter)), **faults.arm(None)}
    started = labtest.start("site.yml", variables=variables, environment={"KRONOS_KILL": stop})
    labtest.until(lambda: standing(started.process.pid), 120, "the run stands still")
    return started


def standing(pid: int) -> bool:
    """Whether a process was stopped by a signal."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
        return stream.read().rpartition(")")[2].split()[0] == "T"


def test_the_second_run_waits_for_the_first(world: World) -> None:
    there, elsewhere = world.letter, other(world.letter)
    listing = faults.arm(None)
    first = labtest.start("site.yml", variables={**wish(elsewhere), **listing})
    labtest.until(lambda: str(first.process.pid) in lease().get("id", ""), 60, "the first run holds the host")
    second = labtest.site(**wish(there), **listing, kronos_lease_wait=600)
    done = first.finish()
    assert (done.code, second.code) == (0, 0), done.output + second.output
    assert set(done.actions()) == set(second.actions()) == {"hello", "mate", "desk", "homer", "traefik"}
    assert f"{labtest.HOST}: waiting up to 600 s for another run to end: {done_by(first)}" in second.output
    assert len(runs_in_order()) == 2, "they took turns"
    world.check()


def done_by(started: labtest.Started) -> str:
    """The beginning of a run's id without who and where: as the messages show it."""
    return f"root@{os.uname().nodename}:{started.process.pid}:"


def test_a_frozen_run_is_not_disturbed_then_given_up_and_can_do_no_harm_later(world: World) -> None:
    first = frozen(world, "Converge the own stack")
    short = labtest.site(**wish(world.letter), kronos_lease_wait=1)
    assert short.code != 0
    (line,) = short.failures
    assert f"another run holds this host: {done_by(first)}" in line
    assert "s ago" in line.split("begun", 1)[1]
    assert "\n" not in line.strip()
    refused = alone("files", name="mine", files=[{"path": "/etc/mine", "content": "x"}])
    assert refused.returncode != 0
    assert "needs its option `run`" in refused.stdout + refused.stderr
    assert inside("ls /etc/mine", check=False).endswith("No such file or directory")
    holder = lease()
    rewrite(renewed=holder["renewed"] - 700, taken=holder["taken"] - 700)
    world.go(world.letter)
    before = changes()
    os.kill(first.process.pid, signal.SIGCONT)
    late = first.finish()
    assert late.code != 0
    assert "another one has worked on the host since" in " ".join(late.failures)
    assert before
    assert changes() == before, "it did nothing more"
    world.check()


def test_the_lease_of_another_controller_counts_while_it_shows_life(world: World) -> None:
    now = float(inside(NOW))
    rewrite(id="root@elsewhere:4711:1.2", owner="ann at elsewhere", taken=now - 30, renewed=now - 20)
    refused = labtest.site(**wish(world.letter), kronos_lease_wait=0)
    assert refused.code != 0
    assert "another run holds this host: ann at elsewhere, begun 3" in " ".join(refused.failures)
    rewrite(taken=now - 630, renewed=now - 620)
    world.go(world.letter)
    world.check()


def test_a_module_that_a_killed_run_left_at_work_ends_before_the_next_run_begins(world: World) -> None:
    elsewhere = other(world.letter)
    listing = faults.arm(None)
    kill = json.dumps({"task": "Converge the dashboard stack", "delay": 1.5})
    first = labtest.start("site.yml", variables={**wish(elsewhere), **listing}, environment={"KRONOS_KILL": kill})
    assert first.finish().code == -signal.SIGKILL
    second = labtest.site(**wish(world.letter), **listing, kronos_lease_wait=0)
    assert second.code == 0, second.output
    assert len(runs_in_order()) == 2, "they took turns"
    world.check()
