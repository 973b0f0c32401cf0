# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import os
import shutil
import threading

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import lease
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, now=1000.0):
        self.now = now
        self.on_sleep = lambda: None

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.on_sleep()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def host(tmp_path, clock):
    return {"folder": str(tmp_path / "kronos"), "clock": clock}


def take(host, run, **more):
    return lease.take(run, f"owner of {run}", sleep=host["clock"].sleep, **host, **more)


def test_take_renew_release(host, clock):
    assert take(host, "one") == "taken"
    clock.now += 100
    assert take(host, "one") == "renewed"
    lease.renew("one", **host)
    assert lease.read(folder=host["folder"]) == {
        "id": "one",
        "owner": "owner of one",
        "taken": 1000.0,
        "renewed": 1100.0,
    }
    assert not lease.release("two", folder=host["folder"])
    assert lease.release("one", folder=host["folder"])
    assert not lease.release("one", folder=host["folder"])
    assert take(host, "two") == "taken"


def test_a_living_lease_of_another_is_waited_for_then_named(host, clock):
    take(host, "one")
    clock.now += 30
    with pytest.raises(lease.LeaseHeld, match=r"owner of one, begun 40 s ago, last sign of life 40 s ago") as failure:
        take(host, "two", wait=10)
    assert failure.value.holder["id"] == "one"
    assert clock.now == 1040
    with pytest.raises(lease.LeaseHeld):
        lease.renew("two", **host)


def test_one_that_is_given_back_in_time_is_taken(host, clock):
    take(host, "one")
    clock.on_sleep = lambda: clock.now > 1005 and lease.release("one", folder=host["folder"])
    assert take(host, "two", wait=60) == "taken"
    assert clock.now < 1010


@pytest.mark.parametrize(
    ("passes", "how"),
    [(599, None), (601, "taken over"), (-1, "taken over")],
    ids=["living", "stale", "before a reboot"],
)
def test_a_stale_lease_is_taken_over(host, clock, passes, how):
    take(host, "one")
    clock.now += passes
    if how:
        assert take(host, "two") == how
        with pytest.raises(lease.LeaseHeld):
            lease.renew("one", **host)
    else:
        with pytest.raises(lease.LeaseHeld):
            take(host, "two")


def test_a_run_known_to_be_dead_is_taken_over_at_once(host):
    take(host, "one")
    assert take(host, "two", gone="one") == "taken over"


@pytest.mark.parametrize("happens", ["reboot", "given back"])
def test_a_lease_that_nobody_took_since_is_taken_again(host, happens):
    take(host, "one")
    if happens == "reboot":
        shutil.rmtree(host["folder"])
    else:
        lease.release("one", folder=host["folder"])
    lease.renew("one", **host)
    assert lease.read(folder=host["folder"])["id"] == "one"


def test_a_run_that_slept_while_another_came_and_went_stops(host, clock):
    take(host, "one")
    clock.now += 700
    assert take(host, "two") == "taken over"
    lease.release("two", folder=host["folder"])
    with pytest.raises(lease.LeaseLost, match=r"no sign of life for more than 600 s, .* since: two. Nothing more is"):
        lease.renew("one", **host)
    assert lease.read(folder=host["folder"]) is None
    assert take(host, "one") == "taken", "from its beginning it may run"


def turn(host, run, **more):
    return lease.turn(run, folder=host["folder"], clock=host["clock"], sleep=host["clock"].sleep, **more)


def test_one_module_at_a_time(host, clock):
    with turn(host, "one"):
        with pytest.raises(KronosError, match=rf"^process {os.getpid()} of one still works .* within 20 s"):
            turn(host, "two", wait=20).__enter__()
        assert clock.now >= 1020
    with turn(host, ""):
        with pytest.raises(KronosError, match="of a task on its own still works"):
            turn(host, "two", wait=0).__enter__()
        clock.on_sleep = lambda: None
    with turn(host, "two"):
        pass


def test_a_module_at_work_keeps_the_lease_of_its_run_however_silent(host, clock):
    take(host, "one")
    clock.now += 700
    with turn(host, "one"):
        with pytest.raises(lease.LeaseHeld, match=rf"begun 700 s ago, its process {os.getpid()} is at work"):
            take(host, "two")
        assert lease.look("two", **host)["id"] == "one"
        assert take(host, "two", gone="one") == "taken over", "its turn is waited for, not its lease"
    take(host, "three", gone="two")
    clock.now += 700
    with turn(host, ""):
        assert take(host, "four") == "taken over", "who works is not of the silent run"


def test_a_program_that_a_module_starts_does_not_keep_its_turn(host):
    with turn(host, "one"):
        HostRunner()(["sh", "-c", "sleep 5 >/dev/null 2>&1 </dev/null & exec >&- 2>&-"])
    with turn(host, "two", wait=0):
        pass


def test_a_module_on_its_own_does_not_come_between_the_tasks_of_a_run(host, clock):
    lease.renew("", **host)
    take(host, "one")
    with pytest.raises(lease.LeaseHeld, match=r"owner of one, .* needs its option `run`$"):
        lease.renew("", **host)
    clock.now += 700
    lease.renew("", **host)
    assert lease.read(folder=host["folder"])["id"] == "one", "it takes nothing"


def test_a_module_on_its_own_takes_nothing(host, tmp_path):
    assert take(host, "") == ""
    lease.renew("", **host)
    assert not lease.release("", folder=host["folder"])
    assert list(tmp_path.iterdir()) == []


def test_looking_changes_nothing(host, tmp_path):
    assert lease.look("one", **host) is None
    assert list(tmp_path.iterdir()) == []
    take(host, "one")
    assert lease.look("one", **host) is None
    assert lease.look("two", **host)["owner"] == "owner of one"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": "x"}', '{"id": 1, "owner": "", "taken": "x", "renewed": 0}'])
def test_a_lease_that_makes_no_sense_blocks_nobody(host, text):
    take(host, "one")
    with open(f"{host['folder']}/lease.json", "w") as stream:
        stream.write(text)
    assert take(host, "two") == "taken"


def test_of_many_at_once_one_gets_it(tmp_path):
    won = []

    def run(name):
        with contextlib.suppress(lease.LeaseHeld):
            won.append(lease.take(name, folder=str(tmp_path)) and name)

    threads = [threading.Thread(target=run, args=(f"run {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert lease.read(folder=str(tmp_path))["id"] == won[0]
