# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of what verify looks at."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.verify_checks import (
    Check,
    container_row,
    container_rows,
    health_path,
    health_probes,
    judge_login,
    port_checks,
    route_checks,
    waf_checks,
)

SETTINGS = {
    "https_port": 443,
    "http_port": 80,
    "allowed_ports": [9000],
    "open_ports": [],
    "ssh_port": 22,
    "web_from": "anywhere",
    "login": "none",
}
ROUTE = {
    "name": "radarr",
    "service": "radarr",
    "fqdn": "radarr.home.example",
    "names": ["radarr.home.example"],
    "path": "/",
    "access": "lan",
    "upstream": "http://radarr:7878",
}


def plan(**changes: Any) -> dict[str, Any]:
    base = {"settings": SETTINGS, "routes": [ROUTE], "services": {}, "published": []}
    return {**base, **changes}


def test_a_password_of_the_proxys_own_is_a_guard(plans: Any) -> None:
    routes = [plans.route("a", access="public", basic_auth=["anna"]), plans.route("b", access="public")]
    found = {check.subject: check.guarded for check in route_checks(plans.plan(routes=routes)) if check.kind == "route"}
    assert found == {"a": True, "b": False}


def test_each_name_is_looked_at_once_and_each_route_too() -> None:
    second = {**ROUTE, "name": "radarr-api", "path": "/api", "access": "public"}
    assert route_checks(plan(routes=[ROUTE, second])) == [
        Check("certificate", "radarr.home.example", 443, "radarr.home.example"),
        Check("redirect", "radarr.home.example", 80, "radarr.home.example"),
        Check("route", "radarr", 443, "radarr.home.example", "/", True),
        Check("route", "radarr-api", 443, "radarr.home.example", "/api", False),
    ]


def test_every_firewall_that_refuses_is_asked() -> None:
    rule = {"paranoia": 1, "detect_only": False, "exclude_rules": [], "max_body": 1}
    routes = [
        {**ROUTE, "waf": rule},
        {**ROUTE, "name": "api", "path": "/api", "access": "public", "waf": rule},
        {**ROUTE, "name": "watched", "waf": {**rule, "detect_only": True}},
        {**ROUTE, "name": "plain", "waf": None},
    ]
    found = waf_checks(plan(routes=routes))
    assert [(one.kind, one.subject, one.fqdn, one.guarded) for one in found] == [
        ("waf", "radarr", "radarr.home.example", True),
        ("waf", "api", "radarr.home.example", False),
    ]
    assert [one.path.split("?")[0] for one in found] == ["/", "/api"]
    assert all("UNION+SELECT" in one.path for one in found)


@pytest.mark.parametrize(
    ("http", "prefix", "wanted"),
    [
        (None, "/", "/"),
        ({"port": 7878, "path": "/ping"}, "/", "/ping"),
        ({"port": 9999, "path": "/ping"}, "/", "/"),
        ({"port": 7878, "path": "/ping"}, "/api", "/api"),
    ],
)
def test_health_path_proves_the_routed_port_only(http: Any, prefix: str, wanted: str) -> None:
    assert health_path({"health": {"http": http}}, {**ROUTE, "path": prefix}) == wanted


def test_ports_declared_must_answer_and_all_others_must_not() -> None:
    published = [
        {"port": 443, "protocol": "tcp", "service": "traefik", "reach": "public"},
        {"port": 7000, "protocol": "tcp", "service": "game", "reach": "lan"},
        {"port": 53, "protocol": "udp", "service": "dns", "reach": "lan"},
    ]
    assert port_checks(plan(published=published), [22, 443, 53, 8888, 9000], 22) == [
        Check("open", "443/tcp traefik", 443),
        Check("open", "7000/tcp game", 7000, guarded=True),
        Check("closed", "53/tcp", 53),
        Check("closed", "8888/tcp", 8888),
    ]


