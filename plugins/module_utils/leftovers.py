# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a writer that was killed leaves: hidden neighbours of the files that it was about to replace.

The next write of the same file sweeps its own; this is for the files that nobody is going to write again, because the
wish was taken back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, receipts

# our own folders, and those of the system that files of ours lie in
OURS = (
    "/etc/kronos",
    "/opt/kronos/stacks",
    "/usr/local/lib/kronos",
    receipts.RECEIPTS,
    "/run/kronos",
    "/run/kronos-progress",
)
SHARED = ("/etc/docker", "/etc/systemd/system", "/etc/apt/sources.list.d")
FILE = re.compile(r"\..+\.kronos-(\d+)")
# a version that was being kept (generations.py); a kept one is whole, so there is nothing to look for in it
FOLDER = re.compile(r"\.new-.+")
KEPT = "generations"


def sweep(ours: Iterable[str] = OURS, shared: Iterable[str] = SHARED) -> list[str]:
    """Remove them all; gives their paths.

    Only for the one whose turn it is (lease.turn). A writer that needs none, such as the timer that renews
    certificates, is known by its process, which its file's name tells.
    """
    found = [path for folder in ours for path in _below(folder)]
    found += [path for folder in shared for path in _in(folder)]
    for path in found:
        atomic.remove(path)
    return found


def _below(top: str) -> Iterator[str]:
    for folder, folders, names in os.walk(top):
        left = [name for name in folders if FOLDER.fullmatch(name)]
        yield from (os.path.join(folder, name) for name in left)
        folders[:] = [] if os.path.basename(folder) == KEPT else [name for name in folders if name not in left]
        yield from (os.path.join(folder, name) for name in names if _abandoned(name))


def _in(folder: str) -> Iterator[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return
    yield from (os.path.join(folder, name) for name in names if _abandoned(name))


def _abandoned(name: str) -> bool:
    writer = FILE.fullmatch(name)
    return writer is not None and not os.path.exists(f"/proc/{writer[1]}")
