# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules, and the proof that Prometheus took them."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_rules import (
    prometheus_reload_check,
    prometheus_rules,
)

PEER = {
    "address": "192.0.2.11",
    "published": [{"service": "app", "port": 9000, "target": 9000, "protocol": "tcp"}],
    "scrapes": [{"service": "app", "job": "app", "target": "app:9000", "path": "/metrics", "host": "lab2"}],
}
ALERT = {
    "service": "app",
    "alert": "AppSlow",
    "expr": "app > 1",
    "for": "5m",
    "severity": "warning",
    "summary": "{{ $value }} is slow",
}


def alerts(plan: Any) -> dict[str, Any]:
    """Alert rules by name; a name given twice is a mistake."""
    rules = [rule for group in prometheus_rules(plan)["groups"] for rule in group["rules"] if "alert" in rule]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    return {rule["alert"]: rule for rule in rules}


def test_every_plan_has_these(plans: Any) -> None:
    rules = alerts(plans.plan())
    assert set(rules) == {"ServiceDown", "ProbesMissing", "RouteDown", "CertificateExpiring"}
    assert {rules[name]["for"] for name in ("ServiceDown", "RouteDown")} == {"2m"}
    assert "14 * 86400" in rules["CertificateExpiring"]["expr"]
    for rule in rules.values():
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ({"peers": {"lab2": PEER}}, {"HostDown"}),
        ({"peers": {"lab2": {**PEER, "published": []}}}, set()),
        ({"services": {"node-exporter": {}}}, {"FilesystemAlmostFull", "MemoryAlmostFull"}),
        ({"alerts": [ALERT]}, {"AppSlow"}),
    ],
)
def test_more_rules(said: dict[str, Any], more: set[str], plans: Any) -> None:
    assert set(alerts(plans.plan(**said))) - set(alerts(plans.plan())) == more


def test_rule_of_a_record(plans: Any) -> None:
    assert alerts(plans.plan(alerts=[ALERT]))["AppSlow"] == {
        "alert": "AppSlow",
        "expr": "app > 1",
        "for": "5m",
        "labels": {"service": "app", "severity": "warning"},
        "annotations": {"summary": "{{ $value }} is slow"},
    }


def test_host_name_is_quoted(plans: Any) -> None:
    plan = plans.plan(peers={"lab2": PEER}, host='a"b\\c')
    assert alerts(plan)["HostDown"]["expr"] == 'max by (host) (up{host!="a\\"b\\\\c"}) == 0'


def test_reload_check_tells_revisions_apart(plans: Any) -> None:
    one, other = plans.plan(), plans.plan(alerts=[ALERT])
    scraped = plans.plan(scrapes=[{"service": "app", "job": "app", "target": "app:1", "path": "/", "host": "lab1"}])
    check = prometheus_reload_check(one)["http"]
    assert (check["port"], check["path"]) == (9090, "/api/v1/rules")
    for plan, holds in ((one, True), (other, False), (scraped, False)):
        answer = {"status": "success", "data": prometheus_rules(plan)}
        assert jmespath.search(check["expect"], answer) is holds
