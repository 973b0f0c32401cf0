# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's dynamic configuration, and the proof that it was taken."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_dynamic import (
    traefik_dynamic,
    traefik_reload_check,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_yaml import yaml_text
from hypothesis import example, given, settings
from hypothesis import strategies as st


def http_of(plans: Any, *routes: dict[str, Any], **said: Any) -> Any:
    """The http part for these routes."""
    return traefik_dynamic(plans.plan(routes=list(routes), **said))["http"]


@pytest.mark.parametrize("access", ["public", "authenticated", "lan", "vpn"])
def test_router(access: str, plans: Any) -> None:
    http = http_of(plans, plans.route("radarr", access=access, upstream="http://radarr:7878"))
    assert http["routers"]["radarr"] == {
        "entryPoints": ["websecure"],
        "rule": "Host(`radarr.home.example`)",
        "priority": 10,
        "service": "radarr",
        "middlewares": [f"chain-{access}"],
        "tls": {"options": "default"},
    }
    assert http["services"]["radarr"] == {
        "loadBalancer": {"servers": [{"url": "http://radarr:7878"}], "passHostHeader": True}
    }
    assert f"chain-{access}" in http["middlewares"]


def test_a_route_behind_the_firewall_leads_there_and_says_its_name(plans: Any) -> None:
    waf = {"paranoia": 1, "detect_only": False, "exclude_rules": [], "max_body": 1}
    service = plans.service("waf", stack="waf", addresses={"kronos-in-default": "10.236.8.9"})
    http = traefik_dynamic(plans.plan(service, routes=[plans.route("app", waf=waf), plans.route("plain")]))["http"]
    assert http["services"]["app"]["loadBalancer"]["servers"] == [{"url": "http://10.236.8.9:8080"}]
    assert http["services"]["plain"]["loadBalancer"]["servers"] == [{"url": "http://plain:8080"}]
    assert http["routers"]["app"]["middlewares"][-1] == "waf-app"
    assert http["middlewares"]["waf-app"] == {"headers": {"customRequestHeaders": {"X-Kronos-Route": "app"}}}
    assert "waf-plain" not in http["middlewares"]


def test_path(plans: Any) -> None:
    http = http_of(plans, plans.route("notes", path="/admin"))
    assert http["routers"]["notes"]["rule"] == (
        "Host(`notes.home.example`) && (Path(`/admin`) || PathPrefix(`/admin/`))"
    )


@pytest.mark.parametrize(
    ("upstream", "verify", "transport"),
    [
        ("https://10.236.8.1:443", False, "near-unverified"),
        ("http://10.236.8.1:80", True, "near"),
        ("http://10.236.8.2:80", True, None),
        ("https://192.0.2.5:5001", False, "unverified"),
        ("https://192.0.2.5:5001", True, None),
        ("http://192.0.2.5", False, None),
    ],
)
def test_way_to_an_upstream(upstream: str, verify: bool, transport: str | None, plans: Any) -> None:
    service = plans.service("nas", addresses={"kronos-in-default": "10.236.8.1"})
    plan = plans.plan(service, routes=[plans.route("nas", upstream=upstream, verify_upstream=verify)])
    http = traefik_dynamic(plan)["http"]
    assert http["services"]["nas"]["loadBalancer"].get("serversTransport") == transport
    ways = http["serversTransports"]
    assert {name for name, way in ways.items() if way.get("insecureSkipVerify")} == {"unverified", "near-unverified"}
    assert {name for name, way in ways.items() if "forwardingTimeouts" in way} == {"near", "near-unverified"}
    assert {way["maxIdleConnsPerHost"] for way in ways.values()} == {-1}


def test_own_dashboard_never_leaves_the_program(plans: Any) -> None:
    http = http_of(plans, plans.route("traefik", upstream="http://10.236.8.68:8080"))
    assert http["routers"]["traefik"]["service"] == "api@internal"
    assert "services" not in http


def test_another_service_cannot_reach_the_api(plans: Any) -> None:
    http = http_of(plans, plans.route("other", upstream="http://traefik:8080"))
    assert http["routers"]["other"]["service"] == "other"


