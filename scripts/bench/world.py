# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench host: runs of ansible-playbook and of plain commands against it, timed."""

from __future__ import annotations

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOST = "bench"
LAB = [sys.executable, str(ROOT / "molecule/lab/lab.py")]
SCRATCH = ROOT / ".cache" / "bench"
ENVIRONMENT = {
    **os.environ,
    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_LIBRARY": str(ROOT / "scripts/bench/library"),
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "KRONOS_LAB_HOSTS": HOST,
}


@dataclass(frozen=True)
class Timing:
    """One thing measured: median wall seconds over the rounds, and how many tasks ran (0: no playbook)."""

    title: str
    seconds: float
    tasks: int = 0
    rounds: int = 1


@dataclass(frozen=True)
class Played:
    """One run of a playbook."""

    seconds: float
    tasks: int
    changed: int


def lab(*arguments: str) -> None:
    """Run a command of the lab."""
    subprocess.run([*LAB, *arguments], check=True)


def play(playbook: Path, *arguments: str, variables: Mapping[str, Any] | None = None) -> Played:
    """Run a playbook against the bench host; ends the bench with its output when it fails."""
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(ROOT / "inventories/lab"), "--limit", HOST]
    command += [str(playbook), *arguments]
    if variables:
        extra = SCRATCH / "extra.json"
        extra.write_text(json.dumps(variables))
        command += ["-e", f"@{extra}"]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}")
    recap = re.findall(r"changed=(\d+)", done.stdout)
    return Played(seconds, len(re.findall(r"^TASK \[", done.stdout, re.MULTILINE)), sum(map(int, recap)))


def playbook(name: str, content: Any) -> Path:
    """Write a playbook of the bench; returns its path."""
    path = SCRATCH / f"{name}.yml"
    path.write_text(json.dumps(content))
    return path


def remote(command: str) -> str:
    """Run a shell command on the bench host over SSH, as Ansible would reach it; returns what it printed."""
    state = json.loads((ROOT / ".lab/inventory.json").read_text())["_meta"]["hostvars"][HOST]
    options = [*state["ansible_ssh_common_args"].split(), "-i", state["ansible_ssh_private_key_file"]]
    ssh = ["ssh", *options, f"root@{state['ansible_host']}", command]
    done = subprocess.run(ssh, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def over_ssh(command: str) -> float:
    """Seconds that a command takes on the bench host, SSH included."""
    began = time.perf_counter()
    remote(command)
    return time.perf_counter() - began


def measure(title: str, once: Callable[[], Played | float], rounds: int = 3) -> Timing:
    """Measure *rounds* times, print each, return the median."""
    runs = [once() for _round in range(rounds)]
    seconds = [run if isinstance(run, float) else run.seconds for run in runs]
    tasks = runs[0].tasks if isinstance(runs[0], Played) else 0
    print(f"  {title}: " + " ".join(f"{one:.2f}" for one in seconds), flush=True)
    return Timing(title, statistics.median(seconds), tasks, rounds)


def peak_memory() -> float:
    """MiB that the largest process among those that this bench has run and waited for held at its peak."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
