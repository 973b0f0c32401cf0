# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at shares: the kernel's list of mounts, and a look that comes back also from a share that hangs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import share_look
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import (
    Look,
    Question,
    is_same,
    look_all,
    mount_at,
    read_mounts,
)

INFO = r"""
21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 21 0:50 / /mnt/media rw,relatime shared:2 - nfs4 nas:/media rw,vers=4.2,hard
31 21 0:51 / /mnt/my\040films rw - cifs //NAS/My\040Films rw,vers=3.1.1
32 21 254:1 /srv/a /mnt/a rw - ext4 /dev/vda1 rw
33 21 254:17 / /srv/disk rw - ext4 /dev/vdb1 rw
34 21 254:17 /films /mnt/films rw - ext4 /dev/vdb1 rw
35 21 0:60 / /mnt/later rw - autofs systemd-1 rw
36 21 0:61 / /mnt/hidden rw - tmpfs first rw
37 21 0:62 / /mnt/hidden rw - tmpfs second rw
nonsense
"""


@pytest.fixture
def mounts(tmp_path: Path) -> list[share_look.Mount]:
    path = tmp_path / "mountinfo"
    path.write_text(INFO.lstrip())
    return read_mounts(str(path))


def test_the_list_of_mounts(mounts: list[share_look.Mount]) -> None:
    found = mount_at("/mnt/my films", mounts)
    assert found is not None
    assert (found.source, found.kind, "vers=3.1.1" in found.options) == ("//NAS/My Films", "cifs", True)
    hidden = mount_at("/mnt/hidden", mounts)
    assert hidden is not None
    assert hidden.source == "second"
    assert mount_at("/mnt/later", mounts) is None
    assert mount_at("/mnt", mounts) is None
    assert len(mounts) == 9


SAME = [
    ("nfs", "nas:/media", "/mnt/media", True),
    ("nfs", "nas:/media/", "/mnt/media", True),
    ("nfs", "nas:/other", "/mnt/media", False),
    ("cifs", "//nas/My Films", "/mnt/my films", True),
    ("cifs", "//nas/media", "/mnt/media", False),
    ("bind", "/srv/a", "/mnt/a", True),
    ("bind", "/srv/b", "/mnt/a", False),
    ("bind", "/srv/disk/films", "/mnt/films", True),
    ("local", "/dev/vdb1", "/srv/disk", True),
    ("local", "/dev/vdc1", "/srv/disk", False),
    ("nfs", "nas:/media", "/mnt/nothing", False),
]


@pytest.mark.parametrize(("kind", "source", "path", "wanted"), SAME)
def test_what_is_mounted_is_the_share(
    mounts: list[share_look.Mount], kind: str, source: str, path: str, wanted: bool
) -> None:
    assert is_same(kind, source, path, mounts) is wanted


def test_a_look_tells_sizes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    look = look_all({"a": Question(str(tmp_path), write=True)})["a"]
    assert (look.error, look.writable, look.late) == ("", True, False)
    assert look.size >= look.free > 0
    assert list(tmp_path.iterdir()) == []


def test_what_a_look_may_miss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    gone = look_all({"a": Question(str(tmp_path), str(tmp_path / "films")), "b": Question(str(tmp_path / "no"))})
    assert gone["a"].error == f"there is no folder {tmp_path}/films"
    assert gone["b"].error == "no such file or directory"
    write = os.write
    monkeypatch.setattr(
        os, "write", lambda handle, data: full(handle, data) if data == b"kronos\n" else write(handle, data)
    )
    look = look_all({"a": Question(str(tmp_path), write=True)})["a"]
    assert (look.error, look.writable) == ("cannot be written to: no space left on device", False)
    assert list(tmp_path.iterdir()) == []


def test_a_share_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see = share_look.see
    monkeypatch.setattr(share_look, "see", lambda one: time.sleep(60) if one.path == "/hangs" else see(one))
    looks = look_all({"a": Question("/hangs"), "b": Question(str(tmp_path))}, patience=0.3)
    assert (looks["a"].late, looks["a"].error) == (True, "does not answer within 0.3 s")
    assert looks["b"].error == ""
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # nobody is left


LOW = [
    (Look(size=100, free=4), 5, "4 % of the space is free"),
    (Look(size=100, free=5), 5, ""),
    (Look(size=100, free=50, inodes=200, inodes_free=2), 5, "1 % of the inodes are free"),
    (Look(size=0), 5, ""),
    (Look(size=100, free=0), 0, ""),
]


@pytest.mark.parametrize(("look", "percent", "wanted"), LOW)
def test_what_is_nearly_used_up(look: Look, percent: int, wanted: str) -> None:
    assert look.low(percent) == wanted
