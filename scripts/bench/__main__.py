# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures whole runs on a lab host and writes docs/benchmarks.md. Prints ratios; a timing never fails anything."""

from __future__ import annotations

import json
import os
import resource
from datetime import date
from functools import partial
from typing import Any

from page import page, per_service, table
from synthetic import IMAGE, STACKS, records, usual_style
from world import HOST, ROOT, SCRATCH, Timing, lab, measure, over_ssh, peak_memory, play, playbook, remote

SITE = ROOT / "site.yml"
SIZES = (5, 20, 40)
MANY = 200
USUAL = 20
PROJECTS = f"for s in traefik {' '.join(STACKS)}; do cd /opt/kronos/stacks/$s && docker compose -p kronos-$s"
EMPTY = (
    "docker ps -aq | xargs -r docker rm -f >/dev/null; "
    "rm -rf /opt/kronos /var/lib/kronos/receipts; docker network prune -f >/dev/null"
)
# notes how much memory each Python process of a module held at its peak
NOTE_MEMORY = """mkdir -p /var/tmp/bench && cat > /var/tmp/bench/sitecustomize.py <<'EOF'
import atexit, os, resource
def note():
    with open(f"/var/tmp/bench/peak-{os.getpid()}", "w") as stream:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=stream)
atexit.register(note)
EOF
printf '#!/bin/sh\\nPYTHONPATH=/var/tmp/bench exec /usr/bin/python3 "$@"\\n' > /var/tmp/bench/python
chmod +x /var/tmp/bench/python; rm -f /var/tmp/bench/peak-*"""


def wish(count: int, **changes: Any) -> dict[str, Any]:
    """Return the extra variables for *count* synthetic services; *changes* are those of the last one."""
    return {"kronos_services_zz": records(count, **changes)}


def growth() -> tuple[list[Timing], dict[str, dict[int, float]]]:
    """Measure what grows with the services: nothing to do, by us and by bare compose."""
    rows: list[Timing] = []
    times: dict[str, dict[int, float]] = {"fast": {}, "full": {}, "compose": {}}
    for count in SIZES:
        play(SITE, variables=wish(count))
        named = f"with {count} synthetic services"
        settled = partial(play, SITE, variables=wish(count))
        every = partial(play, SITE, variables={**wish(count), "kronos_fast": False})
        fast = measure(f"site.yml, nothing to do, {named}", settled, 5)
        full = measure(f"the same with every role (kronos_fast: false), {named}", every, 2)
        bare = measure(f"bare docker compose up -d, {named}", lambda: over_ssh(f"{PROJECTS} up -d || exit 1; done"), 5)
        for kind, row in (("fast", fast), ("full", full), ("compose", bare)):
            times[kind][count] = row.seconds
            rows.append(row)
    check = wish(SIZES[-1])
    rows.append(measure("site.yml --check, nothing to do", lambda: play(SITE, "--check", variables=check)))
    return rows, times


def one_change() -> Timing:
    """Measure a change of one service among the most."""
    turns = iter(range(1000))
    return measure(
        f"site.yml, one service of {SIZES[-1]} changed",
        lambda: play(SITE, variables=wish(SIZES[-1], environment={"TURN": str(next(turns))})),
    )


def first_runs() -> list[Timing]:
    """Measure first runs on a host that has Docker and the images: ours, and bare compose with the same files."""

    def ours() -> Any:
        remote(EMPTY)
        return play(SITE, variables=wish(SIZES[-1]))

    def bare() -> float:
        remote(f"{PROJECTS} down || exit 1; done")
        return over_ssh(f"{PROJECTS} up -d --wait || exit 1; done")

    count = SIZES[-1]
    return [
        measure(f"first run of site.yml with {count} synthetic services, images present", ours, 2),
        measure("bare docker compose up -d --wait of the same files, images present", bare, 2),
    ]


