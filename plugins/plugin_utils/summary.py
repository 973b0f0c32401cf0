# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows and notes of the table at the end of a run, and how each host came out of it: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.progress_note import duration
from ansible_collections.kronos.homelab.plugins.plugin_utils.table import render_table

COLUMNS = ("service", "url", "access", "health", "this run")
SETTLED = "Nothing differed from what the last run left."


def service_rows(plan: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return one row per service: name, its addresses, access, health and what this run did with it.

    results maps a stack's name to what the stack module returned; a stack without a result was not touched.
    """
    routes: dict[str, list[Mapping[str, Any]]] = {}
    for route in plan["routes"]:
        routes.setdefault(str(route["service"]), []).append(route)
    rows = []
    for stack in plan["stack_order"]:
        result = results.get(stack, {})
        for name in plan["stacks"].get(stack, {}).get("services", []):
            rows.append(_row(str(name), routes.get(name, []), result))
    for name in sorted(plan["external"]):
        rows.append(_row(str(name), routes.get(name, []), {}) | {"health": "external"})
    return rows


def _row(name: str, routes: list[Mapping[str, Any]], result: Mapping[str, Any]) -> dict[str, str]:
    action = result.get("actions", {}).get(name, {})
    done = str(action.get("action", "unchanged"))
    keys = ", ".join(str(key) for key in action.get("keys", []))
    return {
        "service": name,
        "url": " ".join(str(route["url"]) for route in routes) or "-",
        "access": " ".join(sorted({str(route["access"]) for route in routes})) or "-",
        "health": _health(name, done, result),
        "this run": f"{done} ({keys})" if keys and done != "unchanged" else done,
    }


def _health(name: str, done: str, result: Mapping[str, Any]) -> str:
    """What the run knows of a service's health: it proved what it changed, and looked at the neighbours of a change."""
    if name in (result.get("sick") or {}):
        return "sick"
    if result.get("service") == name:
        return "failed"
    return "as before" if done == "unchanged" else "healthy"


def host_lines(
    plan: Mapping[str, Any], check: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the remarks below the table: why the host was converged, cautions of the plan, sick neighbours."""
    lines = []
    if check and not check.get("drifted") and not any(result.get("changed") for result in results.values()):
        lines.append(SETTLED)
    elif check.get("reasons"):
        reasons = [str(reason) for reason in check["reasons"]]
        more = f" (and {len(reasons) - 5} more)" if len(reasons) > 5 else ""
        lines.append("Converged because: " + "; ".join(reasons[:5]) + more)
    lines.extend(f"Notice: {notice}" for notice in check.get("notices") or ())
    lines.extend(f"Caution: {caution}" for caution in plan.get("cautions", []))
    for stack in sorted(results):
        sick = results[stack].get("sick") or {}
        lines.extend(f"Sick, but not touched by this run: {name} {sick[name]}" for name in sorted(sick))
    return lines


def table_text(host: str, rows: Sequence[Mapping[str, str]], notes: Sequence[str], check: bool) -> str:
    """Return table and remarks of one host, below an empty line."""
    title = f"{host} (check mode: nothing was changed)" if check else host
    return "\n".join(["", title, render_table(COLUMNS, [[row[key] for key in COLUMNS] for row in rows]), *notes])


@dataclass(frozen=True)
class Ending:
    """How a host came out of a run: *trouble* is empty where all went well; *converged*: the run summed it up."""

    host: str
    changes: int = 0
    trouble: str = ""
    converged: bool = False

    def line(self, check: bool) -> str:
        """Return it in words."""
        count = f"{self.changes or 'no'} change{'' if self.changes == 1 else 's'}"
        if self.trouble:
            return f"{self.host}: {self.trouble}" + (f" ({count} before that)" if self.changes else "")
        if check:
            return f"{self.host}: {count} would be made"
        return f"{self.host}: {'converged, ' if self.converged else ''}{count}"


def closing_lines(endings: Sequence[Ending], seconds: float, check: bool) -> list[str]:
    """Return one line per host, and for several hosts one about all of them; the last has the elapsed time."""
    took = duration(seconds) if seconds >= 10 else f"{seconds:.1f} s"
    lines = [ending.line(check) for ending in endings]
    if len(endings) == 1:
        return [f"{lines[0]}, {took}"]
    bad = [ending.host for ending in endings if ending.trouble]
    names = f": {', '.join(bad)}" if bad else ""
    verdict = f"{len(bad)} of {len(endings)} hosts in trouble" if bad else f"{len(endings)} hosts are well"
    return [*lines, f"{verdict}, {took}{names}"]
