# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP and UDP ports that the proxy passes on: in the plan, in the proxy's record, in Traefik's files."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.exposure import exposure
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_route import Stream
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import traefik_static
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_dynamic import traefik_dynamic
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_streams import stream_routing
from ansible_collections.kronos.homelab.plugins.plugin_utils.streams import inner_ports

STREAMS = [
    {"port": 25, "target": 2525, "reach": "public"},
    {"port": 8080, "reach": "lan", "tls": "terminate", "hosts": ["mail"]},
    {"port": 8080, "reach": "lan", "tls": "pass", "hosts": ["own", "a.example"], "name": "own"},
    {"port": 5000, "protocol": "udp", "reach": "vpn"},
]


@pytest.fixture
def plan(planning: Any) -> Any:
    return planning.plan(kronos_stacks=["traefik"], kronos_services={"post": {"image": "x/post:1", "streams": STREAMS}})


def test_the_plan(plan: Any) -> None:
    found = {stream["name"]: stream for stream in plan["streams"]}
    assert set(found) == {"post-25", "post-8080", "own", "post-5000-udp"}
    address = plan["services"]["post"]["addresses"]["kronos-in-default"]
    assert found["post-25"]["upstream"] == f"{address}:2525"
    assert found["own"]["hosts"] == ["own.home.example", "a.example"]


def test_the_proxy_publishes_them_and_the_reach_table_follows(plan: Any) -> None:
    published = {(p["port"], p["target"], p["protocol"], p["reach"]) for p in plan["published"]}
    wanted = {(25, 25, "tcp", "public"), (8080, 28080, "tcp", "lan"), (5000, 5000, "udp", "vpn")}
    assert wanted < published
    assert len(published) == len(plan["published"])
    rows = {(row["source"], row["port"]) for row in exposure(plan)}
    assert ("internet", 25) in rows
    assert ("internet", 8080) not in rows


def test_entry_points_and_routers(plan: Any) -> None:
    points = traefik_static(plan)["entryPoints"]
    assert points["stream-8080-tcp"]["address"] == ":28080"
    assert (points["stream-5000-udp"]["address"], points["stream-5000-udp"]["udp"]) == (":5000/udp", {"timeout": "60s"})
    dynamic = traefik_dynamic(plan)
    tcp, udp = dynamic["tcp"]["routers"], dynamic["udp"]["routers"]
    assert tcp["post-25"]["rule"] == "HostSNI(`*`)"
    assert "tls" not in tcp["post-25"]
    assert tcp["own"]["rule"] == "HostSNI(`own.home.example`) || HostSNI(`a.example`)"
    assert (tcp["own"]["tls"], tcp["post-8080"]["tls"]) == ({"passthrough": True}, {"options": "default"})
    assert udp["post-5000-udp"] == {"entryPoints": ["stream-5000-udp"], "service": "post-5000-udp"}


def test_without_streams_nothing_is_said_of_them(plans: Any) -> None:
    assert stream_routing(plans.plan()) == {}


@pytest.mark.parametrize(("key", "value"), [("hosts", ["a`) || HostSNI(`b"]), ("upstream", "a:1/{{ x }}")])
def test_text_that_means_more(key: str, value: Any, plan: Any) -> None:
    plan["streams"][0][key] = value
    with pytest.raises(RenderError, match=rf"streams\.post-25\.{key}: .* cannot stand in a rule"):
        stream_routing(plan)


def test_ports_inside_the_proxy_clash_with_nothing() -> None:
    streams = [Stream(port=port, reach="lan") for port in (80, 8080, 28080, 20080, 7000)]
    streams.append(Stream(port=8080, protocol="udp", reach="lan"))
    found = inner_ports(streams)
    assert found[(8080, "tcp")] == 28081
    assert found[(80, "tcp")] == 20081
    assert (found[(8080, "udp")], found[(7000, "tcp")]) == (8080, 7000)
