# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for names: the records of the home, what Pi-hole is asked for, and the resolvers beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.filter_edge import plan_filter
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_dns import dns_records
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_resolvers import dnsdist_config, unbound_config


def pihole_wanted(plan: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
    """Return what the module pihole is asked for; it needs pydantic, which ansible-doc does without."""
    from ansible_collections.kronos.homelab.plugins.plugin_utils.render_pihole import pihole_wanted as render

    return render(plan, variables)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {
            "dns_records": plan_filter(dns_records),
            "dnsdist_config": plan_filter(dnsdist_config),
            "pihole_wanted": plan_filter(pihole_wanted),
            "unbound_config": plan_filter(unbound_config),
        }
