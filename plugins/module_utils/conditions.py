# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host is in a state to be worked on, told before anything on it is changed.

A few system calls and one small file: looking costs a run nothing that could be measured.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner

# The oldest version of each distribution that the roles know how to work with.
OLDEST = {"debian": (12,), "ubuntu": (22, 4)}
WANTED = "Debian 12 or later, or Ubuntu 22.04 or later"
# sd_booted(3): this folder exists exactly where systemd is the init system.
SYSTEMD = "/run/systemd/system"
# Certificates, and what is signed with a time, are commonly allowed minutes of difference, but not more.
MOST_SKEW = 300.0
# Every file of ours together is far smaller; with less, a run would stop somewhere in the middle.
LEAST_BYTES = 16 * 2**20
LEAST_FILES = 256
PLACES = (
    "/etc/kronos",
    "/etc/docker",
    "/etc/systemd/system",
    "/opt/kronos/stacks",
    "/usr/local/lib/kronos",
    "/var/lib/docker",
    "/var/lib/kronos",
)
NOTHING = "Nothing was changed"


@dataclass(frozen=True)
class Machine:
    """Where to look; unit tests point elsewhere."""

    release: str = "/etc/os-release"
    systemd: str = SYSTEMD
    user: Callable[[], int] = os.geteuid
    now: Callable[[], float] = time.time
    statvfs: Callable[[str], os.statvfs_result] = os.statvfs


def refuse(run: Runner, controller_time: float, machine: Machine | None = None) -> None:
    """Raise KronosError with one line for a host on which no run can end well.

    *controller_time*: seconds since 1970 on the machine that Ansible runs on, 0 where it is not known.
    """
    machine = machine or Machine()
    now = machine.now()
    if machine.user() != 0:
        raise KronosError(f"the tasks do not run as root here: set `ansible_become: true`. {NOTHING}")
    _refuse_distribution(machine.release)
    if not os.path.isdir(machine.systemd):
        raise KronosError(f"systemd does not run here, and every timer and service of ours needs it. {NOTHING}")
    if controller_time and abs(now - controller_time) > MOST_SKEW:
        raise KronosError(_skew(now, controller_time, run))


def release(text: str) -> dict[str, str]:
    """The fields of os-release(5)."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def distribution(path: str = "") -> dict[str, str]:
    """The distribution of the host: ``{id, version, codename}``, empty where it has none (Debian's testing branch)."""
    found = _read_release(path or Machine.release)
    return {
        "id": found.get("ID", ""),
        "version": found.get("VERSION_ID", ""),
        "codename": found.get("VERSION_CODENAME", ""),
    }


def supported(found: Mapping[str, str]) -> bool:
    """Whether the roles know this distribution.

    The testing and unstable branches of Debian have no version: newer than any.
    """
    oldest = OLDEST.get(found.get("ID", ""))
    version = tuple(int(part) for part in re.findall(r"\d+", found.get("VERSION_ID", ""))[:2])
    return oldest is not None and (not version or version >= oldest)


def unusable(places: Iterable[str], machine: Machine | None = None) -> list[str]:
    """What is wrong with the file systems under *places*, one line each.

    A place that does not exist yet stands for the folder in which it would be made.
    """
    machine = machine or Machine()
    problems: dict[str, str] = {}
    for place in places:
        there = _existing(place)
        mounted = _mount_point(there)
        if mounted not in problems:
            problems[mounted] = _problem(there, mounted, machine.statvfs(there))
    return [problem for problem in problems.values() if problem]


def _read_release(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return release(stream.read())
    except OSError:
        return {}


def _refuse_distribution(path: str) -> None:
    found = _read_release(path)
    if not supported(found):
        name = found.get("PRETTY_NAME") or found.get("ID") or f"an unknown system (there is no {path})"
        raise KronosError(f"the host runs {name}; wanted: {WANTED}. {NOTHING}")


def _skew(now: float, controller_time: float, run: Runner) -> str:
    ahead = now - controller_time
    direction = "ahead of" if ahead > 0 else "behind"
    return (
        f"the clock of the host says {_moment(now)}, that of the machine on which Ansible runs "
        f"{_moment(controller_time)}: {_span(abs(ahead))} {direction} it, and certificates and logins allow for "
        f"{MOST_SKEW / 60:.0f} minutes. {_suspect(run)} {NOTHING}"
    )


def _suspect(run: Runner) -> str:
    """Which of the two clocks to look at first."""
    try:
        kept = run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], timeout=10).out.strip() == "yes"
    except KronosError:
        kept = False
    if kept:
        return "A time service keeps the host's right, so look at the other one first."
    return "No time service keeps the host's right, so look at that first: timedatectl set-ntp true."


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _span(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 60:.0f} minutes"


def _existing(path: str) -> str:
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def _mount_point(path: str) -> str:
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path


def _problem(place: str, mounted: str, found: os.statvfs_result) -> str:
    if found.f_flag & os.ST_RDONLY:
        return f"{place} is on a read-only file system (dmesg may say why; then: mount -o remount,rw {mounted})"
    free = found.f_bavail * found.f_frsize
    if free < LEAST_BYTES:
        return (
            f"no space is left for {place}: {free // 2**20} MiB free, wanted: {LEAST_BYTES // 2**20} MiB "
            f"(df -h {mounted} shows it)"
        )
    # File systems that make inodes as they go have no number of them.
    if found.f_files and found.f_favail < LEAST_FILES:
        return f"no space is left for {place}: no more than {found.f_favail} new files (df -i {mounted} shows it)"
    return ""