def test_tls(plans: Any) -> None:
    tls = traefik_dynamic(plans.plan())["tls"]
    files = {"certFile": "/etc/traefik/certs/proxy/cert.pem", "keyFile": "/etc/traefik/certs/proxy/key.pem"}
    assert tls["certificates"] == [files]
    assert tls["stores"] == {"default": {"defaultCertificate": files}}
    assert tls["options"]["default"]["minVersion"] == "VersionTLS12"
    assert all("_ECDHE_" in name and "CBC" not in name for name in tls["options"]["default"]["cipherSuites"])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fqdn", "a.example`) || Host(`b.example"),
        ("fqdn", '{{ env "HOME" }}'),
        ("fqdn", ""),
        ("path", "/x`) || PathPrefix(`/"),
        ("path", '/{{ env "HOME" }}'),
        ("path", "/a b"),
        ("path", "x"),
        ("upstream", 'http://a/{{ env "HOME" }}'),
        ("upstream", "file:///etc/passwd"),
        ("upstream", "http://a b"),
        ("names", ["a.example", "b`) || Host(`c"]),
        ("request_headers", {"X-A": '{{ env "HOME" }}'}),
        ("request_headers", {"X-A\nX-B": "x"}),
        ("response_headers", {"X-A": "a\r\nSet-Cookie: b"}),
        ("response_headers", {"X A": "x"}),
    ],
)
def test_text_that_means_more(key: str, value: Any, plans: Any) -> None:
    with pytest.raises(RenderError, match=rf"routes\.app\.{key}: .* cannot stand in the proxy's file"):
        traefik_dynamic(plans.plan(routes=[plans.route("app", **{key: value})]))


def rawdata(dynamic: Any, **changes: Any) -> Any:
    """What /api/rawdata says once Traefik took the file (shape seen with 3.7.15)."""
    http = dynamic["http"]
    shown = {f"{name}@file": {"status": "enabled"} for name in http.get("routers", {})}
    own = {"api@internal": {"status": "enabled"}, "ping@internal": {"status": "enabled"}}
    return {
        "routers": {**shown, **own, **changes},
        "middlewares": {f"{name}@file": {"status": "enabled"} for name in http["middlewares"]},
        "services": {},
    }


def test_reload_check(plans: Any) -> None:
    plan = plans.plan(routes=[plans.route("a"), plans.route("b")])
    other = plans.plan(routes=[plans.route("a")])
    check = traefik_reload_check(plan)["http"]
    assert (check["port"], check["path"]) == (8080, "/api/rawdata")
    holds = jmespath.compile(check["expect"]).search
    assert holds(rawdata(traefik_dynamic(plan))) is True
    assert holds(rawdata(traefik_dynamic(other))) is False
    assert holds(rawdata(traefik_dynamic(plan), **{"b@file": {"status": "disabled"}})) is False
    assert jmespath.search(traefik_reload_check(other)["http"]["expect"], rawdata(traefik_dynamic(other))) is True


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=12), key=st.sampled_from(["path", "fqdn", "upstream"]))
@example(text="{{ env `HOME` }}", key="path")
@example(text="a`) || Host(`b", key="fqdn")
def test_no_text_opens_a_template_or_a_rule(text: str, key: str, plans: Any) -> None:
    prefix = {"path": "/", "fqdn": "", "upstream": "http://"}[key]
    route = plans.route("app", **{key: prefix + text})
    plan = plans.plan(routes=[route])
    try:
        dynamic = traefik_dynamic(plan)
    except RenderError:
        return
    assert "{{" not in yaml_text(dynamic)
    assert dynamic["http"]["routers"]["app"]["rule"].count("`") == (2 if route["path"] == "/" else 4)
    assert traefik_dynamic(plan) == dynamic


def priorities(plans: Any, settings: dict[str, Any], *routes: Any) -> dict[str, int]:
    http = traefik_dynamic(plans.plan(routes=list(routes), settings=settings))["http"]
    return {name: router["priority"] for name, router in http["routers"].items()}


