# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the firewall: its ruleset, and who reaches what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.exposure import exposure, exposure_table
from ansible_collections.kronos.homelab.plugins.plugin_utils.filter_edge import plan_filter
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_firewall import firewall_ruleset


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {
            "exposure": plan_filter(exposure),
            "exposure_table": plan_filter(exposure_table),
            "firewall_ruleset": plan_filter(firewall_ruleset),
        }
