# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import daemon, daemon_service, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import EngineMissing
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.modules import docker_daemon

CONFIG = {"live-restore": True, "bip": "172.17.0.1/24"}


class Host:
    """A host with a Docker that takes only the settings it knows; time passes only while somebody sleeps."""

    def __init__(self, folder):
        self.paths = daemon.Paths(f"{folder}/daemon.json", f"{folder}/certs.d")
        self.pid_file = f"{folder}/docker.pid"
        self.installed, self.enabled, self.active, self.judges = True, True, True, True
        self.loaded = {}
        self.told = []
        self.time = 0.0
        open(self.pid_file, "w").close()

    def present(self):
        try:
            with open(self.paths.config) as stream:
                return json.load(stream)
        except FileNotFoundError:
            return {}

    def bad(self, settings):
        return [key for key in settings if key.startswith("bad")]

    def run(self, argv, stdin="", timeout=600):
        if argv[0] == "dockerd":
            if not self.installed:
                raise KronosError("`dockerd` is not installed on the host")
            wrong = self.bad(json.loads(stdin)) if self.judges else []
            return Ran(1, "", f"unknown directives: {wrong}") if wrong else Ran(0, "", "configuration OK")
        if argv[0] == "journalctl":
            return Ran(0, "noise\nfailed to start daemon: bad key\nmore noise\n", "")
        if argv[1] == "show":
            if not self.installed:
                return Ran(0, "LoadState=not-found\nUnitFileState=\nActiveState=inactive\n", "")
            state = f"UnitFileState={'enabled' if self.enabled else 'disabled'}\nActiveState="
            return Ran(0, f"LoadState=loaded\n{state}{'active' if self.active else 'inactive'}\n", "")
        return self.systemctl(argv[1])

    def systemctl(self, verb):
        self.told.append(verb)
        self.enabled |= verb == "enable"
        if verb == "restart":
            self.active = not self.bad(self.present())
            os.utime(self.pid_file)
        if verb in ("reload", "restart") and self.active:
            self.loaded = self.present()
        fine = self.active or verb == "enable"
        return Ran(0 if fine else 1, "", "" if fine else "Job for docker.service failed.")

    def engine(self):
        return self

    def answers(self):
        return self.active

    def get(self, path):
        if not self.active:
            raise EngineMissing("socket", "refused", True)
        return {"LiveRestoreEnabled": self.loaded.get("live-restore", False)}

    def close(self):
        pass

    def sleep(self, seconds):
        self.time += seconds


@pytest.fixture
def host(tmp_path, monkeypatch):
    (tmp_path / "docker").mkdir()
    host = Host(str(tmp_path / "docker"))
    monkeypatch.setattr(docker_daemon, "PATHS", host.paths)
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))

    def docker_host():
        return daemon_service.DockerHost(host.run, lambda: host, lambda: host.time, host.sleep, host.pid_file)

    monkeypatch.setattr(docker_daemon, "docker_host", docker_host)
    return host


def same(predicted, done):
    return all(predicted[key] == done[key] for key in ("changed", "diff", "keys", "service"))


def test_check_mode_says_what_the_run_does_and_a_second_run_is_quiet(host, run_module):
    predicted = run_module(docker_daemon, check=True, config=CONFIG)
    assert host.told == []
    assert not os.path.exists(host.paths.config)
    done = run_module(docker_daemon, config=CONFIG)
    assert same(predicted, done)
    assert (done["keys"], done["service"]) == (["bip", "live-restore"], "restart")
    assert host.told == ["reload", "reset-failed", "restart"]
    assert host.loaded == CONFIG
    again = run_module(docker_daemon, config=CONFIG)
    assert (again["changed"], again["diff"]) == (False, [])


def test_on_a_host_without_docker_everything_is_predicted(host, run_module):
    host.installed = host.enabled = host.active = False
    predicted = run_module(docker_daemon, check=True, config=CONFIG)
    assert (predicted["service"], predicted["keys"]) == ("start", ["bip", "live-restore"])
    assert run_module(docker_daemon, config=CONFIG)["msg"].startswith("Docker is not installed on the host")
    assert not os.path.exists(host.paths.config)
    host.installed = True
    done = run_module(docker_daemon, config=CONFIG)
    assert same(predicted, done)
    assert host.told == ["enable", "reset-failed", "restart"]


def test_foreign_keys_stay_and_ours_go(host, run_module):
    with open(host.paths.config, "w") as stream:
        stream.write('{"dns": ["9.9.9.9"]}')
    run_module(docker_daemon, config=CONFIG)
    assert host.present() == {"dns": ["9.9.9.9"], **CONFIG}
    done = run_module(docker_daemon, config={"live-restore": True})
    assert (done["keys"], done["service"]) == (["bip"], "restart")
    assert host.present() == {"dns": ["9.9.9.9"], "live-restore": True}


def test_settings_that_docker_refuses_change_nothing(host, run_module):
    for check in (True, False):
        failed = run_module(docker_daemon, check=check, config={"bad": 1})
        assert failed["msg"] == "Docker refuses these settings, nothing was changed: unknown directives: ['bad']"
    assert host.told == []
    assert not os.path.exists(host.paths.config)


@pytest.mark.parametrize("before", [None, {"debug": True}])
def test_a_daemon_that_does_not_come_up_gets_its_old_settings_back(host, run_module, before):
    host.judges = False
    if before:
        with open(host.paths.config, "w") as stream:
            json.dump(before, stream)
        os.utime(host.paths.config, (0, 0))
    failed = run_module(docker_daemon, config={"bad": 1})
    assert failed["msg"] == (
        "Docker did not come up with the new settings (bad): failed to start daemon: bad key. "
        f"The former {host.paths.config} is back, and Docker runs with it"
    )
    assert host.present() == (before or {})
    assert host.active
    assert run_module(docker_daemon, config={"debug": True})["keys"] == ([] if before else ["debug"])


def test_a_daemon_that_never_comes_up_is_said_plainly(host, run_module):
    host.bad = lambda settings: ["everything"]
    host.judges = False
    failed = run_module(docker_daemon, config={"bip": "x"})
    assert failed["msg"].endswith("is back, and even with it Docker does not answer (no answer within 60 s)")
    host.active = False
    failed = run_module(docker_daemon, config={})
    assert failed["msg"] == "Docker did not come up: failed to start daemon: bad key"


def test_killed_before_the_restart_the_next_run_finishes(host, run_module):
    run_module(docker_daemon, config=CONFIG)
    os.utime(host.pid_file, (0, 0))
    assert not run_module(docker_daemon, config=CONFIG)["changed"]
    with open(host.paths.config, "w") as stream:
        json.dump({**CONFIG, "debug": True}, stream)
    done = run_module(docker_daemon, config={**CONFIG, "debug": True})
    assert (done["keys"], done["service"]) == ([], "restart")
    assert host.loaded["debug"]
    assert not run_module(docker_daemon, config={**CONFIG, "debug": True})["changed"]


def test_no_systemd_is_no_service(host):
    def nothing(argv, stdin="", timeout=600):
        raise KronosError("`systemctl` is not installed on the host")

    bare = daemon_service.DockerHost(nothing)
    assert daemon_service.read_service(bare, host.paths.config, {}) == daemon.Service(installed=False)
