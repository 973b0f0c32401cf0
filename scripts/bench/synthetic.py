# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that exist for the bench alone, as our records and in the usual style of one role per service."""

from __future__ import annotations

from typing import Any

IMAGE = "docker.io/kronos/echo:1.0"
STACKS = ("dashboard", "monitoring", "media", "own")


def records(count: int, **changes: Any) -> dict[str, dict[str, Any]]:
    """Return *count* records, spread over four stacks; *changes* are added to the last one."""
    found = {f"s{number:03}": _record(number) for number in range(count)}
    found[f"s{count - 1:03}"].update(changes)
    return found


def _record(number: int) -> dict[str, Any]:
    return {
        "summary": f"Synthetic service {number}",
        "stack": STACKS[number % len(STACKS)],
        "image": IMAGE,
        "user": {"uid": 1000, "gid": 1000, "how": "run"},
        "environment": {"NUMBER": str(number)},
        "volumes": [{"name": "data", "target": "/data"}],
        "routes": [{"host": f"s{number:03}", "port": 8080, "access": "lan"}],
        "health": {"http": {"port": 8080, "path": "/health", "expect": "status == 'ok'"}},
        "tile": {"group": "Bench"},
        "limits": {"memory": "128m"},
    }


def usual_style(count: int, image: str) -> list[dict[str, Any]]:
    """Return a playbook as peers write it: per service a block of two directories, a template and a container."""
    tasks = [task for number in range(count) for task in _usual_role(f"u{number:03}", image)]
    return [{"name": "The usual style", "hosts": "kronos", "gather_facts": False, "tasks": tasks}]


def _usual_role(name: str, image: str) -> list[dict[str, Any]]:
    base = f"/srv/usual/{name}"
    folders = [
        {"name": f"Make {folder}", "ansible.builtin.file": {"path": folder, "state": "directory", "mode": "0755"}}
        for folder in (f"{base}/config", f"{base}/data")
    ]
    template = {"src": "usual.conf.j2", "dest": f"{base}/config/app.conf", "mode": "0644"}
    container = {"name": name, "image": image, "mounts": [f"{base}/config:/config:ro", f"{base}/data:/data"]}
    return [
        *folders,
        {"name": f"Configure {name}", "ansible.builtin.template": template, "vars": {"service": name}},
        {"name": f"Run {name}", "bench_container": container},
    ]
