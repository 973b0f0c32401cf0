# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for the home in the plan: mistakes are told before a host is touched, and names without an address too."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.collection import collection_root
from ansible_collections.kronos.homelab.plugins.plugin_utils.dns_model import PREFIX, Variables
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError

STACKS = ["traefik", "pihole"]


def test_the_roles_defaults_are_the_models_own() -> None:
    defaults = yaml.safe_load((collection_root() / "roles/pihole/defaults/main.yml").read_text())
    plain = Variables().model_dump()
    plain["tls_upstreams"] = [{key: one[key] for key in ("address", "name")} for one in plain["tls_upstreams"]]
    assert {PREFIX + key: value for key, value in plain.items()} == defaults


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"pihole_upstreams": ["dns.google"]}, "pihole_upstreams: [0]: found 'dns.google'; wanted an IP address"),
        ({"pihole_upstreams": ["192.0.2.10"]}, "pihole_upstreams: [0]: found 192.0.2.10, which is Pi-hole itself"),
        ({"pihole_upstreams": []}, "pihole_upstreams: found no server; wanted one at least"),
        ({"pihole_blocking": "perhaps"}, "pihole_blocking: found 'perhaps'; wanted true or false"),
        ({"pihole_hosts": {"a": "192.0.2.1"}}, "pihole_hosts: found a mapping; wanted a list"),
        ({"pihole_hosts": ["{{ nowhere }}"]}, "pihole_hosts"),
        ({"pihole_groups": [{"name": "a"}, {"name": "a"}]}, "pihole_groups: found a twice; wanted it once"),
        (
            {"pihole_config": {"webserver": {"api": {"password": "x"}}}},
            "pihole_config: webserver.api.password: found a",
        ),
    ],
)
def test_mistakes_are_the_plans(planning: Any, said: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError) as caught:
        planning.plan(kronos_stacks=STACKS, **said)
    assert message in caught.value.message()


def test_where_no_pihole_runs_its_variables_are_nobodys(planning: Any) -> None:
    assert "pihole" not in planning.plan(kronos_stacks=["traefik"], pihole_upstreams=["dns.google"])["services"]


def test_names_without_an_address_are_told(planning: Any) -> None:
    nas = {
        "kronos_domain": "nas.example",
        "kronos_address": "nas.fritz.box",
        "kronos_lan": ["192.0.2.0/24"],
        "kronos_stacks": ["traefik"],
        "kronos_services": {"echo": {"image": "x/echo:1", "routes": [{"host": "echo", "port": 80, "access": "lan"}]}},
    }
    assert planning.plan(kronos_stacks=STACKS)["cautions"] == []
    said = planning.plan({"nas": nas}, kronos_stacks=STACKS)["cautions"]
    names = "echo.nas.example, nas.nas.example, traefik.nas.example"
    assert said == [f"Pi-hole has no address for {names}: kronos_address of the host that serves them is a name"]
    assert planning.plan({"nas": nas}, kronos_stacks=["traefik"])["cautions"] == []
