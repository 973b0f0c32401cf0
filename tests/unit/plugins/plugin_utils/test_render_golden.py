# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole stacks, as files: what one inventory becomes. KRONOS_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_alertmanager import alertmanager_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_blackbox import blackbox_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_compose import compose_project
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_homer import homer_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_prometheus import prometheus_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_rules import prometheus_rules
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_stack import stack_services
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_tls import tls_names
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import traefik_static
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_dynamic import traefik_dynamic
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_yaml import yaml_text

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
STACKS = ("traefik", "dashboard", "monitoring", "media", "own")

CONFIGURATIONS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "traefik/config/traefik.yml": traefik_static,
    "traefik/dynamic/kronos.yml": traefik_dynamic,
    "traefik/names.yml": tls_names,
    "dashboard/assets/config.yml": homer_config,
    "monitoring/prometheus.yml": prometheus_config,
    "monitoring/rules.yml": prometheus_rules,
    "monitoring/alertmanager.yml": alertmanager_config,
    "monitoring/blackbox.yml": blackbox_config,
}


@pytest.fixture(scope="module")
def plan(planning: Any) -> Any:
    """The plan of the golden inventory."""
    return planning.exactly(yaml.safe_load((GOLDEN / "inventory.yml").read_text(encoding="utf-8")))


def compare(name: str, data: Any) -> None:
    """Compare with the golden file, or write it."""
    path, text = GOLDEN / name, yaml_text(data)
    if os.environ.get("KRONOS_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
    assert yaml.safe_load(text) == data


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_golden_configuration(name: str, plan: Any) -> None:
    compare(name, CONFIGURATIONS[name](plan))


@pytest.mark.parametrize("stack", STACKS)
def test_golden_compose_project(stack: str, plan: Any) -> None:
    compare(f"{stack}/compose.yml", compose_project(plan, stack))


@pytest.mark.parametrize("stack", STACKS)
def test_golden_stack_services(stack: str, plan: Any) -> None:
    compare(f"{stack}/services.yml", stack_services(plan, stack))


def test_golden_files_are_all_used(plan: Any) -> None:
    wanted = {*CONFIGURATIONS, *(f"{stack}/{kind}.yml" for stack in STACKS for kind in ("compose", "services"))}
    found = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.yml")}
    assert found == wanted | {"inventory.yml"}
    assert sorted(plan["stack_order"]) == sorted(STACKS)
