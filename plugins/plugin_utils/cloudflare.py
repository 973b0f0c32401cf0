# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan says of Cloudflare: whose addresses its proxies have, and which names have a record there."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from ansible_collections.kronos.homelab.plugins.plugin_utils.collection import collection_root
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Plan

RANGES = Path("roles", "cloudflare", "files", "ranges.json")


def cloudflare_ranges(plan: Plan) -> tuple[str, ...]:
    """Return the networks that Cloudflare's proxies come from: those of the inventory, else the collection's own."""
    return tuple(plan["settings"].get("cloudflare_ranges") or shipped_ranges())


@functools.lru_cache(maxsize=1)
def shipped_ranges() -> tuple[str, ...]:
    """Return the networks in use when this collection was released: https://www.cloudflare.com/ips/."""
    return tuple(json.loads((collection_root() / RANGES).read_text()))
