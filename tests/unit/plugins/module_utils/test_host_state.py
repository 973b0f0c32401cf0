# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import host_state, receipts, settled
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import EngineMissing
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran

ON = "UnitFileState=enabled"
STANDING = {"id": "c1", "image": "sha256:1", "state": "running", "networks": ["kronos-a"]}


DPKG = """\
Package: base
Essential: yes
Status: install ok installed
Version: 1

Package: docker.io
Status: install ok installed
Version: 26

Package: gone
Status: deinstall ok config-files
Version: 1
"""


def listed(name, changes=None, labels=None):
    container = {
        "Id": "c1",
        "Names": [f"/{name}"],
        "ImageID": "sha256:1",
        "State": "running",
        "Labels": {"kronos.digest": "d", "kronos.stack": "media"} if labels is None else labels,
        "NetworkSettings": {"Networks": {"kronos-a": {}}},
    }
    return {**container, **(changes or {})}


class Docker:
    """What the engine lists."""

    def __init__(self, containers=(), networks=("kronos-a",), missing=None):
        self.listed, self.named, self.missing = list(containers), networks, missing

    def containers(self):
        if self.missing:
            raise self.missing
        return self.listed

    def networks(self):
        return [{"Name": name, "Id": f"id of {name}"} for name in self.named]


class Host:
    """A converged host in a folder."""

    def __init__(self, folder):
        self.root, self.stacks = f"{folder}/receipts", f"{folder}/stacks"
        self.file = f"{folder}/file"
        self.docker = Docker([listed("radarr")])
        self.docker_unit = ON
        self.unit = f"ActiveState=active\n{ON}"
        self.folder = folder
        with open(self.file, "w") as stream:
            stream.write("text")
        os.chmod(self.file, 0o600)
        os.makedirs(f"{self.stacks}/media")
        os.chmod(self.stacks, 0o755)
        files = {self.file: receipts.file_state(self.file), f"{folder}/never": None}
        directories = {self.stacks: receipts.directory_state(self.stacks)}
        left = {"files": files, "directories": directories, "containers": {"radarr": STANDING}}
        receipts.write("stack", "media", "d", left, root=self.root)
        receipts.write("networks", "all", "d", {"networks": {"kronos-a": "id of kronos-a"}}, root=self.root)
        receipts.write("units", "t", "d", {"units": {"t.timer": "active", "docker.service": "active"}}, root=self.root)
        receipts.write("packages", "all", "d", {"packages": ["docker.io"]}, root=self.root)
        self.dpkg = f"{folder}/status"
        write(self.dpkg, DPKG)
        host_state.seal("digest", root=self.root)

    def run(self, argv, stdin="", timeout=600):
        assert set(argv[3:]) <= {"t.timer", "docker.service"}
        return Ran(0, f"Id=t.timer\n{self.unit}\n\nId=docker.service\nActiveState=active\n{self.docker_unit}\n", "")

    def judge(self, digest="digest"):
        return host_state.judge(digest, self.docker, self.run, root=self.root, stacks=self.stacks)


@pytest.fixture
def host(tmp_path, monkeypatch):
    host = Host(str(tmp_path))
    monkeypatch.setattr(host_state, "DPKG_STATUS", host.dpkg)
    return host


def test_a_host_that_has_settled(host):
    verdict = host.judge()
    assert verdict.reasons == ()
    assert (verdict.drifted, verdict.fresh, verdict.stacks, verdict.notices) == (False, False, ("media",), ())
    assert verdict.kinds == ("networks", "packages", "stack", "units")


def write(path, text="x"):
    with open(path, "w") as stream:
        stream.write(text)


def docker(host, *containers, **more):
    host.docker = Docker(containers, **more)


def at(name, **changes):
    return listed(name, changes)


