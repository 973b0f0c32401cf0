# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that changes one thing asks the host about that, and about little else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import labtest
import pytest

CHANGE = {"kronos_services_zz": {"hello": {"environment": {"SPARED": "yes"}}}}
BELOW = ("packages", "docker_daemon", "networks", "internal_ca", "units")
OTHERS = {"traefik", "dashboard", "monitoring", "media"}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    assert labtest.site().code == 0
    yield
    assert labtest.site().code == 0


def parts(run: labtest.Run, settled: bool) -> set[str]:
    """Modules below the stacks, and stacks, that were spared (*settled*) or asked the host."""
    assert run.code == 0, run.output
    found = set()
    for task in run.tasks:
        module = task["action"].rpartition(".")[2]
        if (
            (module in BELOW or module == "stack")
            and "Remove" not in task["task"]
            and bool(task.get("settled")) is settled
        ):
            found.add(task["task"].split()[-2] if module == "stack" else module)
    return found


@pytest.mark.parametrize("check", [True, False], ids=["predicted", "done"])
def test_a_change_of_one_stack(check: bool) -> None:
    run = labtest.site(*(["--check"] if check else []), **CHANGE)
    assert run.actions() == {"hello": "recreated"}
    assert parts(run, settled=False) == {"own"}
    assert parts(run, settled=True) == {*BELOW, *OTHERS}


def test_a_container_that_is_gone(host: Any) -> None:
    host.check_output("docker rm -f hello")
    run = labtest.site()
    assert run.actions() == {"hello": "created"}
    assert parts(run, settled=False) == {"own"}


@pytest.mark.parametrize("check", [True, False], ids=["predicted", "done"])
def test_a_difference_below_the_stacks(host: Any, check: bool) -> None:
    host.check_output("systemctl disable --now kronos-certificates.timer")
    run = labtest.site(*(["--check"] if check else []))
    assert "Renew certificates on the host itself, since nobody runs Ansible monthly" in " ".join(run.changed)
    assert parts(run, settled=True) == set()
    assert parts(run, settled=False) == {*BELOW, "own", *OTHERS}


def test_a_network_that_is_made_anew(host: Any) -> None:
    """Found by nobody before: it comes with the plan, and what is below the stacks changes within the run."""
    moving = {"kronos_zones_zz": {"default": {"network": {"subnet": "10.77.9.0/24"}}}}
    predicted = labtest.site("--check", **moving)
    moved = labtest.site(**moving)
    assert "Make the networks of the zones" in " ".join(moved.changed)
    assert parts(moved, settled=False) == {"networks", "own", *OTHERS, "internal_ca", "units"}
    assert (predicted.actions(), predicted.files) == (moved.actions(), moved.files)
    assert moved.actions()["hello"] == "recreated"
    assert "10.77.9.0/24" in host.check_output("docker network inspect kronos-default")
    assert labtest.answers("hello")


def test_a_range_that_is_taken_leaves_all_as_it_was(host: Any) -> None:
    host.check_output("docker network create --subnet 10.77.8.0/24 foreign")
    try:
        before = labtest.inspect(host, ["hello"])["hello"]["State"]["StartedAt"]
        run = labtest.site(kronos_zones_zz={"default": {"network": {"subnet": "10.77.8.0/24"}}})
        assert run.code != 0
        assert "Pool overlaps" in " ".join(run.failures)
        assert labtest.inspect(host, ["hello"])["hello"]["State"]["StartedAt"] == before
        assert labtest.answers("hello")
    finally:
        host.check_output("docker network rm foreign")


@pytest.mark.parametrize("check", [True, False], ids=["predicted", "done"])
def test_a_range_to_which_the_host_has_a_route_is_refused(host: Any, check: bool) -> None:
    """Else the bridge would swallow a part of the home, perhaps the one from which we are connected."""
    host.check_output("ip link add far type bridge && ip link set far up && ip route add 10.78.0.0/16 dev far")
    try:
        before = host.check_output("docker network ls --no-trunc | sort")
        run = labtest.site(
            *(["--check"] if check else []), kronos_zones_zz={"default": {"network": {"subnet": "10.78.4.0/24"}}}
        )
        assert run.code != 0
        assert "the host needs 10.78.4.0/24 for itself (the route to 10.78.0.0/16 over far)" in " ".join(run.failures)
        assert host.check_output("docker network ls --no-trunc | sort") == before
        assert labtest.answers("hello")
    finally:
        host.check_output("ip link del far")


# Its name falls on the place of hello's, and comes first.
INTRUDER = "about1135"


def address(host: Any, name: str) -> str:
    endpoint = labtest.inspect(host, [name])[name]["NetworkSettings"]["Networks"]["kronos-in-default"]
    return str(endpoint["IPAMConfig"]["IPv4Address"])


@pytest.mark.skipif(not labtest.FULL, reason="long: make test-full runs it")
def test_a_service_that_has_to_move_for_another(host: Any) -> None:
    routes = [{"host": INTRUDER, "port": 8080, "access": "lan"}]
    record = {"image": "docker.io/kronos/echo:1.0", "routes": routes, "health": {"http": {"port": 8080}}}
    before = address(host, "hello")
    predicted = labtest.site("--check", kronos_services_zz={INTRUDER: record})
    done = labtest.site(kronos_services_zz={INTRUDER: record})
    reloads = {"traefik": "reloaded", "prometheus": "reloaded"}
    assert done.actions() == {INTRUDER: "created", "hello": "recreated", **reloads}
    assert (predicted.actions(), predicted.files) == (done.actions(), done.files)
    assert address(host, INTRUDER) == before != address(host, "hello")
    assert labtest.answers(INTRUDER)
    assert labtest.answers("hello")
    assert labtest.site().actions()["hello"] == "recreated"
    assert address(host, "hello") == before
    assert labtest.answers("hello")


GIVEN = [{"kronos_secrets": {"radarr": {"api_key": key * 32}}} for key in "ab"]


@pytest.mark.parametrize("check", [True, False], ids=["predicted", "done"])
def test_another_value_of_a_secret_reaches_its_service(check: bool) -> None:
    """The plan knows names alone; the host is asked whether it keeps these values."""
    assert labtest.site(**GIVEN[0]).code == 0
    assert "Nothing differed" in labtest.site(**GIVEN[0]).output
    run = labtest.site(*(["--check"] if check else []), **GIVEN[1])
    assert "secret radarr/api_key: the inventory gives another value" in run.output
    assert run.actions()["radarr"] == "recreated"
    assert "media" in parts(run, settled=False)


@pytest.mark.parametrize("check", [True, False], ids=["predicted", "done"])
def test_a_variable_of_a_role_is_part_of_what_is_wanted(host: Any, check: bool) -> None:
    run = labtest.site(*(["--check"] if check else []), docker_daemon_settings={"debug": True})
    assert "Configure and start the engine" in " ".join(run.changed)
    assert ("debug" in host.check_output("cat /etc/docker/daemon.json")) is not check


def test_switched_off() -> None:
    run = labtest.site(kronos_fast=False)
    assert parts(run, settled=False) == {*BELOW, "own", *OTHERS}
    assert run.changed == []
