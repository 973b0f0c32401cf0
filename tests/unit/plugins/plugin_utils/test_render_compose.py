# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose projects, case by case."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_compose import compose_project

LINUXSERVER = {"uid": 1000, "gid": 100, "how": "puid"}
DATA = {"kind": "data", "source": "/srv/kronos/app/data", "target": "/data", "read_only": False}
SHARE = {"kind": "storage", "source": "/mnt/media/films", "target": "/films", "read_only": True}
PORT = {"port": 2222, "target": 22, "protocol": "tcp", "reach": "lan"}

# what the plan says of the service, and the keys of compose that follow
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "hardened": (
        {},
        {
            "container_name": "app",
            "security_opt": ["no-new-privileges:true"],
            "cap_drop": ["ALL"],
            "cap_add": None,
            "init": True,
            "read_only": None,
            "restart": "unless-stopped",
            "logging": {"driver": "journald", "options": {"tag": "app"}},
            "mem_limit": "512m",
            "pids_limit": 512,
            "cpus": None,
            "stop_grace_period": "30s",
            "labels": None,
            "user": None,
        },
    ),
    "no init for s6": ({"init": False}, {"init": False}),
    "run as": ({"user": {"uid": 7, "gid": 8, "how": "run"}}, {"user": "7:8", "environment": None}),
    "run as root, said": ({"user": {"uid": 0, "gid": 0, "how": "run"}}, {"user": "0:0"}),
    "puid": ({"user": LINUXSERVER}, {"user": None, "environment": {"PGID": "100", "PUID": "1000"}}),
    "environment wins over puid": (
        {"user": LINUXSERVER, "environment": {"PUID": "0"}},
        {"environment": {"PGID": "100", "PUID": "0"}},
    ),
    "literal values": ({"environment": {"A": "$x ${y} $$"}}, {"environment": {"A": "$x ${y} $$"}}),
    "secret file": (
        {"secret_files": {"DB_PASSWORD_FILE": "db"}, "secret_environment": {"KEY": "key"}},
        {"environment": {"DB_PASSWORD_FILE": "/run/secrets/db"}, "env_file": None},
    ),
    "job": ({"kind": "job"}, {"restart": "no"}),
    "capabilities": ({"capabilities": ["SETUID", "CHOWN"]}, {"cap_add": ["CHOWN", "SETUID"]}),
    "limits": (
        {"limits": {"memory": "1g", "pids": 9, "cpus": 1.5}},
        {"mem_limit": "1g", "pids_limit": 9, "cpus": 1.5},
    ),
    "another container's network": (
        {"compose": {"network_mode": "container:vpn"}, "networks": []},
        {"network_mode": "container:vpn", "networks": None, "ports": None},
    ),
    "host network": (
        {"network": "host", "networks": [], "published": [PORT]},
        {"network_mode": "host", "networks": None, "ports": None},
    ),
    "one network": ({}, {"networks": {"kronos-default": {}}}),
    "the way out comes first": (
        {"networks": ["kronos-media", "kronos-in-media"]},
        {"networks": {"kronos-media": {"priority": 1000}, "kronos-in-media": {}}},
    ),
    "ports": (
        {"published": [PORT]},
        {"ports": [{"target": 22, "published": "2222", "host_ip": "0.0.0.0", "protocol": "tcp"}]},
    ),
    "data": (
        {"mounts": [DATA]},
        {
            "volumes": [
                {
                    "type": "bind",
                    "source": "/srv/kronos/app/data",
                    "target": "/data",
                    "bind": {"create_host_path": False},
                }
            ]
        },
    ),
    "share of another machine": (
        {"mounts": [SHARE]},
        {
            "restart": "on-failure",
            "volumes": [
                {
                    "type": "bind",
                    "source": "/mnt/media/films",
                    "target": "/films",
                    "read_only": True,
                    "bind": {"create_host_path": False},
                }
            ],
        },
    ),
    "a folder beside the share": (
        {"mounts": [{**SHARE, "source": "/mnt/media2"}]},
        {"restart": "unless-stopped"},
    ),
    "the whole host": (
        {"mounts": [{"kind": "host", "source": "/", "target": "/host", "read_only": True}]},
        {
            "volumes": [
                {
                    "type": "bind",
                    "source": "/",
                    "target": "/host",
                    "read_only": True,
                    "bind": {"create_host_path": False, "propagation": "rslave"},
                }
            ]
        },
    ),
    "command check": (
        {"health": {"http": None, "command": ["ok", "-q"], "timeout": 7}},
        {
            "healthcheck": {
                "test": ["CMD", "ok", "-q"],
                "interval": "10s",
                "timeout": "10s",
                "retries": 3,
                "start_period": "7s",
            }
        },
    ),
    "http check in place of the image's": (
        {"health": {"http": {"port": 1}, "command": None, "timeout": 7, "image_check": False}},
        {"healthcheck": {"disable": True}},
    ),
    "http check": ({"health": {"http": {"port": 1}, "command": None, "timeout": 7}}, {"healthcheck": None}),
    "passed on": (
        {"tmpfs": ["/tmp"], "devices": ["/dev/dri"], "sysctls": {"a": "1"}, "hostname": "box", "command": ["x"]},
        {"tmpfs": ["/tmp"], "devices": ["/dev/dri"], "sysctls": {"a": "1"}, "hostname": "box", "command": ["x"]},
    ),
    "entry point and read-only root": (
        {"entrypoint": "sh -c", "read_only": True},
        {"entrypoint": "sh -c", "read_only": True},
    ),
    "other keys come last": (
        {"compose": {"shm_size": "64m", "restart": "always", "logging": {"options": {"tag": None, "x": "y"}}}},
        {"shm_size": "64m", "restart": "always", "logging": {"driver": "journald", "options": {"x": "y"}}},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_service(case: str, plans: Any) -> None:
    said, wanted = CASES[case]
    plan = plans.plan(plans.service("app", **said), storage={"media": {"path": "/mnt/media", "guarded": True}})
    before = copy.deepcopy(plan)
    service = compose_project(plan, "own")["services"]["app"]
    assert {key: service.get(key) for key in wanted} == wanted
    assert plan == before


def test_shell_command_waits_as_long_as_the_host_says(plans: Any) -> None:
    plan = plans.plan(plans.service("app", health={"http": None, "command": "ok | grep x", "timeout": None}))
    check = compose_project(plan, "own")["services"]["app"]["healthcheck"]
    assert check["test"] == ["CMD-SHELL", "ok | grep x"]
    assert check["start_period"] == "120s"


def test_ipv6_only_where_asked_for(plans: Any) -> None:
    plan = plans.plan(plans.service("app", published=[PORT]), settings={"ipv6": True})
    ports = compose_project(plan, "own")["services"]["app"]["ports"]
    assert [port["host_ip"] for port in ports] == ["0.0.0.0", "::"]


def test_needs_within_the_stack_only(plans: Any) -> None:
    plan = plans.plan(
        plans.service("far", stack="data"),
        plans.service("once", kind="job"),
        plans.service("near"),
        plans.service("app", needs=["far", "near", "once"]),
    )
    assert compose_project(plan, "own")["services"]["app"]["depends_on"] == {
        "near": {"condition": "service_started"},
        "once": {"condition": "service_completed_successfully"},
    }


def test_networks_are_named_and_not_ours_to_make(plans: Any) -> None:
    plan = plans.plan(plans.service("app", networks=["kronos-b", "kronos-a"]), plans.service("other"))
    assert compose_project(plan, "own") == {
        "name": "kronos-own",
        "services": compose_project(plan, "own")["services"],
        "networks": {name: {"name": name, "external": True} for name in ("kronos-a", "kronos-b", "kronos-default")},
    }


@pytest.mark.parametrize(
    ("stack", "message"),
    [("onw", "stacks: no stack \"onw\" in the plan; did you mean 'own'?"), ("x", 'stacks: no stack "x" in the plan')],
)
def test_unknown_stack(stack: str, message: str, plans: Any) -> None:
    with pytest.raises(RenderError) as error:
        compose_project(plans.plan(plans.service("app")), stack)
    assert str(error.value) == message


def test_a_service_without_a_network_is_refused(plans: Any) -> None:
    with pytest.raises(RenderError, match=r"services\.app\.networks: at least one"):
        compose_project(plans.plan(plans.service("app", networks=[])), "own")


def has_compose() -> bool:
    """Tell whether docker compose is here."""
    docker = shutil.which("docker")
    return bool(
        docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not has_compose(), reason="docker compose is not installed")
def test_compose_takes_it(plans: Any, tmp_path: Any) -> None:
    said: dict[str, Any] = {}
    for case in ("puid", "ports", "share of another machine", "command check", "passed on", "limits"):
        said |= CASES[case][0]
    path = tmp_path / "compose.json"
    path.write_text(json.dumps(compose_project(plans.plan(plans.service("app", **said)), "own")))
    answer = subprocess.run(
        ["docker", "compose", "-f", str(path), "config", "-q"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


def test_the_proxy_has_the_logins_name_in_each_network(plans: Any) -> None:
    proxy = plans.service(
        "traefik", networks=["kronos-edge", "kronos-in-apps"], addresses={"kronos-in-apps": "10.1.0.9"}
    )
    plan = plans.plan(
        proxy, plans.service("other"), settings={"login": "authelia"}, login={"host": "login.home.example"}
    )
    services = compose_project(plan, "own")["services"]
    assert services["traefik"]["networks"] == {
        "kronos-edge": {"priority": 1000, "aliases": ["login.home.example"]},
        "kronos-in-apps": {"ipv4_address": "10.1.0.9", "aliases": ["login.home.example"]},
    }
    assert services["other"]["networks"] == {"kronos-default": {}}
    without = compose_project(plans.plan(proxy, login=None), "own")["services"]["traefik"]["networks"]
    assert "aliases" not in without["kronos-edge"]
