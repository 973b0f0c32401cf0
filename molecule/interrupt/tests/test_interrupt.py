# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed anywhere, one plain run later everything is as wanted, and nothing is lost."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import dataclass, replace
from typing import Any

import faults
import labtest
import pytest
from faults import Fault
from faults.wishes import A, B, other, wish
from faults.world import World, alone, survey
from ordeal import inside

UP = "docker compose .* up "
DOCKERD = "kill -9 $(cat /run/docker.pid)"
STOPPED = "systemctl stop docker.service docker.socket"
# until the test cuts the power
HOLD = "sleep 60"


@dataclass(frozen=True)
class Point:
    """One interruption of a run that has work to do, described by *name*.

    Either *fault* strikes in a module (*part*: how far into its steps), or ansible-playbook is killed at *task*,
    *delay* seconds after its start, by *signal*. *to*: the wish that the run was after, where it matters; *back*:
    after which the user wants the old state again; *rotate*: the run was to replace a secret.
    """

    name: str
    fault: Fault | None = None
    part: float = 0.0
    task: str = ""
    delay: float = 0.0
    signal: int = signal.SIGKILL
    playbook: str = "site.yml"
    topics: tuple[str, ...] = ()
    to: str = ""
    back: bool = False
    rotate: bool = False
    reboot: bool = False


def spread(at: str, count: int, **more: Any) -> list[Point]:
    """*count* kills of a module, evenly spread over its steps."""
    parts = [(number + 0.5) / count for number in range(count)]
    return [Point(f"{at} killed at {part:.0%}", Fault(at), part, **more) for part in parts]


POINTS = [
    *spread("stack:own", 5),
    *spread("stack:dashboard", 3),
    *spread("stack:traefik", 3),
    *spread("internal_ca", 3),
    *spread("units:certificates", 1),
    *spread("host_check:converged", 2),
    Point("stack:own killed in compose up", Fault("stack:own", find=UP, delay=0.4)),
    Point("stack:own killed before its journal", Fault("stack:own", find="rename .*/journal.json"), back=True),
    Point("stack:own killed before the new state", Fault("stack:own", find="rename .*/state.json"), back=True),
    Point("stack:dashboard killed in a file", Fault("stack:dashboard", find="chown .*config.yml"), back=True),
    Point("units killed before systemd reloads", Fault("units:certificates", find="daemon-reload")),
    Point("units killed before the timer restarts", Fault("units:certificates", find="restart")),
    *spread("secret", 2, rotate=True),
    Point("stack:own killed with a new secret", Fault("stack:own", find=UP), rotate=True),
    # at every task: test_each_task.py
    Point("controller killed while the proxy is done", task="Converge the traefik stack", delay=1.5),
    Point("controller killed while services are done", task="Converge the own stack", delay=2.0),
    Point("controller stopped by Ctrl-C", task="Converge the own stack", delay=2.0, signal=signal.SIGINT),
    Point("dockerd killed as compose starts", Fault("stack:own", find=UP, command=DOCKERD)),
    Point("dockerd killed in compose up", Fault("stack:own", find=UP, command=DOCKERD, delay=0.7)),
    Point("dockerd stopped in compose up", Fault("stack:own", find=UP, command=STOPPED, delay=0.5)),
    Point("power cut before compose up", Fault("stack:own", find=UP, command=HOLD), reboot=True),
    Point("power cut in compose up", Fault("stack:own", find=UP, command=HOLD, delay=0.6), reboot=True),
    Point("power cut before the new state", Fault("stack:own", find="rename .*/state.json", command=HOLD), reboot=True),
    Point("rollback killed in compose up", Fault("stack:own:rolled_back", find=UP), playbook="rollback.yml", back=True),
    *spread("networks", 2, topics=("zone",), to=B),
    *spread("networks", 1, topics=("zone",), to=A),
    *spread("docker_daemon", 2, topics=("engine",)),
    Point("docker_daemon killed in the restart", Fault("docker_daemon", find="restart", delay=0.3), topics=("engine",)),
    # by what it does: how many steps there are depends on how many generations there were
    *(
        Point(f"removal killed {where}", Fault("stack:dashboard:absent", find=find), topics=("dashboard",), to=A)
        for where, find in {
            "before its containers go": "docker DELETE /containers/",
            "before its notes go": "remove .*/receipts/stack--dashboard.json",
            "among its generations": "rmdir files",
            "before its folder goes": "rmdir .*/stacks/dashboard$",
        }.items()
    ),
    *spread("stack:dashboard", 2, topics=("dashboard",), to=B),
]
FEW = [
    "stack:own killed in compose up",
    "controller killed while services are done",
    "dockerd killed in compose up",
    "power cut in compose up",
]


def identity(point: Point) -> str:
    topics = "".join(f" ({topic} {point.to})" for topic in point.topics)
    return point.name + topics


@pytest.fixture(scope="module")
def listings() -> dict[tuple[Any, ...], dict[str, list[str]]]:
    """The steps of every module in a run of a kind, from one that only listed them."""
    return {}


