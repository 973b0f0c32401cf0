# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alertmanager: grouping, and which alerts make others superfluous.

https://prometheus.io/docs/alerting/0.28/configuration/
"""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan

SILENT = "nobody"


def alertmanager_config(plan: Plan) -> Data:
    """Return the configuration. Without a receiver in the settings, alerts are shown and sent to nobody."""
    return {
        "route": {
            "receiver": SILENT,
            "group_by": ["alertname", "host"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
        },
        "receivers": [{"name": SILENT}],
        "inhibit_rules": [
            _silences("HostDown", 'alertname!="HostDown"', ["host"]),
            _silences("ServiceDown", 'alertname="RouteDown"', ["host", "service"]),
        ],
    }


def _silences(alert: str, others: str, equal: list[str]) -> Data:
    return {"source_matchers": [f'alertname="{alert}"'], "target_matchers": [others], "equal": equal}
