# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches what, from small plans."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils import flows
from ansible_collections.kronos.homelab.plugins.plugin_utils.exposure import exposure, exposure_table

VLAN = {"id": 30, "parent": "eth0", "address": "10.30.0.2/24", "gateway": "10.30.0.1", "mtu": None}
ZONES = {
    "default": {"network": "kronos-default", "driver": "bridge", "vlan": None, "backup_vlan": None},
    "iot": {"network": "kronos-iot", "driver": "bridge", "vlan": VLAN, "backup_vlan": None},
    "dmz": {"network": "kronos-dmz", "driver": "bridge", "vlan": None, "backup_vlan": None},
    "air": {"network": "kronos-air", "driver": "macvlan", "vlan": None, "backup_vlan": None},
}


def network(name, **said):
    return {"name": f"kronos-{name}", "bridge": f"kr-{name}", "internal": name.startswith("in-"), **said}


NETWORKS = [network(name) for name in ("default", "in-default", "iot", "in-iot", "dmz")]
NETWORKS += [network("air", bridge=None)]


@pytest.fixture
def plan(plans):
    """A plan with four zones, and services that publish the ports given."""

    def make(*published, settings=None, services=(), **said):
        ports = [{"service": "app", "protocol": "tcp", "target": 80, **port} for port in published]
        usual = {"zones": ZONES, "networks": NETWORKS, "published": ports}
        app = plans.service("app", networks=["kronos-iot", "kronos-in-iot"], joins_zones=False)
        return plans.plan(app, *services, settings=settings, **{**usual, **said})

    return make


def reached(plan, port, protocol="tcp"):
    """Return source -> families for a port."""
    rows = [row for row in exposure(plan) if (row["port"], row["protocol"]) == (port, protocol)]
    return {row["source"]: row["families"] for row in rows}


V4, BOTH = ["ipv4"], ["ipv4", "ipv6"]
CONTAINERS = {f"containers in {name}": V4 for name in ("default", "iot", "dmz")}
SIBLINGS = {"containers in iot": V4}  # of the app that publishes: Docker lets no others from bridge to bridge


@pytest.mark.parametrize(
    ("reach", "sources"),
    [
        ("public", {"internet": V4, "lan": V4, "vpn": V4, "zone iot": V4, **SIBLINGS}),
        ("lan", {"lan": V4, "vpn": V4}),
        ("vpn", {"vpn": V4}),
        ("iot", {"zone iot": V4}),
        ("default", {"lan": V4, "vpn": V4}),  # a home with one network needs no zones
        ("dmz", {}),  # a zone of containers alone has nobody outside this host
    ],
)
def test_words_of_reach(plan, reach, sources):
    assert reached(plan({"port": 7000, "reach": reach}), 7000) == sources


def test_ipv6_only_where_it_is_on(plan):
    port = {"port": 7000, "reach": "public"}
    assert reached(plan(port, settings={"ipv6": True}), 7000)["internet"] == BOTH
    assert reached(plan(port, settings={"ipv6": True}), 7000)["lan"] == V4  # nobody said which addresses those are
    both = {"ipv6": True, "lan": ["192.0.2.0/24", "2001:db8::/64"]}
    assert reached(plan({"port": 7000, "reach": "lan"}, settings=both), 7000)["lan"] == BOTH


def test_ssh_is_never_lost(plan):
    assert reached(plan(), 22)["internet"] == BOTH
    rows = {row["source"]: row["how"] for row in exposure(plan()) if row["service"] == "ssh"}
    assert rows == {
        "internet": "open, with a rate limit",
        "lan": "open",
        "vpn": "open",
        "zone iot": "open, with a rate limit",
    }
    moved = plan(settings={"ssh_port": 2222, "ssh_sources": ["198.51.100.0/24"]})
    assert reached(moved, 2222) == {"ssh sources": V4}
    assert reached(moved, 22) == {}


def test_ssh_from_declared_sources_that_lie_in_the_lan(plan):
    assert reached(plan(settings={"ssh_sources": ["192.0.2.5/32"]}), 22) == {"lan": V4, "ssh sources": V4}


def test_the_web_through_cloudflare_alone(plan):
    web = {"port": 443, "reach": "public"}
    found = reached(plan(web, settings={"web_from": "cloudflare"}), 443)
    assert found == {"cloudflare": V4, "lan": V4, "vpn": V4, "zone iot": V4}
    other = {"port": 7000, "reach": "public"}  # not the web: Cloudflare does not carry it
    assert "internet" in reached(plan(other, settings={"web_from": "cloudflare"}), 7000)