@pytest.mark.parametrize(
    ("kind", "container", "ok"),
    [
        ("service", None, False),
        ("service", {"state": "running", "health": "healthy"}, True),
        ("service", {"state": "running", "health": None}, True),
        ("service", {"state": "running", "health": "unhealthy"}, False),
        ("service", {"state": "running", "health": "starting"}, False),
        ("service", {"state": "exited", "health": None, "exit_code": 0}, False),
        ("job", {"state": "exited", "health": None, "exit_code": 0}, True),
        ("job", {"state": "exited", "health": None, "exit_code": 1}, False),
        ("job", {"state": "running", "health": None, "exit_code": 0}, False),
    ],
)
def test_containers_are_judged(kind: str, container: Any, ok: bool) -> None:
    assert container_row({"name": "x", "kind": kind}, container).ok is ok


def test_every_service_of_the_plan_has_a_row() -> None:
    services = {"b": {"name": "b", "kind": "service"}, "a": {"name": "a", "kind": "service"}}
    rows = container_rows(plan(services=services), [{"service": "b", "state": "running", "health": ""}], {})
    assert [(row.subject, row.ok) for row in rows] == [("a", False), ("b", True)]


def test_a_running_container_must_also_answer_as_its_record_says() -> None:
    running = {"state": "running", "health": ""}
    service = {"name": "x", "kind": "service"}
    bad = container_row(service, running, {"answer": "HTTP 503", "wanted": "HTTP 2xx or 3xx"})
    assert (bad.ok, bad.detail) == (False, "running, but HTTP 503; wanted HTTP 2xx or 3xx")
    good = container_row(service, running, {"answer": "HTTP 200", "wanted": ""})
    assert (good.ok, good.detail) == (True, "running, healthy")


def test_services_with_an_http_health_check_are_asked() -> None:
    http = {"port": 80}
    services = {"a": {"health": {"http": http}}, "b": {"health": None}, "c": {"health": {"http": None}}}
    assert health_probes(plan(services=services)) == {"a": http}


def test_each_name_of_a_guarded_route_refuses_strangers() -> None:
    guarded = {**ROUTE, "access": "authenticated", "path": "/x", "names": ["radarr.home.example", "films.home.example"]}
    found = route_checks(plan(routes=[guarded], settings={**SETTINGS, "login": "authelia"}))
    assert [one for one in found if one.kind == "login"] == [
        Check("login", "radarr", 443, "radarr.home.example", "/x"),
        Check("login", "radarr (films.home.example)", 443, "films.home.example", "/x"),
    ]
    assert not [one for one in route_checks(plan(routes=[guarded])) if one.kind == "login"]
    assert not [one for one in route_checks(plan(settings={**SETTINGS, "login": "authelia"})) if one.kind == "login"]


def test_every_name_of_a_route_has_its_certificate() -> None:
    other = {**ROUTE, "name": "other", "names": ["films.home.example", "radarr.home.example"]}
    found = [(one.kind, one.fqdn) for one in route_checks(plan(routes=[ROUTE, other])) if one.kind != "route"]
    names = ["radarr.home.example", "films.home.example"]
    assert found == [(kind, name) for name in names for kind in ("certificate", "redirect")]


@pytest.mark.parametrize(
    ("status", "location", "ok"),
    [
        (302, "https://login.home.example/?rd=x", True),
        (303, "https://login.home.example", True),
        (302, "https://login.home.example.evil.example/", False),
        (302, "https://radarr.home.example/", False),
        (302, "", False),
        (401, "", False),  # of the service itself, which was reached
        (403, "", False),
        (500, "", True),
        (502, "", True),
        (200, "", False),
        (304, "", False),
        (404, "", False),
    ],
)
def test_what_a_stranger_may_get(status: int, location: str, ok: bool) -> None:
    assert judge_login(status, location, "https://login.home.example")[0] is ok
    asked = judge_login(status, location, "https://login.home.example", basic=True)[0]
    assert asked is (ok or status == 401)
