# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings and their defaults."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Settings, defaults


def test_every_default_is_there_for_templates() -> None:
    required = {name for name, field in Settings.model_fields.items() if field.is_required()}
    assert required == {"domain", "address"}
    assert set(defaults()) == {f"kronos_{name}" for name in Settings.model_fields} - {"kronos_domain", "kronos_address"}
    assert defaults()["kronos_tls"]["mode"] == "internal_ca"


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_settings_in_the_plan(planning: Any) -> None:
    plan = planning.plan(
        kronos_lan=["192.0.2.0/24", "2001:db8::/64"], kronos_address="Lab.Example", kronos_uid="{{ 500 + 1 }}"
    )
    assert plan["settings"]["lan"] == ["192.0.2.0/24", "2001:db8::/64"]
    assert plan["settings"]["address"] == "lab.example"
    assert plan["settings"]["uid"] == 501
    assert "stacks" not in plan["settings"]
    assert "image_mirror_ca" not in plan["settings"]


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("kronos_timezone", "Europe/Madrid; x", "text of the form"),
        ("kronos_address", "::g", "an IP address"),
        ("kronos_host_gateway", "docker0", "an IP address"),
        ("kronos_https_port", 0, "at least 1"),
        ("kronos_health_timeout", 1, "at least 5"),
        ("kronos_ipv6", "perhaps", "true or false"),
        ("kronos_image_mirror", "a\nb", "a registry such as"),
        ("kronos_allowed_ports", ["ssh"], "a whole number"),
        ("kronos_domain", "Home Example", "a host name"),
        ("kronos_domain", ["home"], "text"),
        ("kronos_services", "text", "a mapping of names to services"),
        ("kronos_secrets", ["a"], "a mapping of services to their secrets"),
        ("kronos_stacks", "media", "a list"),
    ],
)
def test_wrong_settings(planning: Any, name: str, value: Any, wanted: str) -> None:
    with pytest.raises(PlanError) as caught:
        planning.plan(**{name: value})
    (problem,) = caught.value.problems
    assert problem.source == name
    assert wanted in problem.wanted
