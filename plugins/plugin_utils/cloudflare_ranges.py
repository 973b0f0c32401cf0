# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose addresses Cloudflare's proxies have."""

from __future__ import annotations

import functools
import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.collection import collection_root
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Plan, RenderError

FEWEST, MOST = 3, 100
# The widest that Cloudflare publishes are a /13 and a /29. Whoever stands in one of them may say who a client is.
WIDEST = {4: 10, 6: 26}
RANGES = Path("roles", "cloudflare", "files", "ranges.json")


def cloudflare_ranges(plan: Plan) -> tuple[str, ...]:
    """Return the networks that Cloudflare's proxies come from: those of the inventory, else the collection's own."""
    return tuple(plan["settings"].get("cloudflare_ranges") or shipped_ranges())


@functools.lru_cache(maxsize=1)
def shipped_ranges() -> tuple[str, ...]:
    """Return the networks in use when this collection was released: https://www.cloudflare.com/ips/."""
    return tuple(json.loads((collection_root() / RANGES).read_text()))


def published_ranges(answer: Any) -> list[str]:
    """Return the networks in an answer of https://api.cloudflare.com/client/v4/ips, if it can be believed.

    What stands here may say to the proxy who the client is, so nothing but public networks of a plausible size and
    number is taken.
    """
    result = answer.get("result") if isinstance(answer, Mapping) and answer.get("success") is True else None
    if not isinstance(result, Mapping):
        raise RenderError("answer: found no list of Cloudflare's networks")
    found: list[str] = []
    for key, widest in (("ipv4_cidrs", WIDEST[4]), ("ipv6_cidrs", WIDEST[6])):
        listed = result.get(key)
        if not isinstance(listed, list) or not FEWEST <= len(listed) <= MOST:
            said = len(listed) if isinstance(listed, list) else "no list"
            raise RenderError(f"answer.{key}: {FEWEST} to {MOST} networks are wanted, found {said}")
        found += [_believable(item, f"answer.{key}[{index}]", widest) for index, item in enumerate(listed)]
    return found


def _believable(item: Any, where: str, widest: int) -> str:
    version = 4 if "ipv4" in where else 6
    try:
        network = ipaddress.ip_network(item) if isinstance(item, str) else None
    except ValueError:
        network = None
    if network is None or network.version != version or not network.is_global or network.prefixlen < widest:
        raise RenderError(f"{where}: a public IPv{version} network of /{widest} or smaller is wanted, found {item!r}")
    return str(network)
