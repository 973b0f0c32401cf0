# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
import os
import shutil

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import DockerMissing
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.stack_flow import work
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import TOKEN, actions, demo_host, read, stack
from ansible_collections.kronos.homelab.tests.unit.fakes.docker_host import FakeHost, count_writes


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def host(tmp_path):
    return demo_host(tmp_path)


def test_a_first_install_then_quiet(host, monkeypatch):
    check = host.converge(check=True, **stack(host))
    assert os.listdir(host.root) == ["etc"], "check mode writes nothing"
    real = host.converge(**stack(host))
    assert check["actions"] == real["actions"]
    assert actions(real) == dict.fromkeys(["late", "once", "rules", "web"], ("created",))
    assert real["generation"] == 1
    assert [one[1] for one in host.calls if one[0] == "up"] == ["rules", "web", "late", "once"]
    host.calls.clear()
    count_writes(host, monkeypatch)
    again = host.converge(**stack(host))
    assert not again["changed"]
    assert again["diff"] == []
    assert host.calls == []


def test_what_is_written(host):
    host.converge(**stack(host))
    layout = host.layout()
    with open(layout.env("web"), encoding="utf-8") as stream:
        assert stream.read() == 'TOKEN="to\\$ken-\'\\"\\\\-marker"\n'
    assert oct(os.stat(layout.env("web")).st_mode & 0o777) == "0o600"
    assert oct(os.stat(layout.compose).st_mode & 0o777) == "0o600"
    assert oct(os.stat(f"{layout.secrets('web')}/db").st_mode & 0o777) == "0o400"
    assert oct(os.stat(layout.base).st_mode & 0o777) == "0o700"
    web = host.box("web")
    assert web.environment["DB_FILE"] == "/run/secrets/db"
    assert web.environment["MONEY"] == "5 $$ and $${HOME}", "compose turns it back"
    assert web.labels["kronos.stack"] == "demo"
    receipt = read(f"{layout.receipts}/stack--demo.json")
    assert set(receipt["left"]["containers"]) == {"web", "rules", "late", "once"}
    assert receipt["left"]["files"][layout.state]


def test_a_good_update_and_back(host):
    host.converge(**stack(host))
    good = host.converge(**stack(host, web="1.1"))
    assert actions(good) == {"web": ("recreated", "image")}
    assert good["generation"] == 2
    assert host.running()["web"] == "1.1"
    assert any(name.startswith("kronos.local/demo:1-") for name in host.images), "the old image keeps a name"
    check = host.converge(check=True, state="rolled_back")
    back = host.converge(state="rolled_back")
    assert check["actions"] == back["actions"]
    assert back["generation"] == 1
    assert host.running()["web"] == "1.0"
    assert not host.converge(state="rolled_back", generation=1)["changed"]
    assert not host.converge(**stack(host))["changed"]
    assert actions(host.converge(**stack(host, web="1.1"))) == {"web": ("recreated", "image")}


def test_only_so_many_generations_are_kept(host):
    for number in range(6):
        wanted = stack(host)
        wanted["project"]["services"]["web"]["environment"]["N"] = str(number)
        assert host.converge(**wanted)["generation"] == number + 1
    assert sorted(os.listdir(host.layout().generations)) == ["4", "5", "6"]
    host.images["kronos.local/demo:77-left"] = "sha256:left"
    host.converge(**stack(host))
    named = {name.rpartition("-")[0] for name in host.images if name.startswith("kronos.local")}
    assert named == {"kronos.local/demo:6", "kronos.local/demo:7"}


def test_a_missing_secret(host):
    os.unlink(host.layout().master("web", "db"))
    with pytest.raises(KronosError, match=r"secrets are missing: .*/etc/secrets/web/db \(module kronos.homelab.secret"):
        host.converge(**stack(host))
    assert actions(host.converge(check=True, **stack(host)))["web"] == ("created",)


def test_a_secret_lost_on_a_converged_host_is_predicted_as_a_new_one(host):
    host.converge(**stack(host))
    os.unlink(host.layout().master("web", "token"))
    os.unlink(host.layout().env("web"))
    check = host.converge(check=True, **stack(host))
    host.put_secret("web", "token", "another-marker")
    real = host.converge(**stack(host))
    assert actions(check) == actions(real) == {"web": ("recreated", "environment.TOKEN")}
    assert check["diff"] == real["diff"]
    assert "marker" not in json.dumps(real)


def test_a_rotation_is_predicted_before_the_new_value_exists(host):
    host.converge(**stack(host))
    check = host.converge(check=True, awaited_secrets=["web/token"], **stack(host))
    host.put_secret("web", "token", "another-marker")
    real = host.converge(awaited_secrets=["web/token"], **stack(host))
    assert actions(check) == actions(real) == {"web": ("recreated", "environment.TOKEN")}
    assert check["diff"] == real["diff"]
    assert not host.converge(awaited_secrets=["web/token"], **stack(host))["changed"]


