# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of one run of ansible-playbook: the same in all its tasks and for all its hosts."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
from pathlib import Path


def run_id(pid: int) -> str:
    """Return ``user@node:pid:start`` for the process that forks Ansible's workers.

    A task runs in a worker, whose parent is ansible-playbook itself. The start time tells apart two
    processes that got the same number one after the other; with it comes which boot of which machine it was in.
    """
    return f"{_user()}@{platform.node()}:{pid}:{_start(pid)}"


def has_ended(run: str) -> bool:
    """Whether the run of this id was one of this machine, since its last boot, and its process is gone.

    False where that cannot be known: then only its silence tells that it is dead.
    """
    who, _at, rest = run.rpartition("@")
    node, _colon, process = rest.partition(":")
    pid, _colon, start = process.partition(":")
    boot = start.rpartition(".")[2] if "." in start else ""
    if node != platform.node() or not who or not pid.isdigit() or not boot or boot != _boot():
        return False
    return _start(int(pid)) != start


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in some containers
        return str(os.getuid())


def _start(pid: int) -> str:
    try:
        # Field 22 of proc_pid_stat(5); the command in field 2 may hold spaces and brackets.
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return f"{stat.rpartition(')')[2].split()[19]}.{_boot()}"
    except (OSError, IndexError):
        pass
    try:  # no /proc, as on macOS
        asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return "".join(char for char in asked.stdout if char.isalnum()) or "0"
    except OSError:
        return "0"


def _boot() -> str:
    """A name for this boot of this machine, in this process namespace (containers count their processes anew)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        return f"{boot[:8]}{os.stat('/proc/self/ns/pid').st_ino:x}"
    except OSError:
        return ""
