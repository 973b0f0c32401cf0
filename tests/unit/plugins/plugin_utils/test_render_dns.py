# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which address each name of the plan means inside the home."""

from __future__ import annotations

from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_dns import dns_records, kept_inside


def names(plan: Any) -> list[tuple[str, str]]:
    """(name, address) of every row."""
    rows = dns_records(plan)["hosts"]
    assert all(len(row["names"]) == 1 for row in rows)
    return [(row["names"][0], row["address"]) for row in rows]


def peer(**said: Any) -> dict[str, Any]:
    """A peer as the plan shows it."""
    routes = [{"fqdn": "files.other.example", "address": "192.0.2.77", "access": "lan"}]
    return {"address": "192.0.2.77", "domain": "other.example", "routes": routes, **said}


def test_the_host_first_then_every_name_of_every_route(plans: Any) -> None:
    routes = [
        plans.route("photos", names=["photos.home.example", "pictures.example.org"]),
        plans.route("photos-2", fqdn="photos.home.example", path="/api"),
        plans.route("app"),
    ]
    assert names(plans.plan(routes=routes)) == [
        ("lab1.home.example", "192.0.2.10"),
        ("app.home.example", "192.0.2.10"),
        ("photos.home.example", "192.0.2.10"),
        ("pictures.example.org", "192.0.2.10"),
    ]


def test_what_runs_elsewhere(plans: Any) -> None:
    external = {
        "nas": {"url": "https://192.0.2.5:5001"},
        "router": {"url": "http://[2001:db8::1]/"},
        "cloud": {"url": "https://cloud.example"},  # has a name already
        "printer": {"url": "http://192.0.2.9"},  # its route leads through the proxy
    }
    plan = plans.plan(external=external, routes=[plans.route("printer")])
    assert names(plan)[1:] == [
        ("printer.home.example", "192.0.2.10"),
        ("nas.home.example", "192.0.2.5"),
        ("router.home.example", "2001:db8::1"),
    ]


def test_peers_come_after_ourselves(plans: Any) -> None:
    other = peer(domain="home.example")
    other["routes"] += [
        {"fqdn": "app.home.example", "address": "192.0.2.77", "names": ["app.home.example", "b.example"]}
    ]
    plan = plans.plan(routes=[plans.route("app")], peers={"atlas": other, "lab1": peer()})
    assert names(plan)[1:] == [
        ("app.home.example", "192.0.2.10"),
        ("atlas.home.example", "192.0.2.77"),
        ("files.other.example", "192.0.2.77"),
        ("b.example", "192.0.2.77"),
        ("lab1.other.example", "192.0.2.77"),
    ]


def test_a_host_with_a_name_for_an_address_has_no_records(plans: Any) -> None:
    routes = [{"fqdn": "files.other.example", "address": "atlas.lan", "access": "lan"}]
    plan = plans.plan(peers={"At_las": peer(address="atlas.lan", routes=routes)})
    assert dns_records(plan)["left_out"] == ["files.other.example"]
    assert names(plan) == [("lab1.home.example", "192.0.2.10")]
    own = plans.plan(settings={"address": "2001:db8::10"})
    assert names(own) == [("lab1.home.example", "2001:db8::10")]


def test_names_below_the_domains_are_kept_inside_and_nothing_that_stands_above_others(plans: Any) -> None:
    routes = [
        plans.route("home", fqdn="home.example", names=["home.example", "www.home.example", "shop.example.org"]),
        plans.route("app"),
    ]
    other = peer(domain="nas.home.example")
    other["routes"] = [{"fqdn": "nas.home.example", "address": "192.0.2.77", "names": ["nas.home.example"]}]
    plan = plans.plan(routes=routes, peers={"atlas": other})
    # nas.home.example is below one domain, and another one itself
    assert kept_inside(plan) == ["app.home.example", "atlas.nas.home.example", "lab1.home.example", "www.home.example"]
