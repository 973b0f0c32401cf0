# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be done with a device: never a file system over anything, never without consent twice."""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import storage_device
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import Mount
from ansible_collections.kronos.homelab.plugins.module_utils.storage_device import Device, judge, make, read_device
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import Share

DISK = Share("disk", "local", "/dev/sdb1", "/mnt/disk", mounted=True)
EMPTY = Share("disk", "local", "/dev/sdb1", "/mnt/disk", mounted=True, filesystem="ext4", make_filesystem=True)
BLANK = Device("/dev/sdb1", blank=True, size=5 * 2**30)

VERDICTS: dict[str, tuple[Share, Device, bool, str]] = {
    "a file system": (DISK, Device("/dev/sdb1", kind="xfs"), True, ""),
    "the one that is wanted": (EMPTY, Device("/dev/sdb1", kind="ext4"), False, ""),
    "absent": (DISK, Device("/dev/sdb1", exists=False), True, "absent: there is no device /dev/sdb1"),
    "a file": (DISK, Device("/dev/sdb1", block=False), True, "no block device"),
    "mounted elsewhere": (DISK, Device("/dev/sdb1", kind="xfs", mounted=("/srv",)), False, "is mounted at /srv"),
    "swap": (EMPTY, Device("/dev/sdb1", swap=True, blank=True), False, "used as swap"),
    "another file system": (EMPTY, Device("/dev/sdb1", kind="xfs"), False, "holds xfs, not ext4: nothing is made"),
    "encrypted": (DISK, Device("/dev/sdb1", kind="crypto_LUKS"), False, "holds crypto_LUKS, which is no file system"),
    "partitions": (EMPTY, Device("/dev/sdb", kind="a partition table"), False, "holds a partition table, not ext4"),
    "no consent": (DISK, BLANK, False, "has no file system; filesystem and make_filesystem: true"),
    "holders": (EMPTY, Device("/dev/sdb1", holders=("lvm /dev/x",)), False, "in use by lvm /dev/x"),
    "not blank": (EMPTY, Device("/dev/sdb1"), False, "is not empty"),
    "safe mode": (EMPTY, BLANK, True, "storage_safe_mode: would have made ext4 on /dev/sdb1 (5 GiB, empty)"),
    "both consents": (EMPTY, BLANK, False, "make"),
}


@pytest.mark.parametrize(("share", "device", "safe", "wanted"), VERDICTS.values(), ids=VERDICTS.keys())
def test_verdicts(share: Share, device: Device, safe: bool, wanted: str) -> None:
    found = judge(share, device, safe)
    said = f"absent: {found.absent}" if found.absent else "make" if found.make else found.refusal
    assert wanted in said
    assert bool(wanted) is bool(said)


def test_a_file_system_is_made_on_nothing_but_an_empty_device_with_both_consents() -> None:
    kinds, flags = ("", "ext4", "xfs", "crypto_LUKS"), (False, True)
    points: list[tuple[str, ...]] = [(), ("/srv",), ("/mnt/disk",)]
    count = 0
    for kind, blank, swap, exists, block, mounted, holders, safe, share in itertools.product(
        kinds, flags, flags, flags, flags, points, [(), ("part /dev/sdb1",)], flags, (DISK, EMPTY)
    ):
        device = Device("/dev/sdb", exists, block, kind, 0, blank, mounted, holders, swap)
        if judge(share, device, safe).make:
            count += 1
            assert not any((kind, swap, holders, safe, mounted)), device
            assert all((blank, exists, block, share.make_filesystem)), device
    assert count == 1


class Host:
    """blkid, lsblk and mkfs, with what they say."""

    def __init__(self, blkid: Ran, lsblk: str = '{"blockdevices": [{"path": "/x", "size": 4096}]}') -> None:
        self.said = {"blkid": blkid, "lsblk": Ran(0, lsblk, ""), "mkfs.ext4": Ran(0, "", "")}
        self.asked: list[str] = []

    def __call__(self, argv: Any, stdin: str = "", timeout: float = 0) -> Ran:
        self.asked.append(argv[0])
        return self.said.get(argv[0], Ran(0, "", ""))


NOTHING = Ran(2, "", "")


@pytest.fixture
def disk(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A file that passes for a block device."""
    path = tmp_path / "disk"
    path.write_bytes(bytes(8192))
    monkeypatch.setattr(storage_device.stat, "S_ISBLK", lambda mode: True)
    return path


def on(path: Any, **said: Any) -> Share:
    usual: dict[str, Any] = {"filesystem": "ext4", "make_filesystem": True}
    return Share("disk", "local", str(path), "/mnt/disk", mounted=True, **{**usual, **said})


READ: dict[str, tuple[Ran, str, str, bool]] = {
    "nothing": (NOTHING, "", "", True),
    "a file system": (Ran(0, "DEVNAME=/x\nTYPE=xfs\n", ""), "", "xfs", False),
    "partitions": (Ran(0, "PTTYPE=gpt\n", ""), "", "a partition table", False),
    "what blkid does not know": (Ran(8, "", "ambivalent result"), "", "something that blkid cannot tell", False),
}


@pytest.mark.parametrize(("blkid", "_lsblk", "kind", "blank"), READ.values(), ids=READ.keys())
def test_reading(disk: Any, blkid: Ran, _lsblk: str, kind: str, blank: bool) -> None:
    device = read_device(on(disk), [], Host(blkid), "/nowhere")
    assert device.kind.startswith(kind)
    assert (device.blank, device.size, bool(device.kind)) == (blank, 4096, bool(kind))


def test_what_is_built_on_it_and_where_it_is_mounted(disk: Any, tmp_path: Any) -> None:
    swaps = tmp_path / "swaps"
    swaps.write_text(f"Filename Type Size Used Priority\n{disk} partition 1 0 -2\n")
    lsblk = '{"blockdevices": [{"path": "/x", "size": "9", "children": [{"type": "crypt", "path": "/dev/dm-0"}]}]}'
    mounts = [Mount("/srv", "/", str(disk), "ext4", "8:1")]
    device = read_device(on(disk), mounts, Host(NOTHING, lsblk), str(swaps))
    assert (device.holders, device.mounted, device.swap) == (("crypt /dev/dm-0",), ("/srv",), True)


def test_a_device_that_says_nothing_and_holds_something_is_not_blank(disk: Any) -> None:
    disk.write_bytes(bytes(4096) + b"x")
    assert not read_device(on(disk), [], Host(NOTHING), "/nowhere").blank
    assert not read_device(on(disk.parent / "none"), [], Host(NOTHING), "/nowhere").exists


def test_making_looks_once_more(disk: Any) -> None:
    host = Host(NOTHING)
    make(on(disk), Device(str(disk)), host)
    assert "mkfs.ext4" in host.asked
    for blkid, content in ((Ran(0, "TYPE=xfs\n", ""), bytes(9)), (NOTHING, b"data")):
        disk.write_bytes(content)
        host = Host(blkid)
        with pytest.raises(KronosError, match="not empty any more"):
            make(on(disk), Device(str(disk)), host)
        assert "mkfs.ext4" not in host.asked


def test_a_refusing_mkfs_is_one_line(disk: Any) -> None:
    host = Host(NOTHING)
    host.said["mkfs.ext4"] = Ran(1, "", "mke2fs 1.47\ndevice is busy\n")
    with pytest.raises(KronosError, match=r"^mkfs.ext4 .*: mke2fs 1.47 \| device is busy$"):
        make(on(disk), Device(str(disk)), host)
    assert os.path.exists(disk)
