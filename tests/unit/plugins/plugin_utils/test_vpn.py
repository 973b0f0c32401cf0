# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPN in the plan: devices, where they reach the host, what they reach, what the user is told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.exposure import exposure
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_firewall import firewall_ruleset
from ansible_collections.kronos.homelab.plugins.plugin_utils.vpn import endpoint_name

USUAL: dict[str, Any] = {
    "kronos_vpn": ["10.9.0.0/24"],
    "kronos_vpn_endpoint": "vpn.home.example",
    "kronos_users": {"ben": {"devices": ["phone"]}, "anna": {"devices": ["phone", "laptop"]}, "carl": {}},
}


def test_what_the_plan_says(planning: Any) -> None:
    assert planning.plan(**USUAL, kronos_vpn_forward=["192.0.2.0/24"])["vpn"] == {
        "interface": "wg-kronos",
        "address": "10.9.0.1/24",
        "port": 51820,
        "endpoint": "vpn.home.example:51820",
        "forward": ["192.0.2.0/24"],
        "dns": [],
        "allowed": ["10.9.0.0/24", "192.0.2.10/32", "192.0.2.0/24"],
        "devices": ["anna.laptop", "anna.phone", "ben.phone"],
    }


def test_without_devices_there_is_none(planning: Any) -> None:
    plan = planning.plan(**{**USUAL, "kronos_users": {"anna": {}}})
    assert plan["vpn"] is None
    assert "51820" not in firewall_ruleset(plan)
    assert "wg-kronos" not in firewall_ruleset(plan)


@pytest.mark.parametrize(
    ("endpoint", "whole", "name"),
    [
        ("vpn.home.example:443", "vpn.home.example:443", "vpn.home.example"),
        ("203.0.113.7", "203.0.113.7:51820", ""),
        ("[2001:db8::7]", "[2001:db8::7]:51820", ""),
        ("[2001:db8::7]:443", "[2001:db8::7]:443", ""),
        ("VPN.Home.example", "VPN.Home.example:51820", "vpn.home.example"),
    ],
)
def test_endpoints(planning: Any, endpoint: str, whole: str, name: str) -> None:
    vpn = planning.plan(**{**USUAL, "kronos_vpn_endpoint": endpoint})["vpn"]
    assert (vpn["endpoint"], endpoint_name(vpn)) == (whole, name)


def test_a_proxied_endpoint_is_cautioned(planning: Any) -> None:
    route = {"host": "vpn", "port": 80, "access": "public", "proxied": True}
    plan = planning.plan(**USUAL, kronos_services={"a": {"image": "x/a:1", "routes": [route]}})
    assert any("is proxied by Cloudflare for a, which carries no WireGuard" in each for each in plan["cautions"])
    route["proxied"] = False
    plan = planning.plan(**USUAL, kronos_services={"a": {"image": "x/a:1", "routes": [route]}})
    assert not any("WireGuard" in each for each in plan["cautions"])


def test_the_port_is_open_to_everybody_and_devices_go_no_further(planning: Any) -> None:
    plan = planning.plan(**USUAL, kronos_vpn_port=4500, kronos_vpn_forward=["192.0.2.0/24"])
    rows = [row for row in exposure(plan) if row["service"] == "wireguard"]
    assert {(row["source"], row["port"], row["protocol"], row["how"]) for row in rows} >= {
        ("internet", 4500, "udp", "open")
    }
    text = firewall_ruleset(plan)
    through = text.index('iifname "wg-kronos" oifname != "wg-kronos" ip daddr { 192.0.2.0/24 } accept')
    assert through < text.index('iifname "wg-kronos" goto refused')
    assert "oifname" not in firewall_ruleset(planning.plan(**USUAL)).partition('"wg-kronos"')[2].partition("\n")[0]