def usual() -> list[Timing]:
    """Measure the usual style: four tasks per service."""
    mirror = json.loads((ROOT / ".lab/inventory.json").read_text())["_meta"]["hostvars"][HOST]["kronos_image_mirror"]
    path = playbook("usual", usual_style(USUAL, f"{mirror}/{IMAGE}"))
    first = measure(f"usual style, first run of {USUAL} services", lambda: play(path), 1)
    again = measure(f"usual style, nothing to do for {USUAL} services", lambda: play(path), 2)
    remote("docker ps -aq --filter name=^u0 | xargs -r docker rm -f >/dev/null")
    return [first, again]


def cpu(path: Any, variables: dict[str, Any] | None = None) -> float:
    """CPU seconds of the controller for one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    play(path, variables=variables)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def many() -> list[str]:
    """Measure what 200 services cost: CPU of the plan, memory of modules and controller (in check mode)."""
    head = {"hosts": "kronos", "gather_facts": False}
    nothing = playbook("nothing", [{**head, "tasks": [{"ansible.builtin.meta": "noop"}]}])
    plan = playbook("plan", [{**head, "tasks": [{"kronos.homelab.plan": None}]}])
    spent = min(cpu(plan, wish(MANY)) for _round in range(3)) - min(cpu(nothing, wish(MANY)) for _round in range(3))
    remote(NOTE_MEMORY)
    play(SITE, "--check", "-e", "ansible_python_interpreter=/var/tmp/bench/python", variables=wish(MANY))
    held = max(int(peak) for peak in remote("tail -qn 1 /var/tmp/bench/peak-* | xargs -n 1").split())
    return [
        f"{MANY} services: the plan takes {spent:.2f} s of CPU (loading of records and task included); in check mode "
        f"the largest module held {held / 1024:.0f} MiB on the host, the controller {peak_memory():.0f} MiB.",
    ]


def facts(ping: Timing, rows: list[Timing], times: dict[str, dict[int, float]], style: list[Timing]) -> list[str]:
    """Return the ratios that the numbers are about."""
    most = SIZES[-1]
    ours, bare = (row.seconds for row in rows if "images present" in row.title)
    return [
        f"Nothing to do, {most} synthetic services beside the catalogue's: {times['fast'][most] / ping.seconds:.1f} x "
        f"the ping playbook; every role: {times['full'][most] / ping.seconds:.1f} x.",
        f"Seconds per added service, nothing to do: {per_service(times['fast']):.3f} "
        f"(every role: {per_service(times['full']):.3f}; bare compose: {per_service(times['compose']):.3f}; "
        f"usual style: {(style[1].seconds - ping.seconds) / USUAL:.2f}).",
        f"First run, images present: {ours / bare:.2f} x bare docker compose up -d --wait.",
    ]


def main() -> None:
    """Make the host, measure, write the page, take the host away."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    (SCRATCH / "usual.conf.j2").write_text((ROOT / "scripts/bench/usual.conf.j2").read_text())
    pinging = playbook("ping", [{"hosts": "kronos", "gather_facts": False, "tasks": [{"ansible.builtin.ping": {}}]}])
    lab("up", "--fresh", "--host", HOST)
    try:
        few = wish(SIZES[0])
        rows = [measure("first run of site.yml on a machine without Docker", lambda: play(SITE, variables=few), 1)]
        ping = measure("playbook of one ping", lambda: play(pinging), 5)
        grown, times = growth()
        style = usual()
        rows += [ping, *grown, one_change(), *first_runs(), *style]
        told = [*facts(ping, rows, times, style), *many()]
    finally:
        lab("down", "--host", HOST)
    intro = (
        f"Written by `make bench` on {date.today()}, {os.cpu_count()} cores: a lab host with the inventory `lab`, "
        f"all roles, 11 services of its own and the synthetic ones in {len(STACKS)} stacks, over SSH."
    )
    (ROOT / "docs/benchmarks.md").write_text(page(intro, rows, ping.seconds, told))
    print(table(rows, ping.seconds), *told, sep="\n")


if __name__ == "__main__":
    main()
