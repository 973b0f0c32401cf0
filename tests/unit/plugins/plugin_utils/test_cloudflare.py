# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloudflare in the plan: whose networks, which names; and the published list, believed only when it is plausible."""

from __future__ import annotations

import copy
import ipaddress
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.cloudflare import cloudflare_entry
from ansible_collections.kronos.homelab.plugins.plugin_utils.cloudflare_ranges import (
    cloudflare_ranges,
    published_ranges,
    shipped_ranges,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.flows import flows
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError

SECRETS = {"cloudflare": {"token": "abc"}}
ANSWER = {
    "success": True,
    "result": {
        "ipv4_cidrs": [item for item in shipped_ranges() if ":" not in item],
        "ipv6_cidrs": [item for item in shipped_ranges() if ":" in item],
    },
}


def test_the_inventorys_networks_come_before_the_shipped_ones(planning: Any) -> None:
    assert flows(planning.plan()).sets["cloudflare"] == shipped_ranges()
    plan = planning.plan(kronos_cloudflare_ranges=["104.16.0.0/13"])
    assert cloudflare_ranges(plan) == flows(plan).sets["cloudflare"] == ("104.16.0.0/13",)


def test_the_shipped_list_is_one_that_would_be_believed() -> None:
    assert published_ranges(ANSWER) == list(shipped_ranges())
    assert all(ipaddress.ip_network(item).is_global for item in shipped_ranges())


BROKEN = [
    ({"success": False}, "answer: found no list"),
    ({"result": None}, "answer: found no list"),
    ({"result": {"ipv4_cidrs": [], "ipv6_cidrs": ANSWER["result"]["ipv6_cidrs"]}}, "answer.ipv4_cidrs: 3 to 100"),
    ({"result": {"ipv4_cidrs": ["104.16.0.0/13"] * 500, "ipv6_cidrs": []}}, "found 500"),
    ({"result": {**ANSWER["result"], "ipv6_cidrs": "x"}}, "answer.ipv6_cidrs: 3 to 100 networks are wanted"),
]
STRANGE = [
    "0.0.0.0/0",
    "10.0.0.0/13",
    "192.168.1.0/24",
    "127.0.0.0/24",
    "8.0.0.0/9",
    "1.2.3.4/8",
    "x",
    None,
    "2400::/32",
]


@pytest.mark.parametrize(("said", "message"), BROKEN)
def test_an_implausible_answer_is_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(RenderError, match=message):
        published_ranges({**ANSWER, **said})


@pytest.mark.parametrize("item", STRANGE)
def test_a_strange_network_is_refused(item: Any) -> None:
    answer = copy.deepcopy(ANSWER)
    answer["result"]["ipv4_cidrs"][4] = item
    with pytest.raises(RenderError, match=r"answer.ipv4_cidrs\[4\]: a public IPv4 network"):
        published_ranges(answer)


@pytest.mark.parametrize("answer", [None, [], "x", 3])
def test_no_answer_at_all(answer: Any) -> None:
    with pytest.raises(RenderError):
        published_ranges(answer)


def test_names_with_records(planning: Any) -> None:
    routes = [
        {"host": "www", "also": ["home.example"], "port": 80, "access": "public", "proxied": True},
        {"host": "photos", "port": 80, "access": "authenticated", "name": "photos"},
        {"host": "inner", "port": 80, "access": "lan", "name": "inner"},
        {"host": "road", "port": 80, "access": "vpn", "name": "road"},
    ]
    plan = planning.plan(
        kronos_cloudflare=True,
        kronos_secrets=SECRETS,
        kronos_vpn=["10.9.0.0/24"],
        kronos_vpn_endpoint="vpn.home.example",
        kronos_users={"anna": {"devices": ["phone"]}},
        kronos_services={"a": {"image": "x/a:1", "routes": routes}},
    )
    assert plan["cloudflare"]["records"] == [
        {"name": "home.example", "proxied": True},
        {"name": "photos.home.example", "proxied": False},
        {"name": "vpn.home.example", "proxied": False},
        {"name": "www.home.example", "proxied": True},
    ]
    assert [secret["name"] for secret in plan["secrets"] if secret["service"] == "cloudflare"] == ["token"]
    assert "abc" not in str(plan)
    streams = [{"reach": "public", "hosts": ["mail.home.example"]}, {"reach": "lan", "hosts": ["no.home.example"]}]
    entry = cloudflare_entry({**plan, "streams": streams})
    assert {"name": "mail.home.example", "proxied": False} in (entry or {})["records"]
    assert "no.home.example" not in str(entry)


def test_not_wanted(planning: Any) -> None:
    assert planning.plan()["cloudflare"] is None
