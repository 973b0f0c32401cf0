# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes of a record: who may use them, sizes, and what the plan says of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_route import Route, as_bytes


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ("512", 512),
        ("512b", 512),
        ("10k", 10240),
        ("10kb", 10240),
        ("1.5g", 1610612736),
        ("13M", 13631488),
        ("0.5b", 1),
    ],
)
def test_size(size: str, wanted: int) -> None:
    assert as_bytes(size) == wanted


@pytest.mark.parametrize(
    ("access", "known_as", "groups"),
    [
        ("lan", "lan", None),
        ({"groups": ["family"]}, "authenticated", ["family"]),
        ({"factor": "two"}, "authenticated", []),
    ],
)
def test_access(access: Any, known_as: str, groups: list[str] | None) -> None:
    route = Route.model_validate({"host": "a", "access": access})
    assert route.access_class == known_as
    assert (route.rule.groups if route.rule else None) == groups


@pytest.mark.parametrize(
    ("waf", "paranoia"), [(False, None), (True, 1), ({}, 1), ({"paranoia": 3, "exclude_rules": [942100]}, 3)]
)
def test_firewall(waf: Any, paranoia: int | None) -> None:
    firewall = Route.model_validate({"host": "a", "access": "lan", "waf": waf}).firewall
    assert (firewall.paranoia if firewall else None) == paranoia


def test_what_the_plan_says(planning: Any) -> None:
    route = {
        "host": "a",
        "also": ["b", "c.example"],
        "port": 80,
        "access": "public",
        "max_body": "1m",
        "rate": {"average": 5},
    }
    plan = planning.plan(kronos_web_from="cloudflare", kronos_services={"a": {"image": "x/a:1", "routes": [route]}})
    found = plan["routes"][0]
    assert found["names"] == ["a.home.example", "b.home.example", "c.example"]
    assert (found["max_body"], found["rate"]) == (1048576, {"average": 5, "period": "1s", "burst": None})
    assert found["proxied"] is True


@pytest.mark.parametrize("path", ["/a//b", "/./a", "/a/..", "/a?b", "/a;b", "/a%2Fb"])
def test_a_path_that_no_request_has(path: str) -> None:
    """Its guard would never stand, and a wider route would answer in its place."""
    with pytest.raises(ValueError, match="a path without"):
        Route.model_validate({"host": "a", "access": "lan", "path": path})
