# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import EngineError, EngineMissing
from ansible_collections.kronos.homelab.plugins.modules import networks

WANTED = [{"name": "kronos-a", "bridge": "kr-a"}, {"name": "kronos-in-a", "internal": True}]


class Docker:
    """As much of an engine as networks need."""

    def __init__(self):
        self.made = {}
        self.on = {}
        self.taken = None
        self.missing = []

    def __call__(self):
        return self

    def networks(self):
        for refusal in self.missing:
            raise refusal
        return list(self.made.values())

    def containers(self):
        return [
            {"Id": name, "Names": [f"/{name}"], "Labels": {"kronos.digest": "x"}, "NetworkSettings": {"Networks": on}}
            for name, on in self.on.items()
        ]

    def get(self, path):
        kind, name = path.split("/")[1:3]
        return self.made[name] if kind == "networks" else {"Id": "0123", "NetworkSettings": {"Networks": self.on[name]}}

    def ask(self, method, path, body=None, query=None):
        words = path.split("/")
        if words[-1] == "create":
            if self.taken and self.taken in str(body.get("IPAM")):
                raise EngineError(400, "Pool overlaps with other one on this address space")
            self.made[body["Name"]] = {"Id": f"id {len(self.made)}", "IPAM": {}, **body}
        elif words[-1] == "disconnect":
            del self.on[body["Container"]][words[2]]
        elif words[-1] == "connect":
            self.on[body["Container"]][words[2]] = body["EndpointConfig"]
        else:
            assert method == "DELETE"
            assert not any(words[2] in on for on in self.on.values())
            del self.made[words[2]]


@pytest.fixture
def docker(tmp_path, monkeypatch):
    docker = Docker()
    monkeypatch.setattr(networks, "Engine", docker)
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    return docker


def test_check_mode_says_what_the_run_does_and_a_second_run_is_quiet(docker, run_module):
    predicted = run_module(networks, check=True, networks=WANTED)
    assert docker.made == {}
    done = run_module(networks, networks=WANTED)
    assert {**predicted, "invocation": 0} == {**done, "invocation": 0}
    assert done["created"] == sorted(docker.made) == ["kronos-a", "kronos-in-a"]
    assert not run_module(networks, networks=WANTED)["changed"]
    assert receipts.read("networks", "all")["left"]["networks"] == {"kronos-a": "id 0", "kronos-in-a": "id 1"}


def test_a_changed_network_is_made_anew_without_its_containers(docker, run_module):
    """Their stacks make them anew: Docker joins none again that compose tied to the id of the old network."""
    run_module(networks, networks=WANTED)
    docker.on = {"radarr": {"kronos-a": {"Aliases": ["radarr", "films", "0123"]}, "other": {}}}
    changed = [{**WANTED[0], "subnet": "10.7.0.0/24"}, WANTED[1]]
    predicted = run_module(networks, check=True, networks=changed)
    done = run_module(networks, networks=changed)
    assert predicted["recreated"] == done["recreated"] == {"kronos-a": ["radarr"]}
    assert docker.made["kronos-a"]["IPAM"]["Config"] == [{"Subnet": "10.7.0.0/24"}]
    assert docker.on == {"radarr": {"other": {}}}
    assert sorted(docker.made) == ["kronos-a", "kronos-in-a"], "the trial is gone"
    assert not run_module(networks, networks=changed)["changed"]


def test_a_subnet_that_is_taken_changes_nothing(docker, run_module):
    run_module(networks, networks=WANTED)
    docker.on = {"radarr": {"kronos-a": {"Aliases": ["radarr"]}}}
    docker.taken = "10.7.0.0/24"
    failed = run_module(networks, networks=[{**WANTED[0], "subnet": "10.7.0.0/24"}, WANTED[1]])
    reason = "Docker: Pool overlaps with other one on this address space"
    assert failed["msg"] == f"network kronos-a: {reason}. Nothing was changed"
    assert docker.on == {"radarr": {"kronos-a": {"Aliases": ["radarr"]}}}
    assert not run_module(networks, networks=WANTED)["changed"]


def test_a_range_around_the_old_one_cannot_be_tried_first(docker, run_module):
    old = [{**WANTED[0], "subnet": "10.7.0.0/24"}]
    run_module(networks, networks=old)
    docker.taken = "10.7.0.0/16"
    assert run_module(networks, networks=[{**WANTED[0], "subnet": "10.7.0.0/16"}])["failed"]
    assert not run_module(networks, networks=old)["changed"], "the old one is back"


def test_while_docker_is_stopped_check_mode_knows_what_the_last_run_left(docker, run_module):
    run_module(networks, networks=WANTED)
    docker.missing = [EngineMissing("sock", "refused", installed=True)]
    assert not run_module(networks, check=True, networks=WANTED)["changed"]
    changed = [{**WANTED[0], "mtu": 1400}, WANTED[1]]
    assert run_module(networks, check=True, networks=changed)["recreated"] == {"kronos-a": []}


def test_prune(docker, run_module):
    run_module(networks, networks=WANTED)
    docker.on = {"radarr": {"kronos-in-a": {}}}
    assert run_module(networks, check=True, networks=WANTED[:1], prune=True)["removed"] == ["kronos-in-a"]
    assert run_module(networks, networks=WANTED[:1], prune=True)["kept"] == {"kronos-in-a": ["radarr"]}
    docker.on = {}
    assert run_module(networks, networks=WANTED[:1], prune=True)["removed"] == ["kronos-in-a"]
    assert list(docker.made) == ["kronos-a"]


@pytest.mark.parametrize(("installed", "warnings"), [(False, 0), (True, 1)])
def test_without_docker_check_mode_predicts_and_a_run_fails(docker, run_module, installed, warnings):
    docker.missing = [EngineMissing("/run/x.sock", "refused", installed)]
    predicted = run_module(networks, check=True, networks=WANTED)
    assert predicted["created"] == ["kronos-a", "kronos-in-a"]
    assert str(predicted.get("warnings", [])).count("/run/x.sock: refused; predicted") == warnings
    assert run_module(networks, networks=WANTED)["msg"] == "Docker does not answer at /run/x.sock: refused"
