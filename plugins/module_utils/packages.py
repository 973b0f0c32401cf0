# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages: what is installed, what is missing, and installing it with apt-get.

Only dpkg and apt-get are used, which every Debian has; Ansible's own apt module needs python3-apt even to look.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, advice
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran, Runner

NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")  # Debian policy 5.6.1
LISTS = "/var/lib/apt/lists"
QUERY = ["dpkg-query", "-W", "-f", r"${Package}\t${db:Status-Status}\t${Version}\t${Provides}\n"]
# needrestart (Ubuntu) and apt-listchanges would otherwise ask, or restart services behind our back.
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_SUSPEND": "1",
}
INTERRUPTED = "dpkg --configure -a"
# What apt says, and what to look at then.
ADVICE = [
    ("Temporary failure resolving|Could not resolve", "the host resolves no names: see its /etc/resolv.conf"),
    ("No space left on device|enough free space", "df -h /var /usr shows which file system is full"),
    ("Read-only file system", "dmesg may say why; then: mount -o remount,rw /"),
    ("Unable to locate package|no installation candidate", "is the distribution's own archive in /etc/apt?"),
    ("Could not connect|Connection timed out|Connection failed|Unable to connect", "the archive does not answer"),
]
LOCKED = "Unable to acquire the dpkg frontend lock"
LISTS_LOCKED = "Could not get lock /var/lib/apt/lists"


@dataclass(frozen=True)
class PackagesChange:
    """The packages to install, in the order they were named."""

    missing: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.missing)

    @property
    def diff(self) -> list[dict[str, str]]:
        """One line per package that comes."""
        if not self.missing:
            return []
        after = "".join(f"{name}\n" for name in self.missing)
        return [{"before_header": "packages", "after_header": "packages", "before": "", "after": after}]


def read_installed(run: Runner) -> dict[str, str]:
    """Name → version of every installed package; names that packages only provide have an empty version."""
    answer = run(QUERY)
    if answer.code:
        raise KronosError(f"dpkg-query does not answer: {_tail(answer)}")
    installed: dict[str, str] = {}
    provided: list[str] = []
    for line in answer.out.splitlines():
        name, status, version, provides = line.split("\t")
        if status == "installed":
            installed[name] = version
            provided += [word.split()[0].split(":")[0] for word in provides.split(",") if word.strip()]
    return {**dict.fromkeys(provided, ""), **installed}


def plan(names: Sequence[str], installed: Mapping[str, str]) -> PackagesChange:
    """The packages that have to come. Pure. Raises KronosError for what is no name of a package.

    ``a | b`` is satisfied by either; where neither is installed, the first comes.
    """
    wishes = [[name.strip() for name in wish.split("|")] for wish in dict.fromkeys(names)]
    wrong = [name for wish in wishes for name in wish if not NAME.fullmatch(name)]
    if wrong:
        raise KronosError(f"no name of a Debian package: {', '.join(map(repr, wrong))}")
    return PackagesChange(tuple(wish[0] for wish in wishes if not any(name in installed for name in wish)))


def present(names: Sequence[str], installed: Mapping[str, str]) -> list[str]:
    """The wanted packages that are installed themselves, for the receipt: of ``a | b`` the first that is."""
    wishes = [[name.strip() for name in wish.split("|")] for wish in names]
    found = (next((name for name in wish if installed.get(name)), "") for wish in wishes)
    return [name for name in found if name]


def apply(
    change: PackagesChange,
    run: Runner,
    *,
    cache_valid_time: int,
    lock_timeout: int,
    lists: str = LISTS,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Install what is missing; returns warnings.

    Package lists are fetched first when they are older than *cache_valid_time* seconds, or when installing fails
    without that. Waits up to *lock_timeout* seconds for another apt or dpkg, and finishes what a killed dpkg left
    half-done.
    """
    if not change.missing:
        return []
    apt = _Apt(run, lock_timeout, now, sleep)
    warnings = []
    fresh = lists_age(lists, now()) > cache_valid_time
    if fresh:
        warnings += apt.update()
    answer = apt.install(change.missing)
    if answer.code and not fresh and LOCKED not in answer.err:
        warnings += apt.update()
        answer = apt.install(change.missing)
    if answer.code:
        reasons = "; ".join([_reason(answer), *warnings])
        raise KronosError(f"apt-get could not install {', '.join(change.missing)}: {reasons}{advice(reasons, ADVICE)}")
    return warnings


def lists_age(lists: str, now: float) -> float:
    """Seconds since the package lists were fetched; endless where there are none."""
    try:
        entries = [os.path.join(lists, name) for name in os.listdir(lists) if name.endswith(("_InRelease", "_Release"))]
        times = [os.stat(path).st_mtime for path in entries]
        return now - max([os.stat(lists).st_mtime, *times]) if times else float("inf")
    except OSError:
        return float("inf")


class _Apt:
    """apt-get with the options and the patience that every call needs."""

    def __init__(self, run: Runner, patience: int, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._run = run
        self._patience = patience
        self._now = now
        self._sleep = sleep

    def update(self) -> list[str]:
        answer = self._call(["update"])
        return [f"apt-get update: {_reason(answer)}"] if answer.code else []

    def install(self, names: Iterable[str]) -> Ran:
        options = ["--no-install-recommends", "-o", "Dpkg::Options::=--force-confdef"]
        words = ["install", "--yes", *options, "-o", "Dpkg::Options::=--force-confold", "--", *names]
        answer = self._call(words)
        if answer.code and INTERRUPTED in answer.out + answer.err:
            self._run(["dpkg", "--configure", "-a", "--force-confdef", "--force-confold"], timeout=1800)
            answer = self._call(words)
        return answer

    def _call(self, words: Sequence[str]) -> Ran:
        """One call; dpkg's lock is waited for by apt itself, that of the lists (which it does not) here."""
        argv = ["apt-get", "-q", "-o", f"DPkg::Lock::Timeout={self._patience}", "-o", "Acquire::Retries=2", *words]
        deadline = self._now() + self._patience
        while True:
            answer = self._run(argv, timeout=1800)
            if LISTS_LOCKED not in answer.err or self._now() >= deadline:
                return answer
            self._sleep(3)


def _reason(answer: Ran) -> str:
    """Why apt failed: its own lines with E: where there are some, else the last it said."""
    errors = [line[2:].strip() for line in answer.err.splitlines() if line.startswith("E:")]
    return " | ".join(errors[:5]) or _tail(answer)


def _tail(answer: Ran, lines: int = 5) -> str:
    said = [line.strip() for line in (answer.out + "\n" + answer.err).splitlines() if line.strip()]
    return " | ".join(said[-lines:]) or f"exit code {answer.code}"
