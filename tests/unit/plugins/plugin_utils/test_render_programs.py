# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs themselves judge what is rendered for them, where they are installed."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import jmespath
import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_alertmanager import alertmanager_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_blackbox import blackbox_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_prometheus import prometheus_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_rules import prometheus_rules
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import DYNAMIC_FOLDER, traefik_static
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_dynamic import (
    traefik_dynamic,
    traefik_reload_check,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_yaml import yaml_text

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
TRAEFIK_STARTS_WITHIN = 20.0


def program(*names: str) -> str:
    """Return the first of these programs that is installed; without one the test is skipped."""
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    pytest.skip(f"{names[0]} is not installed")


def judge(*command: str | Path) -> None:
    """Run a program that says by its exit code whether it likes a file."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def put(folder: Path, name: str, data: Any, **moved: str) -> Path:
    """Write a rendered file, with paths of the container replaced by those of the test."""
    text = yaml_text(data)
    for found, path in moved.items():
        text = text.replace(found, path)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.fixture(scope="module")
def plan(planning: Any) -> Any:
    """The plan of the golden inventory."""
    return planning.exactly(yaml.safe_load((GOLDEN / "inventory.yml").read_text(encoding="utf-8")))


def test_prometheus(plan: Any, tmp_path: Path) -> None:
    promtool = program("promtool")
    put(tmp_path, "rules.yml", prometheus_rules(plan))
    config = put(tmp_path, "prometheus.yml", prometheus_config(plan), **{"/etc/prometheus": str(tmp_path)})
    judge(promtool, "check", "config", "--lint=all", "--lint-fatal", config)


def test_alertmanager(plan: Any, tmp_path: Path) -> None:
    judge(program("amtool"), "check-config", put(tmp_path, "alertmanager.yml", alertmanager_config(plan)))


def test_blackbox_exporter(plan: Any, tmp_path: Path) -> None:
    exporter = program("blackbox_exporter", "prometheus-blackbox-exporter")
    config = put(tmp_path, "blackbox.yml", blackbox_config(plan))
    judge(exporter, f"--config.file={config}", "--config.check")


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on just now."""
    sockets = [socket.socket() for _port in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def on_loopback(plan: Any, folder: Path) -> tuple[Any, int]:
    """Return the static configuration with entry points on free ports, and the port of the API."""
    static = traefik_static(plan)
    ports = dict(zip(static["entryPoints"], free_ports(len(static["entryPoints"]))))
    for name, port in ports.items():
        static["entryPoints"][name]["address"] = f"127.0.0.1:{port}"
    assert static["providers"]["file"]["directory"] == DYNAMIC_FOLDER
    static["providers"]["file"]["directory"] = str(folder)
    return static, ports["traefik"]


def ask(port: int, path: str) -> Any:
    """Return the JSON answer, or None while there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def test_traefik_takes_it_and_says_so(plan: Any, tmp_path: Path) -> None:
    traefik = program("traefik")
    dynamic = tmp_path / "dynamic"
    dynamic.mkdir()
    put(dynamic, "kronos.yml", traefik_dynamic(plan))
    static, port = on_loopback(plan, dynamic)
    check = traefik_reload_check(plan)["http"]
    log = tmp_path / "log"
    with log.open("wb") as output:
        command = [traefik, f"--configfile={put(tmp_path, 'traefik.yml', static)}"]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + TRAEFIK_STARTS_WITHIN
        answer = None
        while time.monotonic() < deadline and process.poll() is None:
            answer = ask(port, check["path"])
            if answer and jmespath.search(check["expect"], answer):
                break
            time.sleep(0.2)
        shown = {name.removesuffix("@file") for name in (answer or {}).get("routers", {}) if name.endswith("@file")}
        assert shown == {route["name"] for route in plan["routes"]}, log.read_text()
        assert jmespath.search(check["expect"], answer) is True, answer
    finally:
        process.terminate()
        process.wait(10)
