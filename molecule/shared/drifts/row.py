# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One drift: what is done by hand, how it must be told, what the run must do about it, and what must hold then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import labtest

STACKS = "/opt/kronos/stacks"
USER = {"uid": 1000, "gid": 1000, "how": "run"}
ECHO = {
    "image": "docker.io/kronos/echo:1.0",
    "user": USER,
    "health": {"http": {"port": 8080, "path": "/health", "expect": "status == 'ok'"}},
    "limits": {"memory": "64m"},
}
# Beside the lab's own services: a database with secrets in files, a service that needs it, and a job.
VARIABLES: dict[str, Any] = {
    "kronos_services_drift": {
        "vault": {
            **ECHO,
            "zone": "data",
            "secrets": {"password": {"format": "alphanumeric", "length": 24}, "token": {"format": "given"}},
            "environment": {"PASSWORD_FILE": {"secret": "password"}, "TOKEN_FILE": {"secret": "token"}},
            "read_only": True,
            "tmpfs": ["/tmp"],
        },
        "front": {**ECHO, "needs": ["vault"], "volumes": [{"name": "data", "target": "/data"}]},
        "migrate": {
            "image": ECHO["image"],
            "kind": "job",
            "user": USER,
            "entrypoint": ["python3", "-c", "print('migrated')"],
        },
    },
    "kronos_secrets": {"vault": {"token": "given-marker-4711"}},
}


@dataclass(frozen=True)
class Drift:
    """All commands are for a shell on the host, in a folder $D.

    ``reason``: part of a reason that the fast path gives; empty: it must not mind. ``notice``: part of one of its
    notices. ``actions``: service to action, with the keys that differ. ``shown``: headers of all other differences.
    ``healed`` must hold after the run (``before`` keeps in $D what it needs to know). ``fails``: what prediction and
    run both complain of; ``mended`` by hand then lets the next run heal. ``thorough``: the quiet run looks at
    everything. ``touches``: services that it has to do with beside those of ``actions``; ``alone``: with all.
    """

    name: str
    harm: str
    reason: str
    healed: str
    actions: dict[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    before: str = ""
    notice: str = ""
    fails: str = ""
    mended: str = ""
    after: str = ""
    thorough: bool = False
    touches: tuple[str, ...] = ()
    alone: bool = False


def site(*arguments: str, **variables: Any) -> labtest.Run:
    """Run site.yml for the host of this scenario."""
    return labtest.site(*arguments, **VARIABLES, **variables)


def happened(run: labtest.Run) -> list[dict[str, Any]]:
    """Everything that a run did, or said that it would: task by task, service by service, difference by difference."""
    found = []
    for task in run.tasks:
        actions = {name: one for name, one in (task.get("actions") or {}).items() if _is_done(one)}
        if task.get("changed") or actions or task["diff"]:
            found.append({"task": task["task"], "changed": task["changed"], "actions": actions, "diff": task["diff"]})
    return found


def actions(run: labtest.Run) -> dict[str, str]:
    """Service to what happened to it, with the keys that differ."""
    found = {}
    for task in run.tasks:
        for name, one in (task.get("actions") or {}).items():
            if task["action"] == "kronos.homelab.stack" and _is_done(one):
                found[name] = ": ".join([one["action"], *([", ".join(one["keys"])] if one["keys"] else [])])
    return found


def shown(run: labtest.Run) -> list[str]:
    """Headers of all differences but those of services."""
    return sorted({name for name in run.files if not name.startswith("service ")})


def reasons(run: labtest.Run) -> list[str]:
    """Why the fast path wants a whole run."""
    return list(_check(run)["reasons"])


def notices(run: labtest.Run) -> list[str]:
    """What the fast path tells beside."""
    return list(_check(run)["notices"])


def _check(run: labtest.Run) -> dict[str, Any]:
    found = [task for task in run.tasks if task["action"] == "kronos.homelab.host_check" and "reasons" in task]
    assert len(found) == 1, run.output
    return found[0]


def _is_done(action: Any) -> bool:
    return not isinstance(action, dict) or action != {"action": "unchanged", "keys": []}
