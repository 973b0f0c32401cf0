# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every sound inventory: it makes a plan, its order means nothing, and every output says it exactly."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.template import trust_as_template
from ansible_collections.kronos.homelab.plugins.module_utils import compose, stack_model, stack_render
from ansible_collections.kronos.homelab.plugins.module_utils.printable import COMMANDING
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.plugin_utils.catalogue import load_catalogue
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError
from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_alertmanager import alertmanager_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_blackbox import blackbox_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_compose import compose_project
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_homer import homer_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_prometheus import prometheus_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_rules import prometheus_rules
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_stack import stack_services
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import traefik_static
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_dynamic import traefik_dynamic
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_yaml import yaml_text
from ansible_collections.kronos.homelab.tests.unit.fakes.some_inventories import GARBAGE, inventories
from hypothesis import given, settings
from hypothesis import strategies as st

RENDERERS: list[Callable[[Mapping[str, Any]], Any]] = [
    traefik_static,
    traefik_dynamic,
    homer_config,
    prometheus_config,
    prometheus_rules,
    alertmanager_config,
    blackbox_config,
]
HOST = r"Host\(`[a-z0-9.-]+`\)"
PART = r"`/[^`{}\s\"']*`"
VEILED = re.compile(r"Host\(`[a-z0-9.-]+`\) && PathRegexp\(`\(\?i\)\(;\|\[\\x00-\\x1F\\x7F\](\|%[0-9A-F]{2})+\)`\)")
RULE = re.compile(rf"({HOST}|\({HOST}( \|\| {HOST})+\))( && \(Path\({PART}\) \|\| PathPrefix\({PART}\)\))?")


def shuffled(value: Any, source: random.Random) -> Any:
    """The same mapping, its keys in another order."""
    if isinstance(value, dict):
        keys = list(value)
        source.shuffle(keys)
        return {key: shuffled(value[key], source) for key in keys}
    return [shuffled(item, source) for item in value] if isinstance(value, list) else value


def layered(variables: Mapping[str, Any], source: random.Random) -> dict[str, Any]:
    """The same inventory, each key of a record in one of three layers."""
    layers: dict[str, Any] = {"kronos_services": {}, "kronos_services_b": {}, "kronos_services_c": {}}
    for name, record in variables["kronos_services"].items():
        for key, value in record.items():
            layers[source.choice(list(layers))].setdefault(name, {})[key] = value
    return {**variables, **layers}


