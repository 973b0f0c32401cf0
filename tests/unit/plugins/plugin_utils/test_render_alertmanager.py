# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alertmanager's configuration."""

from __future__ import annotations

from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_alertmanager import alertmanager_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_rules import prometheus_rules


def test_nobody_is_told_yet(plans: Any) -> None:
    config = alertmanager_config(plans.plan())
    assert config["receivers"] == [{"name": config["route"]["receiver"]}]


def test_silences_name_alerts_that_exist(planning: Any) -> None:
    plan = planning.plan(kronos_stacks=["traefik", "monitoring"])
    known = {rule.get("alert") for group in prometheus_rules(plan)["groups"] for rule in group["rules"]}
    for rule in alertmanager_config(plan)["inhibit_rules"]:
        names = {matcher.split('"')[1] for matcher in rule["source_matchers"] + rule["target_matchers"]}
        assert names <= known | {"HostDown"}  # that one needs a second host
        assert "host" in rule["equal"]
