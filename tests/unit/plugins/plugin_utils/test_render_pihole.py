# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables become the module's arguments, or one clear line for each mistake."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_pihole import pihole_wanted

SERVERS = {"tls_upstreams": [{"address": "9.9.9.9", "name": "q"}], "upstreams": ["9.9.9.9"]}


def plan_of(plans: Any) -> Any:
    """A plan with a Pi-hole and both resolvers."""
    places = {"realised_zone": "edge", "stack": "pihole"}
    folder = [{"path": "/srv/kronos/pihole/data", "uid": 1000, "gid": 1000, "mode": "0755"}]
    return plans.plan(
        plans.service("pihole", addresses={"kronos-in-edge": "10.236.0.9"}, directories=folder, **places),
        plans.service("unbound", addresses={"kronos-in-edge": "10.236.0.10"}, **places),
        plans.service("dnsdist", addresses={"kronos-in-edge": "10.236.0.11"}, **places),
        routes=[plans.route("app")],
    )


@pytest.mark.parametrize(
    ("mode", "upstreams"),
    [("plain", ["9.9.9.9"]), ("dot", ["10.236.0.10#5335"]), ("doh", ["10.236.0.11#5353"])],
)
def test_upstreams(plans: Any, mode: str, upstreams: list[str]) -> None:
    https = [{"url": "https://dns.example/dns-query", "addresses": ["192.0.2.1"]}]
    said = {**SERVERS, "https_upstreams": https, "upstream_mode": mode}
    assert pihole_wanted(plan_of(plans), said)["upstreams"] == upstreams


def test_where_it_is_and_what_is_left_alone(plans: Any) -> None:
    found = pihole_wanted(plan_of(plans), SERVERS)
    assert (found["url"], found["folder"]) == ("http://10.236.0.9:80", "/srv/kronos/pihole/data")
    assert found["own_addresses"] == ["192.0.2.10", "10.236.0.9"]
    assert {name for name, value in found.items() if value is None} == {
        "lists",
        "domains",
        "groups",
        "clients",
        "blocking",
    }


def test_stated_names_go_before_derived_ones(plans: Any) -> None:
    further = [{"address": "192.0.2.99", "names": ["app.home.example", "b.example"]}]
    found = pihole_wanted(plan_of(plans), {**SERVERS, "hosts": further})
    assert found["hosts"] == [{"address": "192.0.2.10", "names": ["lab1.home.example"]}, *further]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"upstreams": ["dns.google"]}, "pihole_upstreams: [0]: found 'dns.google'; wanted an IP address, or one with"),
        ({"upstreams": ["9.9.9.9#0"]}, "pihole_upstreams: [0]: found '9.9.9.9#0'; wanted an IP address"),
        ({"upstreams": []}, "pihole_upstreams: found no server; wanted one at least"),
        (
            {"upstreams": ["192.0.2.10"]},
            "pihole_upstreams: [0]: found 192.0.2.10, which is Pi-hole itself; wanted another",
        ),
        ({"upstream_mode": "dott"}, "pihole_upstream_mode: found 'dott'; wanted one of doh, dot, plain; did you mean"),
        ({"upstream_mode": "dot", "tls_upstreams": []}, "pihole_tls_upstreams: found no server"),
        ({"tls_upstreams": [{"address": "9.9.9.9"}]}, "pihole_tls_upstreams: [0].name: found nothing; wanted the key"),
        (
            {"https_upstreams": [{"url": "http://x/", "addresses": ["9.9.9.9"]}]},
            "pihole_https_upstreams: [0].url: found 'http://x/'; wanted a URL with https://",
        ),
        (
            {"hosts": [{"address": "nas", "names": ["a"]}]},
            "pihole_hosts: [0].address: found 'nas'; wanted an IP address",
        ),
        ({"hosts": [{"adress": "192.0.2.1", "names": ["a"]}]}, "found the unknown key 'adress'; wanted one of"),
        ({"cnames": [{"alias": "a b", "target": "c"}]}, "pihole_cnames: [0].alias: found 'a b'; wanted a host name"),
        (
            {"conditional": [{"network": "192.168.1.7/24", "server": "192.168.1.1"}]},
            "wanted a network without host bits",
        ),
        ({"lists": [{"address": "lists.example"}]}, "pihole_lists: [0].address: found 'lists.example'; wanted a URL"),
        ({"lists": [{"address": "https://x", "type": "deny"}]}, "found 'deny'; wanted one of allow, block"),
        ({"domains": [{"domain": "a", "kind": "wildcard"}]}, "found 'wildcard'; wanted one of exact, regex"),
        ({"groups": [{"name": "a", "enabled": "perhaps"}]}, "pihole_groups: [0].enabled: found 'perhaps'; wanted true"),
        ({"sections": {"host": "exact"}}, "pihole_sections"),
        ({"upstreams": ["192.0.2.10#53"]}, "found 192.0.2.10#53, which is Pi-hole itself"),
        ({"lists": [{"address": "https://x"}] * 2}, "pihole_lists: found https://x (block) twice; wanted it once"),
        (
            {"groups": [], "clients": [{"client": "192.0.2.7", "groups": ["kids"]}]},
            "pihole_clients: found the unknown group 'kids' of 192.0.2.7; wanted one of Default",
        ),
        ({"config": {"dns": {"hosts": []}}}, "pihole_config: dns.hosts: found a part of the section hosts"),
        ({"cnames": [{"alias": "a.example", "target": "a.example"}]}, "pihole_cnames: found the circle"),
        ({"config": {"misc": {"dnsmasq_lines": []}}}, "misc.dnsmasq_lines: found a part of the section dnsmasq_lines"),
        ({"dnsmasq_lines": [""]}, "pihole_dnsmasq_lines: found ''; wanted a line"),
        ({"sections": {"hosts": "both"}}, "pihole_sections: hosts: found 'both'; wanted one of additive, exact"),
    ],
)
def test_mistakes(plans: Any, said: dict[str, Any], message: str) -> None:
    with pytest.raises(RenderError) as caught:
        pihole_wanted(plan_of(plans), {**SERVERS, **said})
    assert message in str(caught.value)


@pytest.mark.parametrize(("said", "mode"), [({}, "additive"), ({"sections": {"dnsmasq_lines": "exact"}}, "exact")])
def test_lines_that_keep_names_inside_stand_beside_others(plans: Any, said: dict[str, Any], mode: str) -> None:
    found = pihole_wanted(plan_of(plans), {**SERVERS, "dnsmasq_lines": ["no-negcache"], **said})
    assert found["dnsmasq_lines"] == ["no-negcache", "local=/app.home.example/", "local=/lab1.home.example/"]
    assert found["sections"] == {"dnsmasq_lines": mode}


def test_a_resolver_of_the_hosts_own_on_another_port_is_no_circle(plans: Any) -> None:
    assert pihole_wanted(plan_of(plans), {"upstreams": ["192.0.2.10#5335"]})["upstreams"] == ["192.0.2.10#5335"]


def test_all_mistakes_come_at_once(plans: Any) -> None:
    with pytest.raises(RenderError) as caught:
        pihole_wanted(plan_of(plans), {"upstreams": ["x"], "blocking": "maybe", "hosts": [{}]})
    assert len(str(caught.value).splitlines()) == 4
