# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for monitoring: Prometheus, its rules, Alertmanager and the blackbox exporter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.filter_edge import plan_filter
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_alertmanager import alertmanager_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_blackbox import blackbox_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_prometheus import prometheus_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_rules import (
    prometheus_reload_check,
    prometheus_rules,
)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {
            "alertmanager_config": plan_filter(alertmanager_config),
            "blackbox_config": plan_filter(blackbox_config),
            "prometheus_config": plan_filter(prometheus_config),
            "prometheus_reload_check": plan_filter(prometheus_reload_check),
            "prometheus_rules": plan_filter(prometheus_rules),
        }