@given(inventories(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_means_nothing(planning: Any, variables: dict[str, Any], source: random.Random) -> None:
    before = copy.deepcopy(variables)
    plan = planning.plan(**variables)
    assert variables == before, "the input is left as it was"
    assert set(variables["kronos_services"]) <= set(plan["services"])
    assert json.loads(json.dumps(plan)) == plan
    assert planning.plan(**shuffled(variables, source))["digest"] == plan["digest"]
    assert planning.plan(**layered(variables, source))["digest"] == plan["digest"]


@settings(max_examples=4)
@given(variables=inventories(), source=st.randoms(use_true_random=False))
def test_the_order_of_record_files_means_nothing(
    planning: Any, tmp_path_factory: pytest.TempPathFactory, variables: dict[str, Any], source: random.Random
) -> None:
    def of_files(names: list[str]) -> str:
        root = tmp_path_factory.mktemp("collection")
        folder = root / "roles" / "many" / "services"
        folder.mkdir(parents=True)
        for name in names:
            record = {"name": name, **variables["kronos_services"][name]}
            Path(folder, f"{name}.yml").write_text(yaml.safe_dump(record), encoding="utf-8")
        maker = type(planning)(load_catalogue(root, trust_as_template))
        rest = {key: value for key, value in variables.items() if key != "kronos_services"}
        return str(maker.plan(**{**rest, "kronos_stacks": ["many"]})["digest"])

    names = list(variables["kronos_services"])
    assert of_files(source.sample(names, len(names))) == of_files(names)


@given(inventories())
def test_every_output_says_exactly_what_was_meant(planning: Any, variables: dict[str, Any]) -> None:
    plan = planning.plan(**variables)
    again = json.loads(json.dumps(plan))
    for render in RENDERERS:
        data = render(plan)
        text = yaml_text(data)
        assert yaml.safe_load(text) == data, render.__name__
        assert text == yaml_text(render(again)), "the same plan, the same text"
        assert text.encode(), "it can be written"
    routes_are_rules(plan)
    for stack in plan["stack_order"]:
        compose_is_literal(plan, stack, variables["kronos_services"])
        stack_is_rendered(plan, stack)


@given(inventories(), st.data())
def test_a_record_with_garbage_is_refused_or_rendered(
    planning: Any, variables: dict[str, Any], data: st.DataObject
) -> None:
    services = variables["kronos_services"]
    record = services[data.draw(st.sampled_from(sorted(services)))]
    record[data.draw(st.sampled_from(sorted(Service.model_fields)))] = data.draw(GARBAGE)
    try:
        plan = planning.plan(**variables)
    except PlanError as error:
        said = error.message().replace("\n", "")
    else:
        said = ""
    assert not COMMANDING.search(said)
    if said:
        return
    for render in RENDERERS:
        assert yaml.safe_load(yaml_text(render(plan))) == render(plan), render.__name__
    routes_are_rules(plan)
    for stack in plan["stack_order"]:
        stack_is_rendered(plan, stack)


def routes_are_rules(plan: Mapping[str, Any]) -> None:
    """Every router asks for its hosts and at most one path, and nothing else stands in its rule."""
    dynamic = traefik_dynamic(plan)
    found = dynamic["http"].get("routers", {})
    veiled = {name: router for name, router in found.items() if name.startswith("veiled.")}
    assert all(VEILED.fullmatch(router["rule"]) for router in veiled.values()), veiled
    routers = {name: router for name, router in found.items() if name not in veiled}
    assert set(routers) == {route["name"] for route in plan["routes"]}
    assert all(RULE.fullmatch(router["rule"]) for router in routers.values()), routers
    # Traefik runs dynamic files through Go's templates.
    assert "{{" not in yaml_text(dynamic)


def interpolated(value: Any) -> Any:
    """What compose makes of values: ``$$`` is a dollar sign; any other use of one would be an interpolation."""
    if isinstance(value, str):
        assert "$" not in value.replace("$$", ""), value
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key: interpolated(item) for key, item in value.items()}
    return [interpolated(item) for item in value] if isinstance(value, list) else value


def compose_is_literal(plan: Mapping[str, Any], stack: str, records: Mapping[str, Any]) -> None:
    """compose reads every value as the record has it."""
    project = compose_project(plan, stack)
    assert interpolated(yaml.safe_load(compose.project_text(project))) == project
    for name in set(records) & set(project["services"]):
        seen, said = project["services"][name], records[name]
        for key, value in said.get("environment", {}).items():
            if isinstance(value, str):
                assert seen["environment"][key] == value
        for key in ("command", "entrypoint"):
            assert seen.get(key) == (said.get(key) or None)


def stack_is_rendered(plan: Mapping[str, Any], stack: str) -> None:
    """The stack module takes the project, renders it the same each time, and no secret stands in its compose file."""
    secrets = {
        name: {secret["name"]: "s3cret" for secret in plan["secrets"] if secret["service"] == name}
        for name in plan["stacks"][stack]["services"]
    }

    def rendered() -> stack_render.Rendered:
        parsed = stack_model.parse(stack, compose_project(plan, stack), stack_services(plan, stack))
        return stack_render.render(parsed, secrets, b"key", Layout(stack))

    one, other = rendered(), rendered()
    assert one.digest == other.digest
    assert [file.content for file in one.files] == [file.content for file in other.files]
    text = one.files[0].content.decode()
    assert "s3cret" not in text
    assert interpolated(yaml.safe_load(text)) == json.loads(json.dumps(one.project))
