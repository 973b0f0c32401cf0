# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for the home in the plan: mistakes in them before anything is touched, and names that nobody can answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.dns_model import Variables, check_circle, read_variables
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_dns import dns_records
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_pihole import SERVICE, own_addresses
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Selection
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Renderer


def read_dns(
    variables: Mapping[str, Any], selection: Selection, renderer: Renderer, problems: Problems
) -> Variables | None:
    """The variables pihole_*; None where no Pi-hole runs here, or one of them is wrong."""
    return read_variables(variables, renderer, problems) if SERVICE in selection.entries else None


def check_dns(plan: Plan, given: Variables | None, problems: Problems) -> None:
    """What can be told only beside the addresses of the plan."""
    if given is not None and SERVICE in plan["services"]:
        check_circle(given, own_addresses(plan), problems)


def dns_cautions(plan: Plan) -> list[str]:
    """Names for which Pi-hole has no address."""
    lost = dns_records(plan)["left_out"] if SERVICE in plan["services"] else []
    if not lost:
        return []
    return [f"Pi-hole has no address for {', '.join(lost)}: kronos_address of the host that serves them is a name"]
