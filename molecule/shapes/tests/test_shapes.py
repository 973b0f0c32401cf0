# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs, databases, secrets in files, calls between zones, services outside: each on a real host."""

from __future__ import annotations

import json
from typing import Any

import labtest
import pytest

USER = {"uid": 1000, "gid": 1000, "how": "run"}
HEALTH = {"http": {"port": 8080, "path": "/health", "expect": "status == 'ok'"}}
ECHO = {"image": "docker.io/kronos/echo:1.0", "user": USER, "health": HEALTH, "limits": {"memory": "64m"}}
SAY = "import pathlib; pathlib.Path('/out/done').write_text('migrated')"
ASK_ITSELF = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health')"

VARIABLES: dict[str, Any] = {
    "kronos_stacks": ["traefik"],
    "kronos_zones": {
        "edge": {"network": {"subnet": "172.22.1.0/24"}},
        "apps": {"network": {"subnet": "172.22.2.0/24"}},
        "media": {"network": {"subnet": "172.22.3.0/24"}},
    },
    "kronos_services_shapes": {
        "store": {
            **ECHO,
            "zone": "data",
            "secrets": {"password": {"format": "alphanumeric", "length": 24}},
            "environment": {"PASSWORD_FILE": {"secret": "password"}},
            "read_only": True,
            "tmpfs": ["/tmp"],
        },
        "front": {
            **ECHO,
            "needs": ["store", "migrate"],
            "routes": [{"host": "front", "port": 8080, "access": "public"}],
        },
        "migrate": {
            "image": ECHO["image"],
            "kind": "job",
            "user": USER,
            "entrypoint": ["python3", "-c", SAY],
            "volumes": [{"name": "out", "target": "/out"}],
        },
        "caller": {**ECHO, "talks_to": ["target"]},
        "stranger": {**ECHO, "health": {"command": ["python3", "-c", ASK_ITSELF]}},
        "target": {**ECHO, "zone": "media"},
        "listener": {
            "image": ECHO["image"],
            "user": USER,
            "network": "host",
            "reasons": {"network": "a test of services on the host's own network"},
        },
        "guarded": {**ECHO, "routes": [{"host": "guarded", "port": 8080, "access": "vpn"}]},
        "nas": {
            "external": {"url": "http://{{ kronos_host_gateway }}:8099"},
            "routes": [{"host": "nas", "access": "public"}],
        },
    },
}


@pytest.fixture(scope="module", autouse=True)
def converged(request: pytest.FixtureRequest) -> labtest.Run:
    """The host with all these records, converged once."""
    run = labtest.site(**VARIABLES)
    assert run.code == 0, run.output
    return run


def reaches(host: Any, source: str, target: str) -> bool:
    call = f"import socket; socket.create_connection(('{target}', 8080), 3)"
    return bool(host.run(f'docker exec {source} python3 -c "{call}"').rc == 0)


def test_a_second_run_changes_nothing() -> None:
    run = labtest.site(**VARIABLES, kronos_fast=False)
    assert run.code == 0, run.output
    assert (run.changed, run.actions()) == ([], {})


@pytest.mark.parametrize(
    ("source", "target", "wanted"),
    [
        ("front", "store", True),
        ("stranger", "store", False),
        ("caller", "store", False),
        ("caller", "target", True),
        ("stranger", "target", False),
        ("stranger", "caller", True),
        ("target", "stranger", False),
        ("traefik", "front", None),
    ],
)
def test_reach_is_what_the_records_declare(host: Any, source: str, target: str, wanted: bool | None) -> None:
    if wanted is None:
        assert labtest.fetch(target).status == 200
    else:
        assert reaches(host, source, target) is wanted


def test_no_container_has_more_than_one_way_out(host: Any) -> None:
    internal = {
        one["Name"]: one["Internal"]
        for one in json.loads(host.check_output("docker network inspect $(docker network ls -q)"))
    }
    outward = {}
    for name, one in labtest.inspect(host).items():
        outward[name] = [network for network in one["NetworkSettings"]["Networks"] if not internal[network]]
    listener = outward.pop("listener")
    assert listener == ["host"]
    assert outward.pop("store") == [], "a database has none"
    assert {name: len(networks) for name, networks in outward.items()} == dict.fromkeys(outward, 1)


def test_zones_have_their_subnets(host: Any) -> None:
    (network,) = json.loads(host.check_output("docker network inspect kronos-media"))
    assert network["IPAM"]["Config"][0]["Subnet"] == "172.22.3.0/24"


def test_the_job_did_its_work_before_the_service_that_needs_it(host: Any) -> None:
    found = labtest.inspect(host, ["migrate", "front"])
    assert found["migrate"]["State"]["ExitCode"] == 0
    assert found["migrate"]["State"]["FinishedAt"] < found["front"]["State"]["StartedAt"]
    assert host.file("/srv/kronos/migrate/out/done").content_string == "migrated"


def test_a_secret_in_a_file_is_seen_by_its_service_only(host: Any) -> None:
    value = host.file("/etc/kronos/secrets/store/password").content_string
    assert len(value) == 24
    assert host.check_output("docker exec store cat /run/secrets/password") == value
    assert host.check_output("docker exec store stat -c '%a %u' /run/secrets/password") == "400 1000"
    assert host.check_output("docker exec store printenv PASSWORD_FILE") == "/run/secrets/password"
    assert value not in host.check_output("docker inspect store")
    assert value not in host.check_output("cat /opt/kronos/stacks/own/compose.yml /opt/kronos/stacks/own/state.json")


def test_a_rotated_secret_restarts_its_user_only(host: Any) -> None:
    before = {name: one["State"]["StartedAt"] for name, one in labtest.inspect(host).items()}
    old = host.file("/etc/kronos/secrets/store/password").content_string
    rotation = {**VARIABLES, "kronos_fast": False, "secrets_rotate": ["store/password"]}
    predicted = labtest.site("--check", **rotation)
    run = labtest.site(**rotation)
    assert run.code == 0, run.output
    assert predicted.actions() == run.actions() == {"store": "recreated"}
    assert predicted.files == run.files
    new = host.check_output("docker exec store cat /run/secrets/password")
    assert new != old
    assert new not in run.output
    after = {name: one["State"]["StartedAt"] for name, one in labtest.inspect(host).items()}
    assert {name for name in after if after[name] != before[name]} == {"store"}


def test_a_service_outside_is_routed_like_the_others(host: Any) -> None:
    host.check_output("mkdir -p /run/nas && echo family photos > /run/nas/index.html")
    host.check_output("systemd-run --unit=nas python3 -m http.server 8099 --bind 172.17.0.1 --directory /run/nas")
    try:
        answer = labtest.until(lambda: (found := labtest.fetch("nas")).status == 200 and found, 20)
        assert answer.body == "family photos\n"
    finally:
        host.check_output("systemctl stop nas")


def test_a_route_for_the_vpn_is_closed_to_the_lan() -> None:
    assert labtest.fetch("guarded").status == 403


def test_a_command_is_the_health_check_of_the_container(host: Any) -> None:
    assert labtest.inspect(host, ["stranger"])["stranger"]["State"]["Health"]["Status"] == "healthy"
