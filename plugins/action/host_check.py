# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller half of host_check: it alone knows this machine's time, and that the run which holds a host died here."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.kronos.homelab.plugins.plugin_utils.run_id import has_ended

MODULE = "kronos.homelab.host_check"


class ActionModule(ActionBase):
    """Run the module; where another run holds the host, take over from a dead one or wait for a living one."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        super().run(tmp, task_vars)
        wish = dict(self._task.args)
        answer = self._ask({**wish, "lease_wait": 0}, task_vars)
        holder = str((answer.get("holder") or {}).get("id", ""))
        if not holder:
            return answer
        return self._ask({**wish, "ended_run": holder} if has_ended(holder) else wish, task_vars)

    def _ask(self, wish: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        asked = {**wish, "controller_time": time.time()}
        answer: dict[str, Any] = self._execute_module(module_name=MODULE, module_args=asked, task_vars=task_vars)
        return answer
