# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease of a whole run on a host, and the turn of a module within it: two runs at once never mix.

``/run/kronos/lease.json`` holds ``{id, owner, taken, renewed}``; every module renews it. Times are seconds
since boot (they keep counting in sleep and ignore a clock that is set), and /run is empty after one. ``last-run``
names who took it last, so that a run which slept while another came and went knows that its time is over.

``work.lock`` is held by the module that works right now. The kernel takes it from one that dies, and from no other:
a run whose controller was killed may still have a module at work here, and nobody starts before it has ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, kernel_lock
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

FOLDER = "/run/kronos"
STALE_AFTER = 600
# A module that a killed run left behind ends by itself: it pulls, or waits for health, and may go back after that.
TURN_WAIT = 900


class LeaseHeld(KronosError):
    """Another living run holds the host; ``holder`` is its lease, ``details`` what a module returns of it."""

    def __init__(self, holder: dict[str, Any], now: float, worker: int = 0, hint: str = "") -> None:
        self.holder = holder
        self.details = {"holder": holder}
        begun, silent = now - holder["taken"], now - holder["renewed"]
        at_work = f"its process {worker} is at work on the host, " if worker else ""
        super().__init__(
            f"another run holds this host: {holder['owner'] or holder['id']}, begun {begun:.0f} s ago, {at_work}last "
            f"sign of life {silent:.0f} s ago. Let it finish, or wait: without a sign of life it counts as dead after "
            f"{STALE_AFTER} s{hint}"
        )


class LeaseLost(KronosError):
    """This run held the host, was silent for too long, and another one has been there since."""


def boot_clock() -> float:
    """Seconds since boot, time asleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def take(
    run: str,
    owner: str = "",
    wait: float = 0,
    *,
    gone: str = "",
    folder: str = "",
    clock: Callable[[], float] = boot_clock,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Take or renew the lease for *run*.

    Waits up to *wait* seconds for a living one of another run, then raises LeaseHeld.

    *gone* is the id of a run that the caller knows to have died. Returns ``renewed``, ``taken`` or ``taken
    over``. An empty *run* (a module used on its own) takes nothing and returns an empty string.
    """
    if not run:
        return ""
    deadline = clock() + wait
    while True:
        try:
            return _take_now(run, owner, gone, folder, clock)
        except LeaseHeld:
            if clock() >= deadline:
                raise
        sleep(min(1.0, max(0.05, deadline - clock())))


def renew(run: str, *, folder: str = "", clock: Callable[[], float] = boot_clock) -> None:
    """A sign of life of *run*; raises LeaseHeld if another living run has the host, LeaseLost if one has had it since.

    A lease that is gone otherwise (the host was rebooted within the run) is taken again. An empty *run*, a module
    used on its own, only must not come between the tasks of a living run.
    """
    if run:
        _take_now(run, "", "", folder, clock, anew=False)
        return
    found = _blocking("", "", folder, clock())
    if found:
        raise LeaseHeld(found[0], clock(), found[1], ". A task that is part of that run needs its option `run`")


@contextmanager
def turn(
    run: str,
    wait: float | None = None,
    *,
    folder: str = "",
    clock: Callable[[], float] = boot_clock,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Be the one module that works on the host.

    Another one may be at work, on its own or left by a run that was killed: waits for its end up to *wait* seconds
    (TURN_WAIT), then raises KronosError naming it.
    """
    wait = TURN_WAIT if wait is None else wait

    def refusal(worker: dict[str, Any]) -> str:
        whose = worker.get("run") or "a task on its own"
        return (
            f"process {worker.get('pid', '?')} of {whose} still works on this host and did not end within {wait:.0f} s"
        )

    path = os.path.join(folder or FOLDER, "work.lock")
    with kernel_lock.held(path, {"run": run}, wait, refusal, clock=clock, sleep=sleep):
        yield


def release(run: str, *, folder: str = "") -> bool:
    """Give the lease back; one of another run is left alone. Says whether it was ours."""
    if not run or read(folder=folder) is None:
        return False
    with _locked(folder):
        holder = read(folder=folder)
        if holder is None or holder["id"] != run:
            return False
        return atomic.remove(_path(folder))


def look(run: str, *, folder: str = "", clock: Callable[[], float] = boot_clock) -> dict[str, Any] | None:
    """The living lease of another run, None where the host is free for *run*.

    Changes nothing (for check mode).
    """
    found = _blocking(run, "", folder, clock())
    return found[0] if found else None


def read(*, folder: str = "") -> dict[str, Any] | None:
    """The lease as it stands; None where there is none or it cannot be understood."""
    try:
        with open(_path(folder), encoding="utf-8") as stream:
            lease = json.load(stream)
        return {
            "id": str(lease["id"]),
            "owner": str(lease["owner"]),
            "taken": float(lease["taken"]),
            "renewed": float(lease["renewed"]),
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _take_now(run: str, owner: str, gone: str, folder: str, clock: Callable[[], float], *, anew: bool = True) -> str:
    with _locked(folder):
        now = clock()  # not before: who had the lock until now has renewed later than we began to wait
        found = _blocking(run, gone, folder, now)
        if found:
            raise LeaseHeld(found[0], now, found[1])
        holder = read(folder=folder)
        ours = holder if holder and holder["id"] == run else None
        if not ours and not anew:
            _refuse_lost(run, folder)
        lease = {
            "id": run,
            "owner": owner or (ours["owner"] if ours else run),
            "taken": ours["taken"] if ours else now,
            "renewed": now,
        }
        if not ours:
            _write(folder, "last-run", run)
        _write(folder, "lease.json", json.dumps(lease))
    if ours:
        return "renewed"
    return "taken over" if holder else "taken"


def _refuse_lost(run: str, folder: str) -> None:
    try:
        with open(os.path.join(folder or FOLDER, "last-run"), encoding="utf-8") as stream:
            last = stream.read()
    except OSError:
        return  # rebooted
    if last != run:
        raise LeaseLost(
            f"this run gave no sign of life for more than {STALE_AFTER} s, and another one has worked on the host "
            f"since: {last}. Nothing more is changed; run again"
        )


def _blocking(run: str, gone: str, folder: str, now: float) -> tuple[dict[str, Any], int] | None:
    """The living lease of another run, and the process that works for it now (0: none)."""
    holder = read(folder=folder)
    if holder is None or holder["id"] in (run, gone):
        return None
    worker = _at_work(holder["id"], folder)
    silent: float = now - holder["renewed"]
    # A sign of life from the future is from before a reboot.
    return (holder, worker) if worker or 0 <= silent <= STALE_AFTER else None


def _at_work(run: str, folder: str) -> int:
    """The process of *run* whose turn it is; 0 where there is none."""
    try:
        handle = os.open(os.path.join(folder or FOLDER, "work.lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        if kernel_lock.got(handle):
            return 0
        worker = kernel_lock.holder(handle)
        return int(worker.get("pid") or 0) if worker.get("run") == run else 0
    finally:
        os.close(handle)


def _write(folder: str, name: str, text: str) -> None:
    path = os.path.join(folder or FOLDER, name)
    atomic.write_file(path, text.encode(), mode=0o600, uid=os.geteuid(), gid=os.getegid())


def _path(folder: str) -> str:
    return os.path.join(folder or FOLDER, "lease.json")


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    folder = folder or FOLDER
    atomic.ensure_dir(folder, mode=0o700, uid=os.geteuid(), gid=os.getegid())
    handle = os.open(os.path.join(folder, "lease.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
