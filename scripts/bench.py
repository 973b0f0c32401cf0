# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures whole runs on a lab host and writes docs/benchmarks.md. Prints ratios; a timing never fails anything."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOST = "bench"
LAB = [sys.executable, str(ROOT / "molecule/lab/lab.py")]
ROUNDS = 5


def play(playbook: str, *arguments: str) -> tuple[float, int]:
    """Run a playbook against the bench host; returns wall seconds and the number of tasks that ran."""
    command = ["ansible-playbook", "-i", str(ROOT / "inventories/lab"), "--limit", HOST, playbook, *arguments]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "KRONOS_LAB_HOSTS": HOST,
    }
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}")
    return seconds, len(re.findall(r"^TASK \[", done.stdout, re.MULTILINE))


def measure(title: str, playbook: str, *arguments: str, rounds: int = ROUNDS) -> tuple[str, float, int]:
    """Return title, median seconds and tasks of *rounds* runs."""
    runs = [play(playbook, *arguments) for _round in range(rounds)]
    print(f"  {title}: " + " ".join(f"{seconds:.2f}" for seconds, _tasks in runs), flush=True)
    return title, statistics.median(seconds for seconds, _tasks in runs), runs[0][1]


def main() -> None:
    """Make the host, measure, write the page, take the host away."""
    ping = ROOT / ".cache/ping.yml"
    ping.parent.mkdir(exist_ok=True)
    ping.write_text("- hosts: kronos\n  gather_facts: false\n  tasks: [{ansible.builtin.ping: {}}]\n")
    subprocess.run([*LAB, "up", "--fresh", "--host", HOST], check=True)
    try:
        rows = [
            measure("first run of site.yml on a machine without Docker", "site.yml", rounds=1),
            measure("playbook of one ping", str(ping)),
            measure("site.yml, nothing to do", "site.yml"),
            measure("site.yml, nothing to do, every role (kronos_fast: false)", "site.yml", "-e", "kronos_fast=false"),
            measure("site.yml --check, nothing to do", "site.yml", "--check"),
        ]
    finally:
        subprocess.run([*LAB, "down", "--host", HOST], check=True)
    base = rows[1][1]
    lines = [f"| {title} | {seconds:.2f} | {seconds / base:.1f} | {tasks} |" for title, seconds, tasks in rows]
    table = "\n".join(["| what | seconds (median) | times ping | tasks |", "| --- | --- | --- | --- |", *lines])
    cores = os.cpu_count()
    page = (
        "<!-- SPDX-License-Identifier: GPL-3.0-or-later -->\n# Benchmarks\n\n"
        f"Written by `make bench` on {date.today()}, {cores} cores, a lab host with the inventory `lab`.\n\n{table}\n"
    )
    (ROOT / "docs/benchmarks.md").write_text(page)
    print(table)


if __name__ == "__main__":
    main()