def test_services_of_a_network_that_is_made_anew_are_predicted(host):
    host.converge(**stack(host))
    renewed = {"renewed_networks": ["kronos-default"]}
    check = host.converge(check=True, **renewed, **stack(host))
    host.nets["kronos-default"] = "another id"
    for one in host.boxes.values():
        one.networks.pop("kronos-default", None)
    real = host.converge(**renewed, **stack(host))
    assert actions(check) == actions(real)
    assert actions(real)["web"] == ("recreated", "networks")
    assert check["diff"] == real["diff"]
    assert not host.converge(**renewed, **stack(host))["changed"]


@pytest.mark.parametrize("name", ["db", "token"])
def test_a_given_secret_edited_by_hand_changes_no_service_once_it_is_put_right(host, name):
    host.converge(**stack(host))
    host.put_secret("web", name, "edited-by-hand")
    assert host.converge(check=True, **stack(host))["changed"], "a master replaced by hand is the new value"
    assert not host.converge(check=True, returning_secrets=[f"web/{name}"], **stack(host))["changed"]


@pytest.mark.parametrize("name", ["db", "token"])
def test_a_secret_that_comes_back_from_its_copy_changes_nothing(host, name):
    host.converge(**stack(host))
    os.unlink(host.layout().master("web", name))
    assert not host.converge(check=True, **stack(host))["changed"]


def test_a_neighbour_in_a_crash_loop_is_told_even_when_nothing_changes(host):
    host.converge(**stack(host))
    host.box("late").definition["image"] = "x:exits"
    host.now += 30
    result = host.converge(**stack(host))
    assert not result["changed"]
    assert result["sick"] == {"late": "restarting"}
    assert result["warnings"] == ["late was not changed and is not healthy: restarting"]


@pytest.mark.parametrize("name", ["../victim", "{root}/victim", "..", "", "a/b", "Demo", "-rf", "demo\n", "{{ 1 }}"])
@pytest.mark.parametrize("state", ["present", "absent", "rolled_back"])
def test_a_name_that_leads_elsewhere_is_refused(host, name, state):
    victim = f"{host.root}/victim"
    os.makedirs(victim)
    name = name.replace("{root}", str(host.root))
    params = {"name": name, "state": state, "project": None, "services": None, "health_timeout": 5, "run": ""}
    layout = dataclasses.replace(host.layout(), stack=name)
    with pytest.raises(KronosError, match="lower-case letters, digits and `-` are wanted in a name"):
        work(params, False, host.world(), layout)
    assert os.path.isdir(victim)


def test_absent(host):
    host.converge(**stack(host))
    host.box("late").status = "paused"
    check = host.converge(check=True, state="absent")
    assert set(host.running()) == {"web", "rules"}
    real = host.converge(state="absent")
    assert (check["actions"], check["diff"]) == (real["actions"], real["diff"])
    assert actions(real) == dict.fromkeys(["late", "once", "rules", "web"], ("removed",))
    assert not host.boxes
    assert not os.path.exists(host.layout().base)
    assert os.path.isdir(f"{host.root}/srv/web"), "data stays"
    assert not [name for name in host.images if name.startswith("kronos.local")]
    assert not host.converge(state="absent")["changed"]


def no_docker(host):
    def connect():
        raise DockerMissing("Docker does not answer on the host")

    world = host.world()
    return dataclasses.replace(world, connect=connect)


PARAMS = {"name": "demo", "health_timeout": 5, "run": "", "generation": 0}


def test_a_fresh_host_without_docker(host):
    params = {**PARAMS, "state": "present", **stack(host)}
    result = work(params, True, no_docker(host), host.layout())
    assert actions(result) == dict.fromkeys(["late", "once", "rules", "web"], ("created",))
    with pytest.raises(DockerMissing, match="does not answer"):
        work(params, False, no_docker(host), host.layout())
    gone = {**PARAMS, "state": "absent", "project": None, "services": None}
    assert not work(gone, False, no_docker(host), host.layout())["changed"]


def test_a_docker_that_is_stopped_still_has_its_containers(host):
    host.converge(**stack(host))
    folders = {}
    for name, note in read(f"{host.layout().receipts}/stack--demo.json")["left"]["containers"].items():
        folders[name] = f"{host.layout().docker}/containers/{note['id']}"
        os.makedirs(folders[name])

    def predicted(**change):
        return work({**PARAMS, "state": "present", **stack(host, **change)}, True, no_docker(host), host.layout())

    assert not predicted()["changed"]
    assert actions(predicted(web="1.1")) == {"web": ("recreated", "image")}
    os.rmdir(folders["late"])
    assert actions(predicted()) == {"late": ("created",)}
    os.makedirs(folders["late"])
    shutil.rmtree(host.layout().base)
    foreseen = predicted()
    done = host.converge(**stack(host))
    assert actions(foreseen) == {
        "web": ("recreated", "volumes./config", "volumes./run/secrets"),
        "rules": ("recreated", "volumes./rules"),
    }
    assert foreseen["actions"] == done["actions"], "its folder was deleted as well"
    assert foreseen["diff"] == done["diff"]


def test_an_unexpected_fault_shows_no_secret(host, monkeypatch):
    def stumble(*_args):
        raise KeyError(TOKEN)

    monkeypatch.setattr(FakeHost, "networks", stumble)
    with pytest.raises(KronosError, match=r"unexpected: KeyError") as failure:
        host.converge(**stack(host))
    assert "marker" not in str(failure.value)
