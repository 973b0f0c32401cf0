# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mount guard with a host that is played: who is stopped, who is started, and when nobody is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import share_guard
from ansible_collections.kronos.homelab.plugins.module_utils.share_guard import (
    Guard,
    World,
    main,
    shares_of,
    start,
    stop,
)
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import Look, Mount, Question

CONFIG: dict[str, Any] = {
    "interval": 10,
    "patience": 5,
    "strikes": 2,
    "shares": {
        "media": {"type": "nfs", "source": "nas:/m", "path": "/mnt/m", "root": "/mnt/m/all", "unit": "mnt-m.mount"},
        "photos": {"type": "nfs", "source": "nas:/p", "path": "/mnt/p", "root": "/mnt/p/all", "unit": "mnt-p.mount"},
    },
    "users": {"media": {"media": ["radarr", "jellyfin"], "own": ["backup"]}, "photos": {"own": ["backup"]}},
}
MEDIA, OWN, PHOTOS = (
    "kronos-share-media.media.service",
    "kronos-share-media.own.service",
    "kronos-share-photos.own.service",
)


class Asked:
    """A look that comes back with what the host says, or not at all."""

    def __init__(self, look: Look | None, leaves: bool = True) -> None:
        self.look, self.leaves = look, leaves

    def wait(self, _seconds: float) -> Look | None:
        return self.look

    def end(self) -> bool:
        return self.leaves


class Host:
    """Mounts, units and containers; a unit that is started or stopped takes its containers along."""

    def __init__(self) -> None:
        self.mounted = {"/mnt/m": "nas:/m", "/mnt/p": "nas:/p"}
        self.looks: dict[str, Look | None] = {}
        self.leaves = True
        self.looked: list[str] = []
        self.units: dict[str, str] = {}
        self.containers = dict.fromkeys(["radarr", "jellyfin", "backup", "other"], "exited")
        self.ran: list[str] = []
        self.said: list[str] = []
        self.now = 0.0
        self.pid = "1"

    def world(self) -> World:
        return World(
            run=self.run,
            mounts=lambda: [Mount(path, "/", source, "nfs4", path) for path, source in self.mounted.items()],
            start=self.start,  # type: ignore[arg-type]
            clock=lambda: self.now,
            say=self.said.append,
            docker_pid=lambda: self.pid,
        )

    def start(self, question: Question) -> Asked:
        self.looked.append(question.path)
        return Asked(self.looks.get(question.path, Look()), self.leaves)

    def run(self, argv: list[str]) -> tuple[int, str]:
        if argv[:2] == ["systemctl", "show"]:
            return 0, "\n\n".join(f"Id={name}\nActiveState={self.units.get(name, 'inactive')}" for name in argv[3:])
        if argv[:2] == ["docker", "ps"]:
            return 0, "".join(f"{name}\t{state}\n" for name, state in self.containers.items())
        self.ran.append(" ".join(argv))
        for name in argv[2:]:
            if argv[0] == "systemctl" and name.startswith("kronos-share-"):
                share, stack = name[len("kronos-share-") : -len(".service")].split(".")
                if argv[1] == "start":
                    failed = start(share, stack, CONFIG, self.world())
                    self.units[name] = "failed" if failed else "active"
                elif argv[1] == "stop":
                    stop(share, stack, CONFIG, self.world())
                    self.units[name] = "inactive"
            elif argv[0] == "docker":
                self.containers[name] = "running" if argv[1] == "start" else "exited"
        return 0, ""

    def running(self) -> str:
        return " ".join(sorted(name for name, state in self.containers.items() if state == "running"))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(share_guard, "STATE", str(tmp_path / "run" / "state.json"))
    return Host()


def rounds(guard: Guard, host: Host, count: int = 1) -> None:
    for _each in range(count):
        guard.round()
        host.now += 10


def test_what_is_there_is_started_once_and_left_alone(host: Host) -> None:
    guard = Guard(CONFIG, host.world())
    rounds(guard, host)
    assert host.running() == "backup jellyfin radarr"  # and never what nobody named
    assert set(host.units) == {MEDIA, OWN, PHOTOS}
    host.ran.clear()
    rounds(guard, host, 5)
    assert host.ran == []


