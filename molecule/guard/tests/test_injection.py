# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that try to be more than text arrive on a real host as what they are."""

from __future__ import annotations

import json
from typing import Any

import labtest
import pytest
import yaml
from guarding import watch
from guarding.records import SAY, TEXTS
from guarding.story import Story

READ = """
import json, os
with open("/proc/1/cmdline", "rb") as stream:
    print(json.dumps([stream.read().decode().split("\\0")[:-1], dict(os.environ)]))
"""
ASK = """
import subprocess
command = ["docker", "exec", "literal", "python3", "-c", data]
result = subprocess.run(command, capture_output=True, text=True, check=True).stdout
"""


@pytest.fixture(scope="module")
def inside() -> tuple[list[str], dict[str, str]]:
    """Arguments of the service's first process, and the environment, seen from within."""
    arguments, environment = json.loads(watch.remote(ASK, READ))
    return arguments, environment


def test_every_argument_is_literal(inside: tuple[list[str], dict[str, str]]) -> None:
    assert inside[0] == ["python3", "-c", SAY, *TEXTS.values()]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_variable_is_literal(inside: tuple[list[str], dict[str, str]], name: str) -> None:
    assert inside[1][f"T_{name}"] == TEXTS[name]


def test_every_label_is_literal(host: Any) -> None:
    labels = labtest.inspect(host, ["literal"])["literal"]["Config"]["Labels"]
    assert {name: labels[f"text.{name}"] for name in TEXTS} == TEXTS


def test_the_dashboard_says_the_very_texts(host: Any) -> None:
    config = yaml.safe_load(host.file("/opt/kronos/stacks/dashboard/files/homer/assets/config.yml").content_string)
    (group,) = [group for group in config["services"] if group["name"] == TEXTS["prometheus"]]
    (tile,) = group["items"]
    assert (tile["name"], tile["subtitle"]) == (TEXTS["html"], TEXTS["quotes"])


def test_the_proxy_has_no_router_but_those_of_the_plan(host: Any, story: Story) -> None:
    config = yaml.safe_load(host.file("/opt/kronos/stacks/traefik/files/traefik/dynamic/kronos.yml").content_string)
    rule = config["http"]["routers"]["literal"]["rule"]
    assert rule == "Host(`literal.guard.localhost`) && (Path(`/a,b+c&d=*`) || PathPrefix(`/a,b+c&d=*/`))"
    assert labtest.fetch("literal", "/anything").status == 404


def test_prometheus_takes_the_rule_with_its_very_texts(host: Any) -> None:
    rules = [rule for group in labtest.prometheus_api(host, "rules")["groups"] for rule in group["rules"]]
    (odd,) = [rule for rule in rules if rule["name"] == "Odd"]
    assert odd["annotations"]["summary"] == TEXTS["prometheus"] + TEXTS["dollars"]
    assert odd["health"] in ("ok", "unknown")
    assert {rule["labels"]["service"] for rule in rules if rule["name"] == "Odd"} == {"literal"}


def test_what_lies_on_the_host_is_no_template(story: Story) -> None:
    folder = "/opt/kronos/stacks/{{ lookup('pipe', 'touch $(echo .tmp.guard-pwned | tr . /)') }}"
    watch.remote("import os; os.makedirs(data)", folder)
    try:
        run = labtest.site(*story.secrets(), **story.variables, kronos_fast=False)
        assert run.code == 0, run.output
        assert (run.changed, run.actions()) == ([], {})
        found = watch.remote("import os; result = [os.path.isdir(data), os.path.exists('/tmp/guard-pwned')]", folder)
        assert found == [True, False], "left alone, and not run"
    finally:
        watch.remote("import os; os.rmdir(data)", folder)


def test_a_stack_that_is_a_path_is_refused_before_anything_is_removed() -> None:
    watch.remote("import os; os.makedirs('/opt/victim', exist_ok=True)")
    run = labtest.play("remove.yml", variables={"stack": "../../victim"})
    assert run.code != 0
    assert "lower-case letters, digits and `-` are wanted in a name" in run.output
    assert watch.remote("import os; result = os.path.isdir('/opt/victim'); os.rmdir('/opt/victim')")
