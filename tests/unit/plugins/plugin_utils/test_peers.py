# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other hosts cannot break this one's plan."""

from __future__ import annotations

from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.peers import gather_peers
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError, Problem

PLAN: dict[str, Any] = {
    "settings": {"address": "192.0.2.2", "domain": "home.example"},
    "routes": [{"fqdn": "a.home.example", "access": "lan", "service": "a"}],
    "scrapes": [],
    "published": [],
    "services": {"a": {}},
    "external": {"nas": {}},
    "disabled": ["b"],
}


def plan_of(host: str) -> dict[str, Any]:
    if host == "wrong":
        raise PlanError([Problem("v", "x", "1", "2"), Problem("v", "y", "1", "2")])
    if host == "gone":
        raise RuntimeError("no such host")
    return PLAN


def test_gather_peers() -> None:
    peers = gather_peers(["wrong", "good", "gone"], plan_of)
    assert set(peers.entries) == {"good"}
    assert peers.entries["good"]["routes"] == [{"fqdn": "a.home.example", "address": "192.0.2.2", "access": "lan"}]
    assert peers.services == {"good": {"a", "nas", "b"}, "gone": None, "wrong": None}
    assert peers.cautions == (
        "gone is left out, its variables cannot be read: no such host",
        "wrong is left out, its input has 2 problem(s), the first: v: x: found 1; wanted 2",
    )
