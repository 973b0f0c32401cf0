# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that the bench writes: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from world import Timing

HEAD = "<!-- SPDX-License-Identifier: GPL-3.0-or-later -->\n# Benchmarks\n\n"


def per_service(times: Mapping[int, float]) -> float:
    """Seconds that one more service costs: the slope between the smallest and the largest number of services."""
    least, most = min(times), max(times)
    return (times[most] - times[least]) / (most - least)


def table(rows: Sequence[Timing], base: float) -> str:
    """Return a Markdown table of the timings; *base* is what the ratio column divides by (the ping playbook)."""
    lines = ["| what | seconds (median) | times ping | tasks | rounds |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        tasks = str(row.tasks) if row.tasks else "-"
        lines.append(f"| {row.title} | {row.seconds:.2f} | {row.seconds / base:.1f} | {tasks} | {row.rounds} |")
    return "\n".join(lines)


def page(intro: str, rows: Sequence[Timing], base: float, facts: Sequence[str]) -> str:
    """Return the whole page: what was measured on what, the ratios that matter, and the table."""
    told = "\n".join(f"- {fact}" for fact in facts)
    return f"{HEAD}{intro}\n\n{told}\n\n{table(rows, base)}\n"
