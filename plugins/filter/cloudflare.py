# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for Cloudflare: its networks, as it publishes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.cloudflare_ranges import published_ranges
from ansible_collections.kronos.homelab.plugins.plugin_utils.filter_edge import data_filter


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"cloudflare_networks": data_filter(published_ranges)}
