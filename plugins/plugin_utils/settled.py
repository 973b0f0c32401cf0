# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller half of modules whose calls need not be repeated on a host where everything of theirs stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.kronos.homelab.plugins.plugin_utils.plain import to_plain

# Set by the play while it holds the lease: what host_check returned as `settled`.
KNOWN = "kronos_settled"
# A fact of the host: the run in which something below the stacks changed. Ansible strips the prefix `ansible_`.
DISTURBED = "kronos_disturbed"
# Who asks, and what only the run that renews a secret says, make no other call of it.
PASSING = ("run", "asked", "awaited_secrets", "returning_secrets")


def call_digest(module: str, arguments: Mapping[str, Any], collection: str) -> str:
    """SHA-256 (hex) of what is asked of which module in which version of the collection. Pure."""
    asked = {key: value for key, value in arguments.items() if key not in PASSING}
    text = json.dumps([module, asked, collection], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def known_answer(call: str, known: Mapping[str, Any], facts: Mapping[str, Any], run: str) -> dict[str, Any] | None:
    """The result of a call that need not be made; None where it must be. Pure."""
    if call not in known or facts.get(DISTURBED) == run:
        return None
    return {"changed": False, "settled": True, **known[call]}


class SettledAction(NormalAction):  # type: ignore[misc]  # Ansible ships no types
    """Runs the module as ever, unless the host is known to be as it would leave it.

    ``BELOW``: what it changes may matter to every stack, so that all later tasks of the run look for themselves.
    ``SPARED``: whether there are calls of it that need not be made.
    """

    BELOW = True
    SPARED = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns, or the answer that is known."""
        variables = task_vars or {}
        plan = variables.get("kronos_plan") or {}
        run = str(self._task.args.get("run") or "")
        if not run or run != plan.get("run"):
            return self._work(task_vars)
        if self.SPARED and self._task.args.get("state", "present") == "present":
            call = call_digest(str(self._task.resolved_action), to_plain(self._task.args), str(plan.get("collection")))
            known = to_plain(self._templar.template(variables.get(KNOWN) or {}))
            answer = known_answer(call, known, variables.get("ansible_facts") or {}, run)
            if answer is not None:
                return answer
            self._task.args = {**self._task.args, "asked": call}
        result = self._work(task_vars)
        if result.get("changed") and self.BELOW:
            result["ansible_facts"] = {f"ansible_{DISTURBED}": run}
        return result

    def _work(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(None, task_vars)
        return result