@pytest.mark.parametrize(("port", "how"), [(443, "open, with a rate limit"), (7000, "open")])
def test_only_the_web_is_slowed_down(plan, port, how):
    rows = [row for row in exposure(plan({"port": port, "reach": "public"})) if row["port"] == port]
    found = {row["source"]: row["how"] for row in rows}
    assert found["internet"] == how
    assert found["lan"] == "open"


def test_programs_of_the_host(plan):
    ports = [{"port": 123, "protocol": "udp", "reach": "lan", "what": "clock"}]
    assert reached(plan(settings={"open_ports": ports}), 123, "udp") == {"lan": V4, "vpn": V4}
    ports[0]["reach"] = "nowhere-defined"  # a known zone that the inventory does not define is the default one
    assert reached(plan(settings={"open_ports": ports}), 123, "udp") == {"lan": V4, "vpn": V4}


def test_containers_resolve_names_where_the_host_does(plan):
    names = {"port": 53, "protocol": "udp", "reach": "lan"}
    assert reached(plan(names), 53, "udp") == {"lan": V4, "vpn": V4, **SIBLINGS}
    assert reached(plan({**names, "reach": "dmz"}), 53, "udp") == {}
    resolver = {**names, "what": "names"}  # of the host itself
    assert reached(plan(settings={"open_ports": [resolver]}), 53, "udp") == {"lan": V4, "vpn": V4, **CONTAINERS}


def test_what_is_public_on_the_host_itself_is_open_to_containers_of_all_zones(plan, plans):
    probe = plans.service("probe", network="host", networks=[], joins_zones=False)
    found = plan({"port": 7000, "reach": "public", "service": "probe"}, services=(probe,))
    assert CONTAINERS.items() <= reached(found, 7000).items()


def test_services_of_the_host_for_those_who_need_them(plan, plans):
    proxy = plans.service("proxy", joins_zones=True, networks=["kronos-default"], needs=[])
    caller = plans.service(
        "caller", joins_zones=False, talks_to=["meter"], networks=["kronos-iot"], realised_zone="iot"
    )
    other = plans.service("other", joins_zones=False, networks=["kronos-dmz"], realised_zone="dmz")
    meter = plans.service("meter", network="host", networks=[], joins_zones=False)
    scrape = {"service": "meter", "job": "meter", "target": "172.17.0.1:9100", "path": "/metrics"}
    found = flows.flows(plan(services=(proxy, caller, other, meter), scrapes=[scrape])).host_services
    assert found == (flows.HostService("meter", "172.17.0.1", 9100, ("default", "iot"), ("kr-default", "kr-iot")),)
    rows = reached(plan(services=(proxy, caller, other, meter), scrapes=[scrape]), 9100)
    assert rows == {"containers in default": V4, "containers in iot": V4}


@pytest.mark.parametrize(
    ("url", "reached_at"),
    [
        ("http://172.17.0.1:8099", {8099}),
        ("https://192.0.2.10/photos", {443}),  # the host's own address
        ("http://192.0.2.77:8099", set()),  # another machine: nothing of this host is opened for it
        ("http://nas.example:8099", set()),
    ],
)
def test_what_the_user_runs_on_the_host_for_the_proxy(plan, plans, url, reached_at):
    proxy = plans.service("proxy", joins_zones=True, networks=["kronos-default"], needs=[])
    route = {"service": "nas", "host": "nas.home.example", "upstream": url}
    settings = {"address": "192.0.2.10"}
    found = plan(services=(proxy,), routes=[route], external={"nas": {"url": url}}, settings=settings)
    assert {each.port for each in flows.flows(found).host_services} == reached_at


def test_what_has_addresses_of_its_own_is_the_routers_affair(plan, plans):
    tv = plans.service("tv", networks=["kronos-air"], realised_zone="air", joins_zones=False)
    row = exposure(plan(services=(tv,)))[-1]
    assert (row["source"], row["service"], row["port"]) == ("whoever reaches zone air", "tv", 0)
    assert row["how"] == "the router decides"


def test_the_backup_vlan_counts_as_the_zone(plan):
    backup = {**VLAN, "id": 31, "address": "10.31.0.2/24"}
    zones = {**ZONES, "iot": {**ZONES["iot"], "backup_vlan": backup}}
    found = flows.flows(plan(zones=zones))
    assert found.sets["zone_iot"] == ("10.30.0.0/24", "10.31.0.0/24")


def test_the_table_names_each_port_once(plan):
    text = exposure_table(plan({"port": 443, "reach": "public"}, {"port": 7000, "reach": "lan"}))
    lines = [line.split() for line in text.splitlines()]
    assert ["app", "7000/tcp", "ipv4", "lan,", "vpn", "open"] in lines
    assert sum(line[:2] == ["app", "443/tcp"] for line in lines) == 2  # with and without a rate limit