def listing(point: Point, world: World, known: dict[tuple[Any, ...], dict[str, list[str]]]) -> list[str]:
    """The steps of the point's module, printed once."""
    key = (point.topics, point.to, point.rotate)
    if key not in known:
        to = world.prepare(point.to, *point.topics)
        run = labtest.site(**wanted(point, to), **faults.arm(None))
        assert run.code == 0, run.output
        known[key] = faults.steps()
        world.letter = to
        world.remember(survey())
        for at, steps in known[key].items():
            print(f"{at}: {len(steps)} steps", *steps, sep="\n  ")
    assert point.fault
    return known[key][point.fault.at]


def wanted(point: Point, to: str) -> dict[str, Any]:
    """Variables of the run that is interrupted."""
    rotate = {"secrets_rotate": ["hello/token"]} if point.rotate else {}
    return {**wish(to, *point.topics), **rotate}


def interrupt(point: Point, to: str, fault: Fault | None) -> labtest.Run:
    """The run, and what befalls it."""
    variables = {"stack": "own"} if point.playbook == "rollback.yml" else wanted(point, to)
    environment = {}
    if fault:
        variables.update(faults.arm(fault))
    else:
        environment["KRONOS_KILL"] = json.dumps({"task": point.task, "delay": point.delay, "signal": int(point.signal)})
    started = labtest.start(point.playbook, variables=variables, environment=environment)
    if point.reboot:
        labtest.until(faults.struck, 120, "the run has come that far")
        time.sleep(fault.delay if fault else 0)
        labtest.reboot()
    run = started.finish()
    if fault:
        assert faults.struck(), f"it never came that far: {run.output}"
        print(f"{point.name}: {faults.struck()}")
        if fault.command == faults.KILL:
            held = inside("cat /run/kronos/lease.json", check=False)
            assert "No such file" in held, f"the run itself goes on, and gives the lease back: {held}"
    else:
        assert run.code == -9 if point.signal == signal.SIGKILL else run.code > 0, run.output
    return run


@pytest.mark.parametrize("point", labtest.rows(POINTS, FEW, identity), ids=identity)
def test_one_plain_run_later_all_is_well(
    world: World, listings: dict[tuple[Any, ...], dict[str, list[str]]], point: Point
) -> None:
    fault = point.fault
    if fault and point.part:
        steps = listing(point, world, listings)
        fault = replace(fault, step=1 + int(point.part * len(steps)))
    to = world.prepare(point.to, *point.topics)
    world.letter = ""
    interrupt(point, to, fault)
    world.go(other(to) if point.back else to, *point.topics)
    world.check(rotated=point.rotate)
    world.quiet()


def test_the_files_module_at_every_step(world: World) -> None:
    """On its own, so quick that each of its steps has its turn (in the small table, every fourth)."""
    folder = f"{faults.FOLDER}/made"
    old, new = ("\n".join([word] * 1000) for word in ("old", "new"))

    def options(text: str) -> dict[str, Any]:
        paths = [f"{folder}/{name}" for name in ("one.yml", "deep/two.yml")]
        return {"name": "made", "files": [{"path": path, "content": text, "mode": "0640"} for path in paths]}

    def contents() -> list[str]:
        return [inside(f"cat {folder}/{name}") for name in ("one.yml", "deep/two.yml")]

    assert alone("files", **options(old)).returncode == 0
    faults.arm(None)
    assert alone("files", python=faults.PYTHON, **options(new)).returncode == 0
    steps = faults.steps()["files:made"]
    print(*steps, sep="\n")
    for number in range(1, len(steps) + 1, 1 if labtest.FULL else 4):
        faults.arm(Fault("files:made", number))
        killed = alone("files", python=faults.PYTHON, **options(old))
        assert faults.struck(), killed.stdout
        assert killed.returncode != 0
        assert set(contents()) <= {old, new}, faults.struck()
        assert alone("files", **options(old)).returncode == 0
        assert contents() == [old, old]
        assert inside(f"find {folder} -name '.*.kronos-*'") == ""
        old, new = new, old
    inside(f"rm -rf {folder} /var/lib/kronos/receipts/files--made.json")


@pytest.mark.skipif(not labtest.FULL, reason="the long table is what leaves generations of every kind")
def test_the_way_back_is_open(world: World) -> None:
    """The generations that interrupted runs left are whole: the one before can be put back, and is another one."""
    world.go(other(world.letter))
    back = labtest.play("rollback.yml", variables={"stack": "own"})
    assert back.code == 0, back.output
    assert survey()["containers"]["hello"]["environment"]["WISH"] == other(world.letter)
    world.go(world.letter)
    world.check()


def test_no_container_ever_saw_half_a_file(world: World) -> None:
    world.check()
    seen = world.seen()
    configurations = [one for one in seen if one["path"] == "traefik/files/traefik/dynamic/kronos.yml"]
    assert len(configurations) >= 2, "the watcher has not seen the changes"
    strange = [one for one in seen if (one["path"], one["sha256"]) not in world.rendered]
    assert strange == []
