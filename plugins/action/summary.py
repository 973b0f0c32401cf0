# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows at the end of a run what the host offers now and what the run changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.kronos.homelab.plugins.plugin_utils import console
from ansible_collections.kronos.homelab.plugins.plugin_utils.plain import to_plain
from ansible_collections.kronos.homelab.plugins.plugin_utils.summary import host_lines, service_rows, table_text

display = Display()

STACK_KEYS = ("changed", "actions", "sick", "service")
CHECK_KEYS = ("drifted", "reasons", "notices")


def _part(result: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return what the table needs of a result; the rest, such as Ansible's own warnings, is no plain data."""
    return {key: to_plain(result[key]) for key in keys if key in result}


class ActionModule(ActionBase):
    """Print one table per host; see the documentation of the module of the same name."""

    _VALID_ARGS = frozenset(())
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return services (list of rows) and notes; never changes anything."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        plan = to_plain(variables["kronos_plan"])
        touched = [name for name in plan["stack_order"] if f"{name}_result" in variables]
        results = {name: _part(variables[f"{name}_result"], STACK_KEYS) for name in touched}
        rows = service_rows(plan, results)
        notes = host_lines(plan, _part(variables.get("kronos_check") or {}, CHECK_KEYS), results)
        if self._task.check_mode:
            rows = [{**row, "health": "-"} for row in rows]
        if console.current() is None:  # else the callback shows it, after everything else
            away = lost_hosts(variables)
            display.display(table_text(plan["host"], rows, [*notes, *away], self._task.check_mode))
        result.update(changed=False, services=rows, notes=notes)
        return result


def lost_hosts(variables: Mapping[str, Any]) -> list[str]:
    """Return a line for each host that this run has lost, told below the table of the first host that is left."""
    left = list(variables.get("ansible_play_hosts") or ())
    if variables.get("inventory_hostname") not in left[:1]:
        return []
    lost = [name for name in variables.get("ansible_play_hosts_all") or () if name not in left]
    return [f"{name}: not converged, it failed or could not be reached (the reason is told above)" for name in lost]
