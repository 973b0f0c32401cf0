# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every container is as closed as the plan says, and the plan's exceptions are all there is."""

from __future__ import annotations

from typing import Any

import labtest
import pytest
from guarding import watch
from guarding.closed import findings, plan_of
from guarding.records import ROUGH
from guarding.story import Story


@pytest.fixture(scope="module")
def plan(story: Story) -> dict[str, Any]:
    """The plan that the host follows."""
    return plan_of(story.variables, *story.secrets())


def test_what_inspect_shows_is_what_the_plan_admits(host: Any, story: Story, plan: dict[str, Any]) -> None:
    containers = labtest.inspect(host)
    assert set(containers) == set(plan["services"])
    found = {
        (name, finding)
        for name, one in containers.items()
        for finding in findings(name, one, plan, {value.rstrip("\n") for value in story.values} | story.values)
    }
    admitted = {(item["service"], item["what"]) for item in plan["exceptions"]}
    assert found - admitted == set(), "nothing more"
    assert admitted - found == set(), "and nothing less"


def test_an_exception_of_every_kind_was_looked_at(plan: dict[str, Any]) -> None:
    rough = {item["what"]: item["reason"] for item in plan["exceptions"] if item["service"] == "rough"}
    assert rough == ROUGH["reasons"]


def test_capabilities_are_those_of_the_record(host: Any, plan: dict[str, Any]) -> None:
    for name, one in labtest.inspect(host).items():
        kept = sorted(capability.removeprefix("CAP_") for capability in one["HostConfig"]["CapAdd"] or ())
        assert kept == plan["services"][name]["capabilities"], name


def test_no_container_can_reach_the_socket_of_docker(host: Any) -> None:
    for name, one in labtest.inspect(host).items():
        for mount in one["Mounts"]:
            assert "docker.sock" not in mount["Source"], name
    # The node exporter sees the whole host, and with it the socket: but it runs as nobody.
    (exporter,) = labtest.inspect(host, ["node-exporter"]).values()
    assert exporter["Config"]["User"] == "65534:65534"
    connect = "import socket; socket.socket(socket.AF_UNIX).connect('/run/docker.sock')"
    refused = host.run(f'setpriv --reuid=65534 --regid=65534 --clear-groups python3 -c "{connect}"')
    assert "PermissionError" in refused.stderr
    assert host.run(f'python3 -c "{connect}"').rc == 0, "root can"


def test_containers_of_the_catalogue_run_with_a_read_only_root_but_for_those_of_s6(host: Any) -> None:
    writable = {name for name, one in labtest.inspect(host).items() if not one["HostConfig"]["ReadonlyRootfs"]}
    assert writable == {"jellyfin", "radarr", "sonarr", "transmission", "hello", "rough"}
    assert watch.shell("docker inspect -f '{{.State.Status}}' homer").strip() == "running"
