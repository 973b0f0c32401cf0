# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the proxy: Traefik's configuration, the names in its certificate, and when clients are banned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.filter_edge import plan_filter
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_bans import ban_rules
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_tls import tls_names
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import traefik_static
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_chains import traefik_users
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_dynamic import (
    traefik_dynamic,
    traefik_reload_check,
)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {
            "ban_rules": plan_filter(ban_rules),
            "tls_names": plan_filter(tls_names),
            "traefik_dynamic": plan_filter(traefik_dynamic),
            "traefik_reload_check": plan_filter(traefik_reload_check),
            "traefik_static": plan_filter(traefik_static),
            "traefik_users": plan_filter(traefik_users),
        }
