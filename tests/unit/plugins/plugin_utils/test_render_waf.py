# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx' configuration of the firewall, read as nginx reads it."""

from __future__ import annotations

import json
import re
from typing import Any

import jmespath
import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils import render_waf
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_waf import (
    waf_marks,
    waf_nginx,
    waf_reload_check,
    waf_rules,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

WAF: dict[str, Any] = {"paranoia": 1, "detect_only": False, "exclude_rules": [], "max_body": 13631488}
PROXY = {"kronos-in-default": "10.236.8.68", "kronos-in-media": "10.236.10.68"}
TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<word>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[;{}]|(?:[^\s;{}"'\\]|\\.)+)""", re.DOTALL
)

Directive = tuple[str, ...]


def read(text: str) -> list[Any]:
    """nginx' syntax: directives as words, blocks as (words, content)."""
    stack: list[list[Any]] = [[]]
    words: list[str] = []
    place = 0
    while place < len(text):
        found = TOKEN.match(text, place)
        assert found, text[place : place + 80]
        place = found.end()
        word = found["word"]
        if word is None:
            continue
        if word == ";":
            stack[-1].append(tuple(words))
            words = []
        elif word == "{":
            block: list[Any] = []
            stack[-1].append((tuple(words), block))
            stack.append(block)
            words = []
        elif word == "}":
            assert not words
            stack.pop()
        else:
            words.append(word[1:-1] if word[0] in "\"'" else word)
    assert len(stack) == 1
    assert not words
    return stack[0]


def block(content: list[Any], *head: str) -> list[Any]:
    (found,) = [item[1] for item in content if isinstance(item[1], list) and item[0] == head]
    return list(found)


def http(plans: Any, *routes: dict[str, Any], **said: Any) -> list[Any]:
    """The http block for these routes, with a proxy on two serving sides."""
    plan = plans.plan(plans.service("traefik", stack="traefik", addresses=PROXY), routes=list(routes), **said)
    return block(read(waf_nginx(plan)), "http")


def server(content: list[Any], port: str) -> list[Any]:
    """The server that listens on this port."""
    (found,) = [item[1] for item in content if item[0] == ("server",) and item[1][0][:2] == ("listen", port)]
    return list(found)


def names(content: list[Any]) -> dict[str, str]:
    found = [item for item in content if isinstance(item[1], list) and item[0][0] == "map" and "$host" in item[0][1]]
    assert found[0][0] == ("map", "$http_x_kronos_route $host", "$kronos_route")
    return dict(found[0][1])


def test_only_routes_that_ask_for_it_are_there(plans: Any) -> None:
    content = http(plans, plans.route("app", waf=WAF), plans.route("plain"))
    assert names(content) == {"default": "", "app app.home.example": "app"}
    locations = [item[0] for item in server(content, "8080") if item[0][0] == "location"]
    assert locations == [("location", "=", "/app")]


def test_the_route_is_told_by_the_proxy_and_has_all_its_names(plans: Any) -> None:
    named = plans.route("app", waf=WAF, names=["app.home.example", "www.app.example"])
    other = plans.route("app-api", waf=WAF, fqdn="app.home.example", path="/api")
    content = http(plans, named, other)
    assert names(content) == {
        "default": "",
        "app app.home.example": "app",
        "app www.app.example": "app",
        "app-api app.home.example": "app-api",
    }
    inside = server(content, "8080")
    # in this order: who asks, which route, and only then the route's own rules
    assert inside[1] == (("if", "($kronos_proxy", "=", "0)"), [("return", "444")])
    assert inside[2] == (("if", "($kronos_route", "=", ")"), [("return", "421")]) or inside[2][1] == [("return", "421")]
    assert inside[3] == ("rewrite", "^", "/$kronos_route", "last")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, [("proxy_pass", "http://app:8080$request_uri")]),
        ({"upstream": "http://10.236.8.9:80"}, [("proxy_pass", "http://10.236.8.9:80$request_uri")]),
        (
            {"upstream": "https://192.0.2.5:5001", "verify_upstream": False},
            [("proxy_ssl_verify", "off"), ("proxy_pass", "https://192.0.2.5:5001$request_uri")],
        ),
        (
            {"upstream": "https://nas.home.example/base"},
            [("proxy_ssl_verify", "on"), ("proxy_pass", "https://nas.home.example$request_uri")],
        ),
        ({"waf": {**WAF, "max_body": 1024}}, [("client_max_body_size", "1024")]),
    ],
)
def test_a_location(said: dict[str, Any], wanted: list[Directive], plans: Any) -> None:
    inside = block(server(http(plans, plans.route("app", **{"waf": WAF, **said})), "8080"), "location", "=", "/app")
    assert inside[0] == ("modsecurity", "on")
    assert [item for item in inside if item in wanted] == wanted


def test_a_route_without_modsecurity_is_never_written(plans: Any) -> None:
    inside = server(http(plans, *(plans.route(f"app{n}", waf=WAF) for n in range(5))), "8080")
    passes = [
        item[1] for item in inside if isinstance(item[1], list) and any(one[0] == "proxy_pass" for one in item[1])
    ]
    assert len(passes) == 5
    assert all(("modsecurity", "on") in one and any(each[0] == "modsecurity_rules" for each in one) for one in passes)
    assert not [item for item in inside if item[0] == "proxy_pass"]


