# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No spelling of a path leads past the route that guards it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_dynamic import traefik_dynamic

HOST = {"fqdn": "shop.home.example", "names": ["shop.home.example", "b.example"]}


def refused(plans: Any, *routes: dict[str, Any]) -> dict[str, Any]:
    http = traefik_dynamic(plans.plan(routes=list(routes)))["http"]
    found = {name: router for name, router in http["routers"].items() if name.startswith("veiled.")}
    assert ("veiled" in http["middlewares"]) == bool(found)
    assert all(router["middlewares"] == ["security-headers", "veiled"] for router in found.values())
    return found


@pytest.mark.parametrize(
    ("other", "differ"),
    [
        ({}, False),
        ({"rate": {"average": 1, "period": "1s", "burst": None}}, False),
        ({"access": "vpn"}, True),
        ({"groups": ["family"]}, True),
        ({"users": ["anna"]}, True),
        ({"factor": "two"}, True),
        ({"basic_auth": ["anna"]}, True),
        ({"waf": {"paranoia": 1, "detect_only": False, "exclude_rules": [], "max_body": 1}}, True),
    ],
)
def test_where_routes_of_a_host_differ_in_who_may_come(other: dict[str, Any], differ: bool, plans: Any) -> None:
    routes = [plans.route("shop", **HOST), plans.route("admin", path="/admin", **{**HOST, **other})]
    assert set(refused(plans, *routes)) == ({"veiled.shop.home.example", "veiled.b.example"} if differ else set())


def test_another_host_is_left_alone(plans: Any) -> None:
    assert not refused(plans, plans.route("shop"), plans.route("admin", path="/admin", access="vpn"))


# As Traefik compares them: letters and digits are decoded, reserved characters are as they were sent.
@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/admin%2Fx", True),
        ("/x/..%2fadmin", True),
        ("/%2Fadmin", True),
        ("/admin;x", True),
        ("/x/..;/admin", True),
        ("/admin%3bx", True),
        ("/%40home", True),
        ("/admin%3Fx", True),
        ("/admin%23x", True),
        ("/admin/\nx", True),
        ("/\x7fx", True),
        ("/admin", False),
        ("/a%20b", False),
        ("/@home", False),
        ("/a%2Bb", False),
    ],
)
def test_paths(path: str, wanted: bool, plans: Any) -> None:
    routes = [plans.route("shop", **HOST), plans.route("admin", path="/@home", **{**HOST, "access": "vpn"})]
    router = refused(plans, *routes)["veiled.b.example"]
    host, _and, expression = router["rule"].partition(" && PathRegexp(`")
    assert (host, router["priority"]) == ("Host(`b.example`)", 10_000_000)
    assert bool(re.search(expression.removesuffix("`)"), path)) == wanted
