# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands anywhere in what is said of the edge: the plan refuses it in words, or every role can render it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_authelia import authelia_files
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_bans import ban_rules
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_dns import dns_records
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_firewall import firewall_ruleset
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_pihole import pihole_wanted
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_resolvers import dnsdist_config, unbound_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_tls import tls_names
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import traefik_static
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_chains import traefik_users
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_dynamic import traefik_dynamic
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_waf import waf_nginx
from ansible_collections.kronos.homelab.tests.unit.fakes.edge_inventory import EDGE
from ansible_collections.kronos.homelab.tests.unit.fakes.some_inventories import GARBAGE
from hypothesis import given, settings
from hypothesis import strategies as st

ROLES = Path(__file__).resolve().parents[4] / "roles"
USUAL = {
    name: value
    for role in ("pihole", "traefik")
    for name, value in yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8")).items()
}
LIKELY = (None, True, 0, -1, 65536, 1.5, "", "x", "x" * 300, "a\nb", "../x", "10.0.0.0/8", "::1", "0.0.0.0/0")
LIKELY += ("example.com.", "*.example.com", "http://a b/", "${x}", "`", [], {}, [None], [[]], {"a": 1}, ["x", "x"])
RENDERERS: tuple[Callable[[Mapping[str, Any]], Any], ...] = (
    authelia_files,
    dns_records,
    firewall_ruleset,
    tls_names,
    traefik_dynamic,
    traefik_static,
    traefik_users,
    waf_nginx,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path in *value*, those of mappings and lists too."""
    if here:
        yield here
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*here, key))


def with_one(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The inventory with *value* at one place."""
    result = copy.deepcopy(EDGE)
    target: Any = result
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = copy.deepcopy(value)
    return result


def render_all(plan: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
    """What the roles of the edge render, as they do it."""
    for render in RENDERERS:
        render(plan)
    laid = {**USUAL, **variables}
    ban_rules(plan, laid["traefik_ban"])
    said = {name.removeprefix("pihole_"): laid[name] for name in laid if name.startswith("pihole_")}
    if "pihole" in plan["services"]:
        resolvers = pihole_wanted(plan, said)["resolvers"]
        unbound_config(plan, resolvers["tls_upstreams"], False)
        dnsdist_config(plan, resolvers["https_upstreams"], False)


def test_the_inventory_itself_is_sound(planning: Any) -> None:
    plan = planning.exactly(EDGE)
    render_all(plan, EDGE)
    assert {"waf", "traefik", "authelia", "pihole", "unbound", "maintenance"} <= set(plan["services"])
    assert plan["vpn"]["devices"] == ["anna.phone"]


@pytest.mark.parametrize("name", sorted(name for name in EDGE if name.startswith(("pihole_", "authelia_", "traefik_"))))
def test_nothing_stands_for_the_usual(planning: Any, name: str) -> None:
    """A key whose lines are all commented out is null in YAML."""
    variables = {**EDGE, name: None}
    render_all(planning.exactly(variables), variables)


@settings(max_examples=150)
@given(place=st.sampled_from(sorted(places(EDGE), key=str)), value=st.sampled_from(LIKELY) | GARBAGE)
def test_garbage_is_refused_or_rendered(planning: Any, place: tuple[Any, ...], value: Any) -> None:
    variables = with_one(place, value)
    try:
        plan = planning.exactly(variables)
    except PlanError:
        return
    render_all(plan, variables)
