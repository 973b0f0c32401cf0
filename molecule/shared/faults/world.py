# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host between two wishes: where it stands, what must not be lost there, and what containers got to see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import labtest
from ordeal import inside

from faults import FOLDER, install
from faults.wishes import HOUR, VERSION, A, other, wish

DATA = {f"/srv/kronos/{service}/data/marker": f"data of {service}\n" for service in ("hello", "mate", "desk")}
OURS = {"traefik", "homer", "hello", "mate", "desk"}
WATCHER = "watcher"


@dataclass
class World:
    """What stands: a wish, by ``letter`` and ``topics`` (no letter: an interruption has left something between).

    ``rendered``: every file that a finished run left, by hash.
    """

    letter: str = A
    topics: tuple[str, ...] = ()
    rendered: set[tuple[str, str]] = field(default_factory=set)
    first: dict[str, Any] = field(default_factory=dict)

    def settle(self) -> None:
        """From a converged host: plant what must not be lost, and begin to watch."""
        install()
        for path, text in DATA.items():
            inside(f"printf '{text}' > {path}")
        image = f"{registry()}/docker.io/kronos/echo:1.0"
        mounts = f"-v /opt/kronos/stacks:/stacks:ro -v {FOLDER}:/log"
        rights = "--user 0 --network none --restart unless-stopped --entrypoint python3"
        inside(f"docker rm -f {WATCHER}", check=False)
        inside(f"rm -f {FOLDER}/seen; docker run -d --name {WATCHER} {rights} {mounts} {image} /log/watcher.py")
        self.first = survey()
        self.remember(self.first)

    def remember(self, found: dict[str, Any]) -> None:
        """What stands after a run that ended well is whole."""
        self.rendered |= set(found["stacks"].items())

    def go(self, letter: str, *topics: str) -> labtest.Run:
        """One plain run, and what it left must be right."""
        run = labtest.site(**wish(letter, *topics))
        assert run.code == 0, run.output
        self.letter, self.topics = letter, topics
        return run

    def prepare(self, to: str, *topics: str) -> str:
        """Make sure that going to *to* (empty: the other one) is a change in just *topics*; gives where to go."""
        target = to or other(self.letter or A)
        if not self.letter or target == self.letter or topics != self.topics:
            self.go(other(target), *topics)
            self.remember(survey())
        return target

    def check(self, rotated: bool = False) -> None:
        """Nothing is lost, nothing is left over, and what is wanted is served."""
        found = survey()
        self.remember(found)
        assert found["data"] == self.first["data"]
        assert found["authority"] == self.first["authority"], "another authority: devices would have to trust it anew"
        if rotated:  # before or after, but whole
            assert len(found["secrets"]) == len(self.first["secrets"])
            self.first["secrets"] = found["secrets"]
        assert found["secrets"] == self.first["secrets"]
        self._check_containers(found)
        for stack, kept in found["generations"].items():
            assert kept["broken"] == [], (stack, kept)
            assert kept["result"] == "good", (stack, kept)
            assert kept["live"] in kept["numbers"], (stack, kept)
            assert not kept["twins"], (stack, kept)
        assert found["timer"]["ActiveState"] == "active"
        assert found["timer"]["NeedDaemonReload"] == "no"
        assert HOUR[self.letter] in found["timer"]["TimersCalendar"], "systemd still goes by the former timer"
        assert (found["lease"], found["journals"], found["failed"], found["leftovers"]) == (False, [], [], [])
        served = json.loads(labtest.fetch("hello").body)
        assert served["version"] == VERSION[self.letter]

    def quiet(self) -> None:
        """Another run has nothing to do, and nothing to complain of."""
        run = labtest.site(**wish(self.letter, *self.topics))
        assert (run.code, run.changed) == (0, []), run.output
        (look,) = [task for task in run.tasks if task["action"] == "kronos.homelab.host_check"]
        assert look["reasons"] == []

    def _check_containers(self, found: dict[str, Any]) -> None:
        there = found["containers"]
        gone = {"homer", "desk"} if "dashboard" in self.topics and self.letter == A else set()
        assert set(there) == {*OURS - gone, WATCHER}
        assert there[WATCHER]["id"] == self.first["containers"][WATCHER]["id"], "the foreign container was touched"
        assert {one["state"] for one in there.values()} == {"running"}
        for service in {"hello", "mate", "desk"} - gone:
            one = there[service]
            assert one["environment"]["WISH"] == self.letter
            assert one["image"].endswith(f":{VERSION[self.letter]}")
            assert one["secrets"] == {"token": found["secrets"][f"{service}/token"]}

    def seen(self) -> list[dict[str, Any]]:
        """Every content of every file that the containers could see, since ``settle``."""
        return [json.loads(line) for line in inside(f"cat {FOLDER}/seen").splitlines()]


def survey() -> dict[str, Any]:
    """What stands on the host."""
    return dict(json.loads(inside(f"python3 {FOLDER}/survey.py {' '.join(DATA)}")))


def alone(module: str, *, python: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """A module of ours used on its own, with another *python* on the host."""
    words = [sys.executable, "-m", "ansible", "adhoc", labtest.HOST, "-i", str(labtest.INVENTORY)]
    words += ["-m", f"kronos.homelab.{module}", "-a", json.dumps(options)]
    words += ["-e", json.dumps({"ansible_python_interpreter": python})] if python else []
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(labtest.ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(labtest.ROOT / ".ansible" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "KRONOS_LAB_HOSTS": labtest.HOST,
    }
    return subprocess.run(words, cwd=labtest.ROOT, env=environment, capture_output=True, text=True, check=False)


def registry() -> str:
    """The lab's mirror."""
    return str(labtest.host_variables()["kronos_image_mirror"])
