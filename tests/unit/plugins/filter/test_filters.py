# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every filter is documented as it is, and does in Jinja what its example says."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[4]
FOLDER = ROOT / "plugins" / "filter"
PACKAGE = "ansible_collections.kronos.homelab.plugins.filter"

FILTERS = {
    name: function
    for path in sorted(FOLDER.glob("*.py"))
    for name, function in importlib.import_module(f"{PACKAGE}.{path.stem}").FilterModule().filters().items()
}
DOCS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))}
RENAMED = {"demo.localhost": "home.example", "registry.kronos-lab:5000": "registry.home.example"}

EXAMPLES = [
    (name, template, result)
    for name, documentation in DOCS.items()
    for template, result in re.findall(r'msg: "(\{\{ .*? \}\})"\n# => (.*)\n', documentation["EXAMPLES"])
]
ERRORS = [
    ("{{ 'x' | kronos.homelab.traefik_static }}", "input: a plan is wanted, found 'x'"),
    ("{{ {} | kronos.homelab.homer_config }}", "input: a plan is wanted, found an empty mapping"),
    ("{{ {'schema': 2, 'services': {}} | kronos.homelab.tls_names }}", "input.schema: 1 is wanted, found 2"),
    ("{{ plan | kronos.homelab.compose_project('medai') }}", "did you mean 'media'"),
    ("{{ plan | kronos.homelab.compose_project }}", "missing 1 required positional argument: 'stack'"),
    ("{{ plan | kronos.homelab.stack_services('media', {'x': []}) }}", "files.x: no such service"),
]
# Text from elsewhere is no template: braces stay braces.
BRACES = "{{ {'b': [text, 2], 'a': None} | kronos.homelab.yaml_text('') }}"


def example_plan() -> Any:
    """The example plan, under the names that the documentation uses."""
    text = (ROOT / "tests" / "unit" / "fixtures" / "plan_example.json").read_text(encoding="utf-8")
    for found, name in {**RENAMED, "172.28.80.11": "192.0.2.10"}.items():
        text = text.replace(found, name)
    return json.loads(text)


@pytest.fixture(scope="module")
def rendered() -> Any:
    """What Ansible makes of every template of this file: {template: {value} or {error}}."""
    plan = example_plan()
    templates = [
        *(template for _name, template, _result in EXAMPLES),
        *(template for template, _error in ERRORS),
        BRACES,
    ]
    question = {"templates": templates, "variables": {"kronos_plan": plan, "plan": plan, "text": "x{{ 1 }}"}}
    answer = subprocess.run(
        [sys.executable, Path(__file__).with_name("render_templates.py"), ROOT / ".ansible" / "collections"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(templates, json.loads(answer.stdout)))


def test_each_filter_is_documented() -> None:
    assert set(DOCS) == set(FILTERS)


@pytest.mark.parametrize("name", DOCS)
def test_arguments_are_those_of_the_documentation(name: str) -> None:
    documented = DOCS[name]["DOCUMENTATION"]
    _first, *others = inspect.signature(FILTERS[name]).parameters.values()
    assert documented["name"] == name
    assert set(documented["options"]) == {"_input", *(parameter.name for parameter in others)}
    positional = documented.get("positional", "")
    assert [part.strip() for part in positional.split(",") if part] == [parameter.name for parameter in others]
    for parameter in others:
        required = documented["options"][parameter.name].get("required", False)
        assert required == (parameter.default is inspect.Parameter.empty)


@pytest.mark.parametrize(("name", "template", "result"), EXAMPLES)
def test_example_is_true(name: str, template: str, result: str, rendered: Any) -> None:
    assert f"kronos.homelab.{name}" in template
    assert rendered[template] == {"value": json.loads(result)}


@pytest.mark.parametrize(("template", "message"), ERRORS)
def test_errors_say_where(template: str, message: str, rendered: Any) -> None:
    assert message in rendered[template].get("error", "no error")


def test_braces_in_data(rendered: Any) -> None:
    assert rendered[BRACES] == {"value": 'b:\n  - "x{{ 1 }}"\n  - 2\na: null\n'}


NO_PLAN_ALONE = {"compose_project", "stack_services", "yaml_text", "cloudflare_networks"}


@pytest.mark.parametrize("name", sorted(set(FILTERS) - NO_PLAN_ALONE))
def test_nothing_is_changed(name: str) -> None:
    plan = example_plan()
    result = FILTERS[name](plan)
    assert plan == example_plan()
    assert FILTERS[name](plan) == result
