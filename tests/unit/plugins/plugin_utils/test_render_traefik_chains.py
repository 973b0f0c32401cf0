# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One chain per access class."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_chains import (
    ACCESS_CLASSES,
    IDENTITY_HEADERS,
    ORIGIN_HEADERS,
    PASSED_ON_HEADERS,
    go_duration,
    middlewares,
)

LAN, VPN, NOBODY = ["192.0.2.0/24"], ["10.9.0.0/24"], ["127.0.0.1/32"]
GUARDS: dict[str, str | None] = {
    "public": None,
    "authenticated": "allow-lan",
    "lan": "allow-lan",
    "vpn": "allow-vpn",
}


@pytest.mark.parametrize("access", ACCESS_CLASSES)
def test_chain(access: str, plans: Any) -> None:
    links = middlewares(plans.plan())[f"chain-{access}"]["chain"]["middlewares"]
    guards = [link for link in links if link.startswith("allow-")]
    assert guards == ([GUARDS[access]] if GUARDS[access] else [])
    assert links[0] == "security-headers"
    assert {"strip-identity", "compress"} <= set(links)
    assert links[-1] == "retry", "what is before it must not be done again"
    assert set(links) <= set(middlewares(plans.plan()))


@pytest.mark.parametrize(
    ("lan", "vpn", "lan_gets", "vpn_gets"),
    [
        (LAN, VPN, LAN + VPN, VPN),
        (LAN, [], LAN, NOBODY),
        ([], VPN, VPN, VPN),
        ([], [], NOBODY, NOBODY),
    ],
)
def test_who_is_let_in(lan: list[str], vpn: list[str], lan_gets: Any, vpn_gets: Any, plans: Any) -> None:
    links = middlewares(plans.plan(settings={"lan": lan, "vpn": vpn}))
    assert links["allow-lan"] == {"ipAllowList": {"sourceRange": lan_gets}}
    assert links["allow-vpn"] == {"ipAllowList": {"sourceRange": vpn_gets}}


def test_nobody_poses_as_a_user(plans: Any) -> None:
    stripped = middlewares(plans.plan())["strip-identity"]["headers"]["customRequestHeaders"]
    assert set(stripped.values()) == {""}
    assert {"Remote-User", "Remote-Groups", "X-Forwarded-User", *IDENTITY_HEADERS, *ORIGIN_HEADERS} == set(stripped)
    behind = middlewares(plans.plan(settings={"web_from": "cloudflare"}))["strip-identity"]["headers"]
    assert set(behind["customRequestHeaders"]) == {*stripped, *PASSED_ON_HEADERS}


def test_what_a_route_says_stands_at_its_place_in_the_chain(plans: Any) -> None:
    route = plans.route(
        "app",
        path="/app",
        strip_path=True,
        rate={"average": 1, "period": "2m", "burst": None},
        max_body=5,
        request_headers={"X-A": "b"},
        response_headers={"X-C": ""},
    )
    found = middlewares(plans.plan(routes=[route], settings={"login": "authelia"}))
    assert found["route-app"]["chain"]["middlewares"] == [
        "security-headers",
        "allow-lan",
        "rate-app",
        "strip-identity",
        "body-app",
        "headers-app",
        "prefix-app",
        "compress",
        "retry",
    ]
    assert found["rate-app"]["rateLimit"]["period"] == "120000ms"
    assert found["rate-app"]["rateLimit"]["burst"] == 1
    assert found["body-app"]["buffering"]["maxRequestBodyBytes"] == 5
    assert found["prefix-app"] == {"stripPrefix": {"prefixes": ["/app"]}}
    assert found["headers-app"]["headers"] == {
        "customRequestHeaders": {"X-A": "b"},
        "customResponseHeaders": {"X-C": ""},
    }


def test_the_login_is_asked_after_the_rate_and_before_the_body_is_read(plans: Any) -> None:
    rate = {"average": 1, "period": "1s", "burst": None}
    route = plans.route("app", access="authenticated", rate=rate, max_body=5)
    links = middlewares(plans.plan(routes=[route], settings={"login": "authelia"}))["route-app"]["chain"]["middlewares"]
    order = [links.index(name) for name in ("rate-app", "strip-identity", "login", "body-app")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("said", "wanted"), [("1s", "1000ms"), ("1h30m", "5400000ms"), ("2d", "172800000ms"), ("5ms", "5ms")]
)
def test_durations_as_go_reads_them(said: str, wanted: str) -> None:
    assert go_duration(said) == wanted


def test_security_headers(plans: Any) -> None:
    headers = middlewares(plans.plan())["security-headers"]["headers"]
    assert headers["stsSeconds"] >= 15768000
    assert headers["contentTypeNosniff"] is True
    assert headers["customFrameOptionsValue"] == "SAMEORIGIN"
    assert headers["customResponseHeaders"] == {"Server": "", "X-Powered-By": ""}


def test_a_service_that_is_made_anew_is_waited_for_but_not_for_long(plans: Any) -> None:
    retry = middlewares(plans.plan())["retry"]["retry"]
    assert set(retry) == {"attempts", "initialInterval"}, "what cannot be repeated is not (Traefik's default)"
    assert 2 <= retry["attempts"] * int(retry["initialInterval"].removesuffix("ms")) / 1000 <= 5
