# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices: what is on one, and whether it may be mounted or, where nothing at all is on it, given a file system."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import Mount
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import Share
from ansible_collections.kronos.homelab.plugins.module_utils.storage_units import device_of

SWAPS = "/proc/swaps"
BLANK = 1 << 20  # file systems, partition tables, RAID and LVM all begin within this
NOT_FOUND = 2  # blkid(8): nothing recognised


@dataclass(frozen=True)
class Device:
    """What a device is and holds. ``holders``: what is built on it (partitions, LVM, RAID, encryption)."""

    path: str
    exists: bool = True
    block: bool = True
    kind: str = ""
    size: int = 0
    blank: bool = False
    mounted: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    swap: bool = False


@dataclass(frozen=True)
class Verdict:
    """What may be done: ``refusal`` says why nothing, ``absent`` that it is not there; ``make``: a file system."""

    refusal: str = ""
    absent: str = ""
    make: bool = False


def read_device(share: Share, mounts: Sequence[Mount], run: Runner, swaps: str = SWAPS) -> Device:
    """What is to be known of the device of a share."""
    link = device_of(share.source)
    path = os.path.realpath(link)
    if not os.path.exists(path):
        return Device(link, exists=False)
    if not stat.S_ISBLK(os.stat(path).st_mode):
        return Device(link, block=False)
    kind = _kind(path, run)
    size, holders = _listed(path, run)
    return Device(
        link,
        kind=kind,
        size=size,
        blank=not kind and not holders and _is_blank(path),
        mounted=tuple(one.point for one in mounts if os.path.realpath(one.source) == path),
        holders=holders,
        swap=path in _swaps(swaps),
    )


def judge(share: Share, device: Device, safe_mode: bool) -> Verdict:
    """What may be done with a device that is not mounted where it should be. Pure."""
    if not device.exists:
        return Verdict(absent=f"there is no device {device.path} (lsblk -o PATH,SIZE,FSTYPE,UUID,LABEL shows all)")
    if not device.block:
        return Verdict(refusal=f"{device.path} is no block device")
    if device.mounted:
        return Verdict(refusal=f"{device.path} is mounted at {', '.join(device.mounted)}: unmount it there first")
    if device.swap:
        return Verdict(refusal=f"{device.path} is used as swap")
    if device.kind:
        return _judge_content(share, device)
    if not share.make_filesystem:
        return Verdict(refusal=f"{device.path} has no file system; filesystem and make_filesystem: true would make one")
    if device.holders:
        return Verdict(refusal=f"{device.path} is in use by {', '.join(device.holders)}: no file system is made on it")
    if not device.blank:
        return Verdict(
            refusal=f"{device.path} is not empty: no file system is known there, but its first MiB is not blank, so no "
            f"other is made on it (blkdiscard or dd if=/dev/zero empties it for good)"
        )
    if safe_mode:
        would = f"would have made {share.filesystem} on {device.path} ({_size(device.size)}, empty)"
        return Verdict(refusal=f"storage_safe_mode: {would}; storage_safe_mode: false does it")
    return Verdict(make=True)


def _judge_content(share: Share, device: Device) -> Verdict:
    if share.filesystem and device.kind != share.filesystem:
        wish = f"not {share.filesystem}: nothing is made over it"
        return Verdict(refusal=f"{device.path} holds {device.kind}, {wish}")
    if device.kind in ("crypto_LUKS", "LVM2_member", "linux_raid_member", "swap", "a partition table"):
        return Verdict(refusal=f"{device.path} holds {device.kind}, which is no file system")
    return Verdict()


def make(share: Share, device: Device, run: Runner) -> None:
    """Make the file system, after a last look: what was empty when it was judged must still be."""
    path = os.path.realpath(device.path)
    if _kind(path, run) or not _is_blank(path):
        raise KronosError(f"{device.path} is not empty any more: no file system is made on it")
    done = run([f"mkfs.{share.filesystem}", path], timeout=3600)
    if done.code:
        said = " | ".join((done.err or done.out).strip().splitlines()[-3:])
        raise KronosError(f"mkfs.{share.filesystem} {device.path}: {said or f'exit code {done.code}'}")
    run(["udevadm", "settle", "--timeout=10"], timeout=20)


def _kind(path: str, run: Runner) -> str:
    """What low-level probing recognises: a file system's name, or what else; empty for nothing."""
    answer = run(["blkid", "--probe", "--output", "export", path], timeout=30)
    if answer.code == NOT_FOUND:
        return ""
    if answer.code:
        return f"something that blkid cannot tell ({(answer.err or answer.out).strip() or answer.code})"
    found = dict(line.split("=", 1) for line in answer.out.splitlines() if "=" in line)
    return found.get("TYPE") or ("a partition table" if "PTTYPE" in found else "something unknown")


def _listed(path: str, run: Runner) -> tuple[int, tuple[str, ...]]:
    """Size, and what is built on it."""
    answer = run(["lsblk", "--json", "--bytes", "--output", "PATH,SIZE,TYPE", path], timeout=30)
    try:
        (top,) = json.loads(answer.out)["blockdevices"]
    except (ValueError, KeyError, TypeError) as error:
        said = (answer.err or answer.out).strip() or f"exit code {answer.code}"
        raise KronosError(f"lsblk does not tell what {path} is: {said}") from error
    return int(top.get("size") or 0), tuple(f"{one['type']} {one['path']}" for one in top.get("children") or ())


def _is_blank(path: str) -> bool:
    with open(path, "rb") as stream:
        return not any(stream.read(BLANK))


def _swaps(path: str) -> set[str]:
    try:
        with open(path, encoding="utf-8") as stream:
            lines: Iterable[str] = stream.read().splitlines()[1:]
    except OSError:
        return set()
    return {os.path.realpath(line.split()[0]) for line in lines if line.strip()}


def _size(size: int) -> str:
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    power = next((each for each in range(len(units)) if size < 1024 ** (each + 1)), len(units) - 1)
    return f"{size / 1024**power:.0f} {units[power]}"
