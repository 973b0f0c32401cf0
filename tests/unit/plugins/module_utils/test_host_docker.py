# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts
from ansible_collections.kronos.homelab.plugins.module_utils.container_options import options_of
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import EngineMissing
from ansible_collections.kronos.homelab.plugins.module_utils.host_docker import docker_reasons, read_docker

DOCUMENT = {
    "Id": "c1a2b3",
    "Config": {"Hostname": "c1a2b3", "Env": ["TZ=UTC"], "Labels": {"kronos.stack": "media"}},
    "HostConfig": {"Memory": 100, "RestartPolicy": {"Name": "always"}},
    "State": {"ExitCode": 0},
}
OURS = {"kronos.digest": "d", "kronos.stack": "media", "com.docker.compose.project": "kronos-media"}


def listed(name, identity="c1a2b3", labels=None, **more):
    return {
        "Id": identity,
        "Names": [f"/{name}"],
        "ImageID": "sha256:1",
        "State": "running",
        "Labels": OURS if labels is None else labels,
        "NetworkSettings": {"Networks": {"kronos-a": {}}},
        **more,
    }


class Host:
    """A Docker with one container of ours, and the receipt of it."""

    def __init__(self):
        self.list, self.nets = [listed("radarr")], [{"Name": "kronos-a", "Id": "n1"}]
        self.documents = {
            "/containers/c1a2b3/json": copy.deepcopy(DOCUMENT),
            "/images/radarr:1/json": {"Id": "sha256:1"},
        }
        self.asked = []
        note = {"id": "c1a2b3", "image": "sha256:1", "state": "running", "networks": ["kronos-a"]}
        self.left = {
            "containers": {"radarr": {**note, "options": receipts.digest(options_of(DOCUMENT)), "digest": "d"}},
            "networks": {"kronos-a": "n1"},
            "images": {"radarr:1": "sha256:1"},
        }

    def containers(self):
        return self.list

    def networks(self):
        return self.nets

    def find(self, path):
        self.asked.append(path)
        return self.documents.get(path)

    def look(self):
        docker = read_docker(self, [self.left, {}])
        return docker_reasons(self.left, docker), list(docker.unknown), list(docker.notices)


def option(host, **changes):
    host.documents["/containers/c1a2b3/json"]["HostConfig"].update(changes)


def fixed(host):
    address = {"IPAMConfig": {"IPv4Address": "10.7.0.9"}}
    host.list = [listed("radarr", NetworkSettings={"Networks": {"kronos-a": address}})]


def ended(host):
    host.left["containers"]["radarr"].update(state="exited", exit_code=0)
    host.list = [listed("radarr", State="exited")]
    host.documents["/containers/c1a2b3/json"]["State"] = {"ExitCode": 4}


TAKEN = {"com.docker.compose.oneoff": "True", **OURS}
CASES = {
    "nothing": (lambda host: None, [], [], []),
    "limit": (lambda host: option(host, Memory=200), ["container radarr: other options"], [], []),
    "policy": (lambda host: option(host, RestartPolicy={}), ["container radarr: other options"], [], []),
    "what says nothing": (lambda host: option(host, CpuShares=0, Dns=[], Runtime=""), [], [], []),
    "a job that ended otherwise": (ended, ["container radarr: ended with 4, was 0"], [], []),
    "image": (
        lambda host: host.documents.update({"/images/radarr:1/json": {"Id": "sha256:2"}}),
        ["image radarr:1: the name means another image now"],
        [],
        [],
    ),
    "name of an image taken away": (lambda host: host.documents.pop("/images/radarr:1/json"), [], [], []),
    "address": (fixed, ["container radarr: another address"], [], []),
    "network": (lambda host: host.nets.clear(), ["network kronos-a: is gone"], [], []),
    "renamed": (
        lambda host: setattr(host, "list", [listed("other")]),
        ["container radarr: is gone"],
        ["other"],
        [],
    ),
    "forged": (lambda host: host.list.append(listed("ghost", "c2")), [], ["ghost"], []),
    "command of compose run": (lambda host: host.list.append(listed("x", "c2", TAKEN)), [], [], []),
    "stranger on our network": (
        lambda host: host.list.append(listed("guest", "c2", {})),
        [],
        [],
        ["container guest, which is not ours, is on our network kronos-a"],
    ),
    "stranger in our project": (
        lambda host: host.list.append(listed("guest", "c2", {"com.docker.compose.project": "kronos-media"})),
        [],
        [],
        ["container guest, which is not ours, is in our compose project kronos-media"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_differs(name):
    host = Host()
    harm, *says = CASES[name]
    harm(host)
    assert list(host.look()) == says


def test_options_of_another_container_are_not_asked_for():
    host = Host()
    host.list = [listed("radarr", "c9"), listed("other", "c8", {})]
    assert host.look()[0] == ["container radarr: made anew by hand"]
    assert host.asked == ["/images/radarr:1/json"]


def test_a_docker_that_does_not_answer_is_told_once():
    class Silent(Host):
        def networks(self):
            raise EngineMissing("sock", "refused", True)

    docker = read_docker(Silent(), [Host().left])
    assert docker.silent == "Docker does not answer at sock: refused"
    assert docker_reasons(Host().left, docker) == []
