# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease of a whole run on a host: two runs at once never mix.

``/run/kronos/lease.json`` holds ``{id, owner, taken, renewed}``; every module renews it. Times are seconds
since boot (they keep counting in sleep and ignore a clock that is set), and /run is empty after one.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

FOLDER = "/run/kronos"
STALE_AFTER = 600


class LeaseHeld(KronosError):
    """Another living run holds the host; ``holder`` is its lease, ``details`` what a module returns of it."""

    def __init__(self, holder: dict[str, Any], now: float) -> None:
        self.holder = holder
        self.details = {"holder": holder}
        begun, silent = now - holder["taken"], now - holder["renewed"]
        super().__init__(
            f"another run holds this host: {holder['owner'] or holder['id']}, begun {begun:.0f} s ago, last sign "
            f"of life {silent:.0f} s ago. Let it finish, or wait: without a sign of life it counts as dead after "
            f"{STALE_AFTER} s"
        )


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
    """A sign of life of *run*; raises LeaseHeld if another living run has the host.

    A lease that is gone (the host was rebooted within the run) is taken again.
    """
    take(run, folder=folder, clock=clock)


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
    holder = read(folder=folder)
    return holder if holder is not None and _blocks(holder, run, "", clock()) else None


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


def _take_now(run: str, owner: str, gone: str, folder: str, clock: Callable[[], float]) -> str:
    with _locked(folder):
        now = clock()  # not before: who had the lock until now has renewed later than we began to wait
        holder = read(folder=folder)
        if holder is not None and _blocks(holder, run, gone, now):
            raise LeaseHeld(holder, now)
        ours = holder if holder and holder["id"] == run else None
        lease = {
            "id": run,
            "owner": owner or (ours["owner"] if ours else run),
            "taken": ours["taken"] if ours else now,
            "renewed": now,
        }
        data = json.dumps(lease).encode()
        atomic.write_file(_path(folder), data, mode=0o600, uid=os.geteuid(), gid=os.getegid())
    if ours:
        return "renewed"
    return "taken over" if holder else "taken"


def _blocks(holder: dict[str, Any], run: str, gone: str, now: float) -> bool:
    if holder["id"] in (run, gone):
        return False
    silent: float = now - holder["renewed"]
    # A sign of life from the future is from before a reboot.
    return 0 <= silent <= STALE_AFTER


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
