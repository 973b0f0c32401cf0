# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the secrets role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.filter_edge import plan_filter
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_secrets import secret_packages


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"secret_packages": plan_filter(secret_packages)}
