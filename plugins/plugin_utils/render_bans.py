# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host's program for bans is told: when, for how long, and whom never."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.cloudflare_ranges import cloudflare_ranges
from ansible_collections.kronos.homelab.plugins.plugin_utils.flows import vlan_ranges
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, RenderError

USUAL: Data = {"failures": 30, "within": "10m", "for": "1h"}
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def ban_rules(plan: Plan, said: Mapping[str, Any] | None = None) -> Data:
    """Return the program's configuration; home, VPN, zones, who manages the host, and Cloudflare are never banned,
    and SSH and the VPN stay open to those who are.

    *said*: failures, within and for, each with a default. Raises RenderError for anything else.
    """
    said = said or {}
    unknown = sorted(set(said) - set(USUAL))
    if unknown:
        raise RenderError(f"traefik_ban.{unknown[0]}: no such key; known are {', '.join(USUAL)}")
    rules = {**USUAL, **said}
    failures = rules["failures"]
    if isinstance(failures, bool) or not isinstance(failures, int) or not 2 <= failures <= 1000:
        raise RenderError(f"traefik_ban.failures: a number from 2 to 1000 is wanted, found {failures!r}")
    settings = plan["settings"]
    zones = [item for zone in plan["zones"].values() for item in vlan_ranges(zone)]
    never = [*settings["lan"], *settings["vpn"], *settings["ssh_sources"], *zones, *cloudflare_ranges(plan)]
    return {
        "container": settings["ingress"],
        "failures": failures,
        "within": _seconds("within", rules["within"]),
        "ban": _seconds("for", rules["for"]),
        "never": sorted(set(never)),
        "open": [{"protocol": "tcp", "port": settings["ssh_port"]}, *_tunnel(plan)],
    }


def _tunnel(plan: Plan) -> list[Data]:
    """The VPN's port: whoever knows a key comes in by it, also from an address that was banned."""
    return [{"protocol": "udp", "port": plan["vpn"]["port"]}] if plan.get("vpn") else []


def _seconds(key: str, text: Any) -> int:
    found = _DURATION.fullmatch(str(text))
    if not found:
        raise RenderError(f"traefik_ban.{key}: a duration such as 30s, 10m or 1h is wanted, found {text!r}")
    return int(found[1]) * _SECONDS[found[2]]
