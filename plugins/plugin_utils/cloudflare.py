# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan says of Cloudflare: whose addresses its proxies have, and which names have a record there."""

from __future__ import annotations

import functools
import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.collection import collection_root
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import SECRETS_VARIABLE
from ansible_collections.kronos.homelab.plugins.plugin_utils.vpn import endpoint_name

OWNER, TOKEN = "cloudflare", "token"  # below kronos_secrets
FEWEST, MOST = 3, 100
RANGES = Path("roles", "cloudflare", "files", "ranges.json")


def cloudflare_ranges(plan: Plan) -> tuple[str, ...]:
    """Return the networks that Cloudflare's proxies come from: those of the inventory, else the collection's own."""
    return tuple(plan["settings"].get("cloudflare_ranges") or shipped_ranges())


@functools.lru_cache(maxsize=1)
def shipped_ranges() -> tuple[str, ...]:
    """Return the networks in use when this collection was released: https://www.cloudflare.com/ips/."""
    return tuple(json.loads((collection_root() / RANGES).read_text()))


def cloudflare_entry(plan: Plan) -> Data | None:
    """Return the names that have a record at Cloudflare; None where that is not wanted.

    These are those of routes that strangers may ask for, of public streams, which Cloudflare's proxy does not carry,
    and that at which the VPN is reached, if it lies below the domain.
    """
    if not plan["settings"]["cloudflare"]:
        return None
    named: dict[str, bool] = {}
    for stream in plan.get("streams") or ():
        if stream["reach"] == "public":
            named.update(dict.fromkeys(stream.get("hosts") or (), False))
    vpn = endpoint_name(plan["vpn"])
    if vpn.endswith(f".{plan['settings']['domain']}"):
        named[vpn] = False
    for route in plan["routes"]:
        if route["access"] in ("public", "authenticated"):
            named.update(dict.fromkeys(route["names"], route["proxied"]))
    return {"records": [{"name": name, "proxied": proxied} for name, proxied in sorted(named.items())]}


def check_cloudflare(plan: Plan, given: Mapping[str, frozenset[str]], problems: Problems) -> None:
    """There is a token, and one name is proxied or not, but not both."""
    if not plan["settings"]["cloudflare"]:
        return
    if TOKEN not in given.get(OWNER, frozenset()):
        problems.say(SECRETS_VARIABLE, (OWNER, TOKEN), "nothing", "a token of Cloudflare, for kronos_cloudflare")
    proxied: dict[str, Mapping[str, Any]] = {}
    for route in plan["routes"]:
        for name in route["names"] if route["access"] in ("public", "authenticated") else ():
            other = proxied.setdefault(name, route)
            if other["proxied"] != route["proxied"]:
                found = f"the route {route['name']} of {name}, proxied otherwise than {other['name']}"
                problems.say("kronos_services", (route["service"], "routes"), found, "the same `proxied` for one name")
                break


def cloudflare_secrets(plan: Plan) -> list[Data]:
    """Return the token as the plan lists secrets: names, never a value."""
    if not plan["settings"]["cloudflare"]:
        return []
    return [{"service": OWNER, "name": TOKEN, "format": "given", "length": 0, "given": True}]


def published_ranges(answer: Any) -> list[str]:
    """Return the networks in an answer of https://api.cloudflare.com/client/v4/ips, if it can be believed.

    What stands here may say to the proxy who the client is, so nothing but public networks of a plausible size and
    number is taken.
    """
    result = answer.get("result") if isinstance(answer, Mapping) and answer.get("success") is True else None
    if not isinstance(result, Mapping):
        raise RenderError("answer: found no list of Cloudflare's networks")
    found: list[str] = []
    for key, widest in (("ipv4_cidrs", 10), ("ipv6_cidrs", 26)):
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
