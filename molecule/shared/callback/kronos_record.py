# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what each task of a run returned to a file, so that tests compare runs by data and not by text."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: kronos_record
type: aggregate
short_description: Record results of tasks for tests
description:
  - Writes one JSON file per run into the folder named by the environment variable KRONOS_RECORD.
"""

KEEP = (
    "changed",
    "failed",
    "msg",
    "actions",
    "generation",
    "rows",
    "services",
    "notes",
    "drifted",
    "reasons",
    "notices",
    "installed",
    "settled",
    "added",
    "removed",
    "rotated",
    "restarted",
    "addresses",
)


class CallbackModule(CallbackBase):
    """Collects in memory, writes when the run has ended."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kronos_record"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[dict[str, Any]] = []
        self.playbook = ""

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Remember which playbook runs."""
        self.playbook = os.path.basename(playbook._file_name)

    def _add(self, result: Any, outcome: str) -> None:
        data = result.result if hasattr(result, "result") else result._result
        task = result.task if hasattr(result, "task") else result._task
        host = result.host if hasattr(result, "host") else result._host
        diffs = _diffs(data)
        entry = {
            "task": task.get_name(),
            "action": task.action,
            "host": host.get_name(),
            "outcome": outcome,
            "check": bool(task.check_mode),
            "files": sorted(one["after_header"] for one in diffs if "after_header" in one),
            "diff": diffs,
            **{key: data[key] for key in KEEP if key in data},
        }
        self.tasks.append(entry)

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task or loop went well."""
        self._add(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed."""
        self._add(result, "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host could not be reached."""
        self._add(result, "unreachable")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the record, numbered in the order of runs."""
        folder = os.environ.get("KRONOS_RECORD")
        if not folder:
            return
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{len(os.listdir(folder)):03}-{self.playbook}.json")
        with open(path, "w", encoding="utf-8") as stream:
            json.dump({"playbook": self.playbook, "tasks": self.tasks}, stream, indent=1, default=str)


def _diffs(data: Any) -> list[dict[str, Any]]:
    """Every difference that a task showed, in a loop those of all its items."""
    found = []
    for one in data.get("results") or [data]:
        diffs = (one.get("diff") if isinstance(one, dict) else None) or []
        found += diffs if isinstance(diffs, list) else [diffs]
    return found
