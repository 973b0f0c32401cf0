# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller half of verify: asks the host what runs there, then looks at it from outside."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.kronos.homelab.plugins.plugin_utils.plain import to_plain
from ansible_collections.kronos.homelab.plugins.plugin_utils.table import render_table
from ansible_collections.kronos.homelab.plugins.plugin_utils.verify_checks import (
    Row,
    container_rows,
    dns_checks,
    health_probes,
    port_checks,
    route_checks,
    waf_checks,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.verify_network import is_within, run_checks

display = Display()


class ActionModule(ActionBase):
    """Compare the plan with the real host; see the documentation of the module of the same name."""

    _VALID_ARGS = frozenset(("plan",))
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return rows (list of {kind, subject, ok, detail}); fails when one of them is not ok."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        plan = to_plain(self._task.args["plan"])
        info = self._execute_module(
            "kronos.homelab.verify_info", module_args={"probes": health_probes(plan)}, task_vars=variables
        )
        if info.get("failed"):
            return dict(info)
        rows = look(plan, info, int(variables.get("ansible_port") or 22))
        bad = [row for row in rows if not row.ok]
        text = render_table(
            ["", "check", "subject", "result"],
            [["ok" if row.ok else "FAILED", row.kind, row.subject, row.detail] for row in rows],
        )
        display.display(f"\n{plan['host']} ({plan['settings']['address']})\n{text}\n")
        result["rows"] = [
            {"kind": row.kind, "subject": row.subject, "ok": row.ok, "detail": row.detail} for row in rows
        ]
        result["changed"] = False
        if bad:
            result["failed"] = True
            named = "; ".join(f"{row.kind} {row.subject}: {row.detail}" for row in bad)
            result["msg"] = f"{len(bad)} of {len(rows)} checks failed: {named}"
        else:
            result["msg"] = f"all {len(rows)} checks passed"
        return result


def trusted_root(plan: dict[str, Any], info: dict[str, Any]) -> str:
    """Return the root that the proxy's certificates must come from; empty for the system's authorities."""
    tls = plan["settings"]["tls"]
    return str(info.get("root_certificate") or "") if tls["mode"] == "internal_ca" else str(tls["root_certificate"])


def look(plan: dict[str, Any], info: dict[str, Any], ssh_port: int) -> list[Row]:
    """Return all rows for one host."""
    settings = plan["settings"]
    url_port = "" if int(settings["https_port"]) == 443 else f":{settings['https_port']}"
    login_url = str((plan.get("login") or {}).get("url") or "")
    address = str(settings["address"])
    at_home = is_within(address, [*settings["lan"], *settings["vpn"]])
    checks = route_checks(plan) + waf_checks(plan) + dns_checks(plan, at_home)
    checks += port_checks(plan, info["listening_tcp"], ssh_port)
    seen = run_checks(checks, address, trusted_root(plan, info), url_port, login_url)
    return container_rows(plan, info["containers"], info["answers"]) + seen
