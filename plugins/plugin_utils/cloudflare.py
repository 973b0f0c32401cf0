# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan says of Cloudflare: which names have a record there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import SECRETS_VARIABLE
from ansible_collections.kronos.homelab.plugins.plugin_utils.vpn import endpoint_name

OWNER, TOKEN = "cloudflare", "token"  # below kronos_secrets


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
