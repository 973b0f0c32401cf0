# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No space left, and file systems that turned read-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import labtest
import ordeal
import pytest
from ordeal import Condition, inside

ROOM = ["no space is left", "0 MiB free", "df -h"]
LOCKED = ["read-only", "mount -o remount,rw"]


@contextmanager
def full(folder: str, left: int = 0) -> Iterator[None]:
    """Fill the file system of *folder*, but for *left* bytes."""
    inside(f"dd if=/dev/zero of={folder}/.ballast bs=4k 2>/dev/null; truncate -s -{left} {folder}/.ballast")
    try:
        yield
    finally:
        inside(f"rm {folder}/.ballast")


@contextmanager
def read_only(folder: str) -> Iterator[None]:
    inside(f"mount -o remount,bind,ro {folder}")
    try:
        yield
    finally:
        inside(f"mount -o remount,bind,rw {folder}")


TABLE = [
    *(Condition(f"full {one}", partial(full, one), [one, *ROOM, "Nothing was changed"]) for one in ordeal.OURS),
    *(Condition(f"ro {one}", partial(read_only, one), [one, *LOCKED, "Nothing was changed"]) for one in ordeal.OURS),
]
FEW = ["full /opt/kronos"]


@pytest.mark.parametrize("row", labtest.rows(TABLE, FEW, lambda row: row.name), ids=lambda row: row.name)
def test_a_place_that_cannot_be_written(row: Condition) -> None:
    ordeal.endure(row)
