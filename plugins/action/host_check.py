# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller half of host_check: it alone knows this machine's time, and that the run which holds a host died here.

It also keeps secrets here: of those that the inventory gives, the host gets marks.
"""

from __future__ import annotations

import os
import secrets
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.kronos.homelab.plugins.module_utils.secret_marks import marks
from ansible_collections.kronos.homelab.plugins.plugin_utils.plain import to_plain
from ansible_collections.kronos.homelab.plugins.plugin_utils.run_id import has_ended, run_id

MODULE = "kronos.homelab.host_check"
LEASE_WAIT = 60  # the module's own default
SLICE = 10


class ActionModule(ActionBase):
    """Run the module; where another run holds the host, take over from a dead one or wait for a living one."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        super().run(tmp, task_vars)
        wish = dict(self._task.args)
        if wish.get("given"):
            wish["salt"] = secrets.token_hex(16)
            wish["given"] = marks(to_plain(wish["given"]), wish["salt"])
        if wish.get("state") in ("held", "released") and not wish.get("run"):
            wish["run"] = run_id(os.getppid())
        rest = float(wish.get("lease_wait", LEASE_WAIT))
        answer, waited = self._ask({**wish, "lease_wait": 0}, task_vars), False
        while holder := answer.get("holder"):
            if has_ended(str(holder.get("id", ""))):
                return self._ask({**wish, "lease_wait": int(rest), "ended_run": holder["id"]}, task_vars)
            if rest <= 0:
                break
            if not waited:
                owner = holder.get("owner") or holder.get("id")
                where = (task_vars or {}).get("inventory_hostname", "")
                self._display.display(f"{where}: waiting up to {rest:.0f} s for another run to end: {owner}")
            # not all at once: it may die meanwhile, which only its silence would tell the host
            waited, slice_ = True, min(rest, SLICE)
            rest -= slice_
            answer = self._ask({**wish, "lease_wait": int(slice_)}, task_vars)
        return answer

    def _ask(self, wish: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        asked = {**wish, "controller_time": time.time()}
        answer: dict[str, Any] = self._execute_module(module_name=MODULE, module_args=asked, task_vars=task_vars)
        if "module_stderr" not in answer:
            return answer
        untouched = ". Nothing was changed" if wish.get("state", "checked") == "checked" else ""
        return {"failed": True, "msg": f"no task can be run on the host: {_reason(answer)}{untouched}"}


def _reason(answer: dict[str, Any]) -> str:
    """Why a host could not even start the module, in the words of who refused (sudo, Python)."""
    said = [line.strip() for line in str(answer["module_stderr"] or answer.get("module_stdout", "")).splitlines()]
    return " / ".join([line for line in said if line][-3:]).rstrip(".") or f"exit code {answer.get('rc')}, not a word"