@pytest.mark.parametrize("web_from", ["anywhere", "cloudflare"])
def test_the_longer_path_wins_whatever_else_a_route_says(web_from: str, plans: Any) -> None:
    """A rate at the root once hid a path for the LAN alone from clients of Cloudflare."""
    rate = {"average": 1, "period": "1s", "burst": None}
    also = [f"{n}.example" for n in range(40)]
    root = plans.route("root", rate=rate, access="public", names=["root.home.example", *also], fqdn="root.home.example")
    found = priorities(
        plans,
        {"web_from": web_from},
        root,
        plans.route("a", path="/a", fqdn="root.home.example", access="lan"),
        plans.route("ab", path="/ab/", fqdn="root.home.example", access="lan", rate=rate),
    )
    order = sorted(found, key=lambda name: found[name])
    assert order.pop() == "veiled.root.home.example"
    found.pop("veiled.root.home.example")
    assert [name.removesuffix(".proxied") for name in order] == (
        ["root", "a", "ab"] if web_from == "anywhere" else ["root", "root", "a", "ab", "ab"]
    )
    assert len(set(found.values())) == len(found)


def test_requests_through_cloudflare_have_a_router_of_their_own_where_clients_are_counted(plans: Any) -> None:
    rate = {"average": 5, "period": "1d", "burst": 9}
    routes = [plans.route("one", rate=rate), plans.route("two")]
    http = traefik_dynamic(plans.plan(routes=routes, settings={"web_from": "cloudflare"}))["http"]
    assert set(http["routers"]) == {"one", "one.proxied", "two"}
    assert "ClientIP(`173.245.48.0/20`)" in http["routers"]["one.proxied"]["rule"]
    assert http["routers"]["one"]["middlewares"] == ["route-one"]
    assert http["routers"]["one.proxied"]["middlewares"] == ["proxied-one"]
    direct, through = (http["middlewares"][name]["rateLimit"] for name in ("rate-one", "rate-one.proxied"))
    assert "excludedIPs" not in direct["sourceCriterion"]["ipStrategy"]
    assert "173.245.48.0/20" in through["sourceCriterion"]["ipStrategy"]["excludedIPs"]
    assert (through["average"], through["period"], through["burst"]) == (5, "86400000ms", 9)


def test_several_names(plans: Any) -> None:
    http = http_of(plans, plans.route("shop", names=["shop.home.example", "b.example"], path="/x"))
    rule = http["routers"]["shop"]["rule"]
    assert rule == "(Host(`shop.home.example`) || Host(`b.example`)) && (Path(`/x`) || PathPrefix(`/x/`))"


def test_a_page_while_a_service_is_down(plans: Any) -> None:
    route = plans.route("notes")
    assert "maintenance.page" not in traefik_dynamic(plans.plan(routes=[route]))["http"]["services"]
    http = traefik_dynamic(plans.plan(plans.service("maintenance"), routes=[route]))["http"]
    assert http["middlewares"]["chain-lan"]["chain"]["middlewares"][:2] == ["security-headers", "maintenance"]
    assert http["services"]["maintenance.page"]["loadBalancer"]["servers"] == [{"url": "http://maintenance:8080"}]


def test_names_of_routes_collide_with_nothing_of_the_proxys_own(plans: Any) -> None:
    rate = {"average": 5, "period": "1s", "burst": 9}
    routes = [
        plans.route("maintenance", upstream="http://notes:80"),
        *(plans.route(name, rate=rate) for name in ("one", "proxied-one")),
    ]
    plan = plans.plan(plans.service("maintenance"), routes=routes, settings={"web_from": "cloudflare"})
    http = traefik_dynamic(plan)["http"]
    assert http["services"]["maintenance"]["loadBalancer"]["servers"] == [{"url": "http://notes:80"}]
    strategies = {
        name: "excludedIPs" in link["rateLimit"]["sourceCriterion"]["ipStrategy"]
        for name, link in http["middlewares"].items()
        if "rateLimit" in link
    }
    assert strategies == {
        "rate-one": False,
        "rate-one.proxied": True,
        "rate-proxied-one": False,
        "rate-proxied-one.proxied": True,
    }
