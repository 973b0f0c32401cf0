# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock that the kernel takes from a process that dies, and from no other; the file says who has it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

PAUSE = 0.2


@contextmanager
def held(
    path: str,
    note: Mapping[str, Any],
    wait: float,
    refusal: Callable[[dict[str, Any]], str],
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[int]:
    """Hold the lock *path*; gives its file descriptor. *note* is written into it, beside our process.

    Waits for another holder up to *wait* seconds, then raises KronosError with what *refusal* says of its note.
    """
    atomic.ensure_dir(os.path.dirname(path), mode=0o700, uid=os.geteuid(), gid=os.getegid())
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = clock() + wait
        while not got(handle):
            if clock() >= deadline:
                raise KronosError(refusal(holder(handle)))
            sleep(PAUSE)
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({**note, "pid": os.getpid()}).encode(), 0)
        yield handle
    finally:
        os.close(handle)


def got(handle: int) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(handle: int) -> dict[str, Any]:
    """The note of who has or had the lock; empty where it cannot be understood."""
    try:
        found = json.loads(os.pread(handle, 4096, 0))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