DRIFTS = {
    "edited": (lambda host: write(host.file), "{file}: edited"),
    "deleted": (lambda host: os.unlink(host.file), "{file}: deleted"),
    "a link instead": (
        lambda host: (os.unlink(host.file), os.symlink("/etc/hostname", host.file)),
        "{file}: is no file any more",
    ),
    "mode": (lambda host: os.chmod(host.file, 0o644), "{file}: mode 0644, was 0600"),
    "owner": (lambda host: os.chown(host.file, 7, 8), "{file}: owner 7:8, was 0:0"),
    "directory": (lambda host: os.chmod(host.stacks, 0o700), "{stacks}: mode 0700, was 0755"),
    "back again": (lambda host: write(f"{host.folder}/never"), "{folder}/never: is there again"),
    "removed": (docker, "container radarr: is gone"),
    "stopped": (lambda host: docker(host, at("radarr", State="exited")), "container radarr: exited, was running"),
    "paused": (lambda host: docker(host, at("radarr", State="paused")), "container radarr: paused, was running"),
    "made anew": (lambda host: docker(host, at("radarr", Id="c2")), "container radarr: made anew by hand"),
    "image": (lambda host: docker(host, at("radarr", ImageID="sha256:2")), "container radarr: another image"),
    "taken off": (
        lambda host: docker(host, at("radarr", NetworkSettings={"Networks": {"x": {}}})),
        "container radarr: not on network kronos-a any more, on network x by hand",
    ),
    "no network": (lambda host: docker(host, listed("radarr"), networks=()), "network kronos-a: is gone"),
    "docker": (
        lambda host: docker(host, missing=EngineMissing("sock", "refused", True)),
        "Docker does not answer at sock: refused",
    ),
    "unit": (lambda host: setattr(host, "unit", f"ActiveState=inactive\n{ON}"), "t.timer: inactive, was active"),
    "unit off": (
        lambda host: setattr(host, "unit", "ActiveState=active\nUnitFileState=disabled"),
        "t.timer: disabled, was active",
    ),
    "docker off": (
        lambda host: setattr(host, "docker_unit", "UnitFileState=disabled"),
        "docker.service: disabled, was active",
    ),
    "package": (
        lambda host: write(host.dpkg, DPKG.replace("install ok installed\nVersion: 26", "install ok half-installed\n")),
        "package docker.io: is not installed any more",
    ),
    "interrupted": (
        lambda host: write(f"{host.stacks}/media/journal.json"),
        "stack media: an operation was interrupted",
    ),
    "receipt": (
        lambda host: receipts.write("units", "t", "e", {"units": {}}, root=host.root),
        "units t: changed outside a whole run, or by one that did not end well",
    ),
    "another receipt": (
        lambda host: receipts.write("files", "x", "e", {}, root=host.root),
        "files x: changed outside a whole run, or by one that did not end well",
    ),
    "broken receipt": (
        lambda host: write(f"{host.root}/units--t.json"),
        "units t: changed outside a whole run, or by one that did not end well",
    ),
    "no seal": (lambda host: receipts.forget(*host_state.SEAL, root=host.root), "no whole run has ended well here yet"),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_drifts(host, name):
    if name == "owner" and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    happens, says = DRIFTS[name]
    happens(host)
    verdict = host.judge()
    assert verdict.reasons == (says.format(**vars(host)),)
    assert verdict.drifted


LEFT = [
    ({"users": {"nobody-knows": [1, 1, "/", "/bin/sh"]}}, "user nobody-knows: is gone"),
    ({"users": {"root": [0, 0, "/elsewhere", "/bin/sh"]}}, "user root: changed by hand"),
    ({"links": {"/proc/self/cwd": "/elsewhere"}}, "/proc/self/cwd: does not lead to /elsewhere any more"),
    ({"links": {"/etc/nothing": "/x"}}, "/etc/nothing: does not lead to /x any more"),
    ({"shares": {"/mnt/x": {"name": "x", "type": "nfs", "source": "n:/x"}}}, "share x: is not mounted at /mnt/x"),
]


@pytest.mark.parametrize(("left", "says"), LEFT)
def test_users_links_and_shares(host, left, says):
    receipts.write("some", "thing", "d", left, root=host.root)
    host_state.seal("digest", root=host.root)
    assert host.judge().reasons == (says,)


def test_what_the_mount_guard_holds_is_told_so(host, monkeypatch):
    host.docker.listed[0]["State"] = "exited"
    monkeypatch.setattr(host_state.share_state, "read_held", lambda: {"radarr": "media"})
    assert host.judge().reasons == ("container radarr: stopped by the mount guard while share media is away",)


def test_little_space_on_a_share_is_told_and_is_no_reason_for_a_run(host, monkeypatch):
    monkeypatch.setattr(
        host_state.share_state, "look", lambda noted: ({}, [], ["share media: 3 % of the space is free"])
    )
    verdict = host.judge()
    assert (verdict.reasons, verdict.notices[-1:]) == ((), ("share media: 3 % of the space is free",))


@pytest.mark.parametrize("name", [None, *DRIFTS])
def test_what_need_not_be_asked_again(host, name):
    """A difference in the stack spares the others, one below the stacks spares nobody."""
    if name == "owner" and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    receipts.write("stack", "own", "d", {}, root=host.root)
    calls = {"stack--media": "m", "stack--own": "o", "networks--all": "n", "units--t": "u", "packages--all": "p"}
    for about, call in calls.items():
        settled.note(call, tuple(about.split("--")), {}, root=host.root)
    host_state.seal("digest", root=host.root)
    if name:
        DRIFTS[name][0](host)
    below = {"no network", "unit", "unit off", "docker off", "package", "docker", "broken receipt"}
    others = {
        "receipt": {"m", "o", "n", "p"},
        "another receipt": set("monup"),
        "no seal": set("monup"),
        None: set("monup"),
    }
    assert set(host.judge("another plan").settled) == (set() if name in below else others.get(name, set("onup")))


def test_a_note_of_a_call_says_nothing_of_the_host(host):
    settled.note("m", ("stack", "media"), {}, root=host.root)
    assert host.judge().reasons == ()


def test_a_container_that_nobody_knows_leaves_nothing_known(host):
    settled.note("m", ("stack", "media"), {}, root=host.root)
    host.docker.listed.append(listed("stranger"))
    assert not host.judge().settled


def test_another_plan(host):
    assert host.judge("other").reasons == ("the plan or the collection has changed",)


def test_strangers_are_told_but_no_reason(host):
    host.docker.listed.append(listed("stranger", labels={}))
    verdict = host.judge()
    assert not verdict.drifted
    assert verdict.notices == ("container stranger, which is not ours, is on our network kronos-a",)


def test_stacks_are_known_from_folders_and_containers(host):
    host.docker.listed.append(listed("x", {"Id": "c9"}, {"com.docker.compose.project": "kronos-old"}))
    os.mkdir(f"{host.stacks}/half")
    assert host.judge().stacks == ("half", "media", "old")


@pytest.mark.parametrize("name", ["{{ lookup('pipe', 'id') }}", "Upper", "a b", "-rf", "new\nline", "x" * 64])
def test_a_folder_that_no_stack_can_have_made_is_none(host, name):
    os.mkdir(f"{host.stacks}/{name}")
    assert host.judge().stacks == ("media",)


def test_a_fresh_host(tmp_path):
    def nothing(argv, stdin="", timeout=600):
        raise AssertionError

    engine = Docker(missing=EngineMissing("sock", "no such socket", False))
    verdict = host_state.judge("d", engine, nothing, root=f"{tmp_path}/r", stacks=f"{tmp_path}/s")
    assert verdict.fresh
    assert verdict.reasons == ("no whole run has ended well here yet",)
    assert verdict.stacks == ()


def test_packages(host, tmp_path):
    assert host_state.read_packages() == {"base", "docker.io"}
    assert host_state.read_packages(str(tmp_path / "none")) == set()


def test_no_systemd_says_nothing(host):
    def nothing(argv, stdin="", timeout=600):
        raise KronosError("not installed")

    assert host_state.read_units(["a"], nothing) == {}


def test_a_living_receipt(tmp_path):
    path, file = f"{tmp_path}/issued.json", f"{tmp_path}/cert.pem"
    write(file)
    left = {"living": [path]}

    def reasons(now):
        return host_state.left_reasons(left, host_state.Docker(), {}, lambda: now)

    assert reasons(0) == [f"{path}: deleted or unreadable"]
    issued = {"files": {file: receipts.file_state(file)}, "due": 100, "due_what": "certificate proxy is due"}
    write(path, json.dumps(issued))
    assert reasons(99) == []
    assert reasons(101) == ["certificate proxy is due"]
    write(file, "y")
    assert reasons(99) == [f"{file}: edited"]
    for text in ("{", "[]", '{"files": 3}', '{"files": {"/x": 3}, "due": "soon"}'):
        write(path, text)
        assert reasons(0) != []
