# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops ansible-playbook at a task, as a crash of the controller would; for tests of what the next run finds."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: kronos_kill
type: aggregate
short_description: Kill or freeze ansible-playbook at a task
description:
  - Acts where the environment variable KRONOS_KILL holds a JSON object with C(task), the beginning of a task's
    name (with or without its role), C(delay), seconds after its start, and C(signal), SIGKILL by default.
  - Lists the tasks as they start, and when, in the file named by KRONOS_KILL_LIST, each as a JSON object.
"""


class CallbackModule(CallbackBase):
    """Looks at each task as it starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kronos_kill"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.wish = json.loads(os.environ.get("KRONOS_KILL") or "{}")
        self.list = os.environ.get("KRONOS_KILL_LIST", "")

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """The moment before a task is given to the hosts."""
        name = task.get_name()
        if self.list:
            with open(self.list, "a", encoding="utf-8") as stream:
                stream.write(json.dumps({"task": name, "at": time.monotonic()}) + "\n")
        at = self.wish.get("task")
        if not at or not (name.startswith(at) or name.rpartition(" : ")[2].startswith(at)):
            return
        self.wish["task"] = None  # once
        delay, number = float(self.wish.get("delay") or 0), int(self.wish.get("signal") or 9)
        if delay:
            script = f"sleep {delay}; kill -{number} {os.getpid()}"
            subprocess.Popen(["sh", "-c", script], start_new_session=True, stdout=subprocess.DEVNULL)
        else:
            os.kill(os.getpid(), number)
