# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import DockerMissing
from ansible_collections.kronos.homelab.plugins.module_utils.stack_execute import StackFailed
from ansible_collections.kronos.homelab.plugins.module_utils.stack_report import report
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import IMAGE, demo_host, stack


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def host(tmp_path):
    return demo_host(tmp_path)


def look(host, name=""):
    return report(name, host.world(), host.layout(""))


def test_what_stands(host):
    host.converge(**stack(host))
    host.converge(**stack(host, web="1.1"))
    host.box("late").definition["image"] = f"{IMAGE}sick"
    found = look(host)["demo"]
    assert {key: found[key] for key in ("project", "result", "failure", "unfinished", "generation")} == {
        "project": "kronos-demo",
        "result": "good",
        "failure": None,
        "unfinished": False,
        "generation": 2,
    }
    assert {number: images["web"] for number, images in found["generations"].items()} == {
        "1": f"{IMAGE}1.0",
        "2": f"{IMAGE}1.1",
    }
    services = found["services"]
    assert {name: one["health"] for name, one in services.items() if name != "late"} == dict.fromkeys(
        ("once", "rules", "web"), "healthy"
    )
    assert services["late"]["health"].startswith("does not give HTTP 2xx or 3xx")
    assert services["web"]["networks"] == ["kronos-default"]


def test_a_change_that_was_turned_back_is_told(host):
    host.converge(**stack(host))
    host.log = "to$ken-'\"\\-marker"
    with pytest.raises(StackFailed):
        host.converge(**stack(host, web="sick"))
    found = look(host, "demo")["demo"]
    assert (found["result"], found["generation"]) == ("good", 1)
    assert (found["failure"]["service"], found["failure"]["logs"]) == ("web", ["********"])
    assert "marker" not in json.dumps(found)


def test_a_service_without_its_container_and_one_that_failed_at_first(host):
    with pytest.raises(StackFailed):
        host.converge(**stack(host, web="sick"))
    found = look(host)["demo"]
    assert (found["result"], found["generation"], found["generations"]) == ("failed", 0, {})
    assert found["services"]["web"]["state"] == "exited (0)"
    host.converge(**stack(host))
    del host.boxes[host.box("web").id]
    assert look(host)["demo"]["services"]["web"] == {"container": "", "state": "missing", "health": "has no container"}


def test_without_docker_and_without_anything(host):
    assert look(host) == {}

    def connect():
        raise DockerMissing("no Docker")

    host.converge(**stack(host))
    assert look(host, "other") == {}
    found = report("", dataclasses.replace(host.world(), connect=connect), host.layout(""))["demo"]
    assert found["services"]["web"]["health"] == "unknown"


def test_what_cannot_be_read_is_no_reason_to_fail(host):
    host.converge(**stack(host))
    for path in (host.layout().state, f"{host.layout().generations}/1/generation.json", host.layout().journal):
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("{")
    found = look(host)["demo"]
    assert (found["result"], found["unfinished"], found["generations"]) == ("unknown", True, {"1": {}})
    assert found["services"]["web"]["state"] == "running"
