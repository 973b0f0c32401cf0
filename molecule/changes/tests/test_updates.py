# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update cannot leave the host broken."""

from __future__ import annotations

from typing import Any

import labtest
import pytest

BAD = [
    pytest.param({"image": "docker.io/kronos/echo:sick"}, ["hello", "sick", "503"], id="never healthy"),
    pytest.param({"image": "docker.io/kronos/echo:exits"}, ["hello", "exit"], id="exits"),
    pytest.param({"image": "docker.io/kronos/echo:9.9"}, ["hello", "9.9"], id="no such image"),
    pytest.param({"compose": {"shm_size": "much"}}, ["hello", "shm_size"], id="compose refuses"),
]


def version() -> str:
    answer = labtest.fetch("hello")
    assert answer.status == 200
    return answer.body


@pytest.mark.parametrize(("change", "named"), BAD)
def test_a_bad_update_ends_with_the_old_version_serving(host: Any, change: dict[str, Any], named: list[str]) -> None:
    image = labtest.inspect(host, ["hello"])["hello"]["Image"]
    run = labtest.site(kronos_services_zz={"hello": change}, kronos_health_timeout=20)
    assert run.code != 0
    told = " ".join(run.failures)
    for word in named:
        assert word in told, told
    assert "Traceback" not in run.output
    now = labtest.inspect(host, ["hello"])["hello"]
    assert (now["Image"], now["State"]["Running"], now["State"]["Restarting"]) == (image, True, False)
    assert "1.0" in version()
    quiet = labtest.site()
    assert quiet.code == 0, quiet.output
    assert quiet.actions() == {}, "the old version is what the inventory wants"


def test_the_error_has_the_probe_answer_and_the_end_of_the_log(host: Any) -> None:
    run = labtest.site(kronos_services_zz={"hello": {"image": "docker.io/kronos/echo:exits"}}, kronos_health_timeout=20)
    log = "cannot start: this version always exits"
    assert log in " ".join(run.failures), run.failures


def test_a_good_update_and_the_way_back(host: Any) -> None:
    newer = {"kronos_services_zz": {"hello": {"image": "docker.io/kronos/echo:1.1"}}}
    run = labtest.site(**newer)
    assert run.code == 0, run.output
    assert run.actions() == {"hello": "recreated"}
    assert "1.1" in version()
    back = labtest.play("rollback.yml", variables={"stack": "own"})
    assert back.code == 0, back.output
    assert "1.0" in version()
    assert labtest.site(**newer).actions() == {"hello": "recreated"}
    assert labtest.site().code == 0
    assert "1.0" in version()


def test_a_first_install_that_fails_is_left_stopped_and_marked(host: Any) -> None:
    record = {
        "image": "docker.io/kronos/echo:sick",
        "user": {"uid": 1000, "gid": 1000, "how": "run"},
        "stack": "media",
        "health": {"http": {"port": 8080, "path": "/health"}},
    }
    run = labtest.site(kronos_services_zz={"fresh": record}, kronos_health_timeout=10)
    assert run.code != 0
    assert "fresh" in " ".join(run.failures)
    found = host.run("docker inspect -f '{{.State.Running}}' fresh")
    assert found.rc != 0 or found.stdout.strip() == "false"
    assert labtest.inspect(host, ["jellyfin"])["jellyfin"]["State"]["Running"]
    info = labtest.play("info.yml")
    assert "failed" in info.output
    assert labtest.site().code == 0


@pytest.mark.skipif(not labtest.FULL, reason="long: make test-full runs it")
def test_a_sick_neighbour_does_not_turn_a_good_change_back(host: Any) -> None:
    neighbour = {
        "image": "docker.io/kronos/echo:1.0",
        "user": {"uid": 1000, "gid": 1000, "how": "run"},
        "tmpfs": ["/state"],
        "health": {"http": {"port": 8080, "path": "/health"}},
    }
    assert labtest.site(kronos_services_zz={"neighbour": neighbour}).code == 0
    processes = "$(docker top neighbour -o pid | tail -n +2)"
    host.check_output(f"kill -STOP {processes}")
    try:
        change = {"neighbour": neighbour, "hello": {"environment": {"GREETING": "hi"}}}
        run = labtest.site(kronos_services_zz=change, kronos_health_timeout=20)
        assert run.code == 0, run.output
        assert run.actions() == {"hello": "recreated"}
        assert labtest.inspect(host, ["hello"])["hello"]["State"]["Running"]
        assert "Sick, but not touched by this run: neighbour" in run.output
    finally:
        host.check_output(f"kill -CONT {processes}")
    assert labtest.site().code == 0
