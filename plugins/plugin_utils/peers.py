# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other hosts of the inventory, as this host's plan shows them. None of them can break it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.planner import Peers, summary_of
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError

Data = dict[str, Any]


def gather_peers(hosts: Iterable[str], plan_of: Callable[[str], Data]) -> Peers:
    """Plan every other host by itself; one that cannot be planned becomes a caution."""
    entries: dict[str, Data] = {}
    services: dict[str, set[str] | None] = {}
    cautions: list[str] = []
    for host in sorted(hosts):
        services[host] = None
        try:
            plan = plan_of(host)
            entries[host] = summary_of(plan)
            services[host] = {*plan["services"], *plan["external"], *plan["disabled"]}
        except PlanError as error:
            count = len(error.problems)
            cautions.append(f"{host} is left out, its input has {count} problem(s), the first: {error.problems[0]}")
        except Exception as error:  # whatever is wrong there is no reason to fail here
            cautions.append(f"{host} is left out, its variables cannot be read: {error}")
    return Peers(entries, services, tuple(cautions))