def test_a_mount_that_is_lost_stops_its_users_and_no_others(host: Host, tmp_path: Path) -> None:
    guard = Guard(CONFIG, host.world())
    rounds(guard, host)
    del host.mounted["/mnt/p"]
    host.ran.clear()
    rounds(guard, host)
    assert host.running() == "jellyfin radarr"
    assert host.ran == [
        "systemctl reset-failed mnt-p.mount",
        "systemctl start --no-block mnt-p.mount",
        f"systemctl stop {PHOTOS}",
        "docker stop backup",
    ]
    said = json.loads((tmp_path / "run" / "state.json").read_text())
    assert said == {"away": {"photos": "is not mounted"}, "held": {"backup": "photos"}}
    rounds(guard, host, 6)
    assert len([line for line in host.ran if "--no-block" in line]) == 3  # every 30 s
    host.mounted["/mnt/p"] = "nas:/p"
    rounds(guard, host)
    assert host.running() == "backup jellyfin radarr"
    assert json.loads((tmp_path / "run" / "state.json").read_text()) == {"away": {}, "held": {}}
    assert host.said == ["share photos is away: is not mounted", "share photos is back"]


def test_a_server_that_is_gone_under_a_mount_that_stays(host: Host) -> None:
    guard = Guard(CONFIG, host.world())
    rounds(guard, host)
    host.looks["/mnt/m"], host.leaves = None, False
    rounds(guard, host)
    assert host.running() == "backup jellyfin radarr"  # one slow answer is no reason to stop anything
    rounds(guard, host)
    assert host.running() == ""
    host.looked.clear()
    rounds(guard, host, 5)
    assert host.looked == []  # children that hang are not made more
    host.looks["/mnt/m"], host.leaves = Look(), True
    for child in guard.hanging.values():
        child.leaves = True  # type: ignore[attr-defined]
    rounds(guard, host)
    assert host.running() == "backup jellyfin radarr"


def test_a_slow_answer_now_and_then_stops_nobody(host: Host) -> None:
    guard = Guard(CONFIG, host.world())
    for turn in range(8):
        host.looks["/mnt/m"] = None if turn % 2 else Look()
        rounds(guard, host)
        assert "jellyfin" in host.running()


def test_a_boot_without_the_server_starts_nobody_on_an_empty_folder(host: Host) -> None:
    host.mounted.clear()
    guard = Guard(CONFIG, host.world())
    rounds(guard, host, 3)
    assert host.running() == ""
    host.mounted["/mnt/m"] = "nas:/m"
    host.looks["/mnt/m"] = Look(error="there is no folder /mnt/m/all")
    rounds(guard, host, 2)
    assert host.running() == ""
    host.looks.clear()
    rounds(guard, host)
    assert host.running() == "jellyfin radarr"  # backup uses the other share too
    host.mounted["/mnt/p"] = "nas:/p"
    rounds(guard, host)
    assert host.running() == "backup jellyfin radarr"


def test_what_a_hand_has_stopped_stays_so_until_docker_is_restarted(host: Host) -> None:
    guard = Guard(CONFIG, host.world())
    rounds(guard, host)
    host.containers["radarr"] = "exited"
    rounds(guard, host, 3)
    assert host.running() == "backup jellyfin"
    host.pid = ""
    rounds(guard, host)
    host.pid = "2"
    rounds(guard, host)
    assert host.running() == "backup jellyfin radarr"


def test_another_configuration_keeps_what_is_known(host: Host) -> None:
    guard = Guard(CONFIG, host.world())
    del host.mounted["/mnt/p"]
    rounds(guard, host)
    shares = {"photos": CONFIG["shares"]["photos"], "new": {**CONFIG["shares"]["media"], "path": "/mnt/new"}}
    guard.take({**CONFIG, "shares": shares, "users": {"photos": {}, "new": {"own": ["other"]}}})
    assert guard.why == {"photos": "is not mounted"}
    rounds(guard, host)
    assert guard.state() == {"away": {"new": "is not mounted", "photos": "is not mounted"}, "held": {"other": "new"}}


def test_the_last_started_is_stopped_first(host: Host) -> None:
    start("media", "media", CONFIG, host.world())
    stop("media", "media", CONFIG, host.world())
    assert host.ran == ["docker start radarr jellyfin", "docker stop jellyfin radarr"]


def test_without_docker_there_is_nothing_to_do(host: Host) -> None:
    world = host.world()
    world.run = lambda argv: (127, "")
    assert (start("media", "media", CONFIG, world), stop("media", "media", CONFIG, world)) == (0, 0)


def test_who_uses_what() -> None:
    assert shares_of("backup", CONFIG) == {"media", "photos"}
    assert shares_of("other", CONFIG) == set()


def test_a_missing_configuration_stops_nobody_from_stopping(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--config", str(tmp_path / "none")]
    assert main([*words, "stop", "media", "media"]) == 0
    assert main([*words, "start", "media", "media"]) == 1
    assert "No such file" in capsys.readouterr().out