@pytest.mark.parametrize("web_from", ["anywhere", "cloudflare"])
def test_only_the_proxy_asks_and_is_believed(web_from: str, plans: Any) -> None:
    content = http(plans, plans.route("app", waf=WAF), settings={"web_from": web_from})
    assert block(content, "geo", "$realip_remote_addr", "$kronos_proxy") == [
        ("default", "0"),
        ("10.236.10.68/32", "1"),
        ("10.236.8.68/32", "1"),
    ]
    trusted = [item[1] for item in content if item[0] == "set_real_ip_from"]
    assert trusted[:2] == ["10.236.10.68/32", "10.236.8.68/32"]
    assert ("172.64.0.0/13" in trusted, "2606:4700::/32" in trusted) == ((web_from == "cloudflare"),) * 2
    assert ("real_ip_recursive", "on") in content


def test_other_networks_of_cloudflare(plans: Any) -> None:
    settings = {"web_from": "cloudflare", "cloudflare_ranges": ["198.51.100.0/24"]}
    text = waf_nginx(plans.plan(settings=settings))
    assert "set_real_ip_from 198.51.100.0/24;" in text
    assert "172.64.0.0/13" not in text
    with pytest.raises(RenderError, match="a network is wanted"):
        waf_nginx(plans.plan(settings={**settings, "cloudflare_ranges": ["198.51.100.0/24; return 200"]}))


def test_without_a_proxy_nobody_is_answered(plans: Any) -> None:
    content = block(read(waf_nginx(plans.plan(routes=[plans.route("app", waf=WAF)]))), "http")
    assert block(content, "geo", "$realip_remote_addr", "$kronos_proxy") == [("default", "0")]


def test_without_routes_it_is_healthy(plans: Any) -> None:
    content = http(plans)
    assert names(content) == {"default": ""}
    answer = block(server(content, "8081"), "location", "=", "/health")[-1]
    assert json.loads(answer[2])["status"] == "ok"


def revision_of(plan: Any) -> str:
    answer = block(server(block(read(waf_nginx(plan)), "http"), "8081"), "location", "=", "/health")[-1]
    check = waf_reload_check(plan)["http"]
    assert (check["port"], check["path"]) == (8081, "/health")
    assert jmespath.search(check["expect"], json.loads(answer[2])) is True
    return str(json.loads(answer[2])["revision"])


def test_the_proof_of_a_reload_follows_every_change(plans: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plans.plan(routes=[plans.route("app", waf=WAF)])
    found = {revision_of(plan), revision_of(plans.plan(routes=[plans.route("app", waf={**WAF, "paranoia": 2})]))}
    assert len(found) == 2
    assert revision_of(plan) in found
    monkeypatch.setattr(render_waf, "main_rules", lambda: "SecRuleEngine Off\n")
    assert revision_of(plan) not in found


def test_marks_of_the_proxy(plans: Any) -> None:
    plan = plans.plan(routes=[plans.route("app", waf=WAF), plans.route("plain")])
    assert waf_marks(plan) == {"waf-app": {"headers": {"customRequestHeaders": {"X-Kronos-Route": "app"}}}}


def test_rules_are_the_same_for_every_plan(plans: Any) -> None:
    assert waf_rules(plans.plan()) == waf_rules(plans.plan(routes=[plans.route("app", waf=WAF)]))


@pytest.mark.parametrize(
    "said",
    [
        {"name": "app;"},
        {"name": "app\n}"},
        {"name": "$host"},
        {"name": "../app"},
        {"names": ['app" evil; "']},
        {"names": ["app.home.example; return 200"]},
        {"names": ["$kronos_route"]},
        {"upstream": "http://app:80; return 200"},
        {"upstream": "http://$host:80"},
        {"upstream": "http://app:80}"},
        {"upstream": "unix:/var/run/docker.sock"},
        {"upstream": "http://[::1:80"},
        {"upstream": "http://app:99999"},
        {"upstream": "http://:80"},
    ],
)
def test_what_could_mean_more_is_refused(said: dict[str, Any], plans: Any) -> None:
    with pytest.raises(RenderError, match="routes\\."):
        waf_nginx(plans.plan(routes=[{**plans.route("app", waf=WAF), **said}]))


def shape(content: list[Any]) -> list[Any]:
    """The directives without their arguments; of a map the number of its lines."""
    found: list[Any] = []
    for item in content:
        if not isinstance(item[1], list):
            found.append(item[0])
        else:
            head = item[0][0]
            found.append((head, len(item[1]) if head in ("map", "geo") else shape(item[1])))
    return found


# near what is allowed, so that much of it is taken, with what nginx takes for more in between
NEAR = st.text(alphabet="ab1-.:;{}$'\"\\ \n#/", max_size=12) | st.text(alphabet="ab1.-", max_size=12)


@settings(max_examples=150, deadline=None)
@given(name=NEAR, host=NEAR, upstream=NEAR)
@example(name="a", host="b", upstream="http://a:1")
@example(name="a\n", host="b", upstream="http://a:1")
@example(name="a", host="b\n", upstream="http://a:1")
@example(name="a", host="b", upstream="http://a:1\n")
@example(name="a", host="b", upstream="http://a:1#{}")
@example(name="a", host="b", upstream="http://a:1/';}")
def test_no_text_changes_what_the_file_says(name: str, host: str, upstream: str, plans: Any) -> None:
    """Whatever a route is called and wherever it leads: refused, or the same directives as for a sound one."""
    sound = shape(read(waf_nginx(plans.plan(routes=[plans.route("app", waf=WAF)]))))
    route = {**plans.route("app", waf=WAF), "name": name, "names": [host], "upstream": upstream}
    if not upstream.startswith("http:"):
        route["upstream"] = f"http://{upstream}"
    try:
        text = waf_nginx(plans.plan(routes=[route]))
    except RenderError:
        return
    assert shape(read(text)) == sound
