# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose systemd mounts by changing a list; files and folders are real, below a folder of the test."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import storage_units, tree
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import Look, Mount, Question, waits
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import Share
from ansible_collections.kronos.homelab.plugins.module_utils.storage_present import Outside

ROOT = Mount("/", "/", "/dev/vda1", "ext4", "254:1")


class StorageHost:
    """``servers``: those that answer; ``broken``: units that cannot be started; ``users``: who uses what by path.

    ``busy``: mount points that somebody works in, so that they cannot be unmounted.
    """

    def __init__(self, top: Path) -> None:
        self.top = top
        self.mounts: list[Mount] = [ROOT]
        self.units: dict[str, tuple[str, str]] = {}
        self.servers: set[str] = set()
        self.broken: set[str] = set()
        self.silent: set[str] = set()
        self.busy: set[str] = set()
        self.users: dict[str, tuple[str, ...]] = {}
        self.asked: list[str] = []

    def outside(self) -> Outside:
        """What the storage modules take for the world."""
        return Outside(
            run=self.run,
            mounts=lambda: list(self.mounts),
            look=self.look,
            reach=lambda share: "" if share.server in self.servers else f"the server {share.server} does not answer",
            users=lambda mount: self.users.get(mount.point, ()),
            receipts=str(self.top / "receipts"),
            fstab=str(self.top / "fstab"),
        )

    def look(self, questions: Mapping[str, Question]) -> dict[str, Look]:
        """Sizes of a large share; nothing of one that is silent, or of a source that is not there."""
        touched = [one.path for one in questions.values() if waits(one.path, self.mounts)]
        assert not touched, f"looking at {touched} mounts it"
        sick, gone = Look(error="does not answer within 5 s", late=True), Look(error="no such file or directory")
        fine, shown = Look(size=1000, free=900), {mount.point for mount in self.mounts}
        return {
            name: sick if one.path in self.silent else fine if one.path in shown or os.path.isdir(one.path) else gone
            for name, one in questions.items()
        }

    def run(self, argv: Sequence[str], stdin: str = "", timeout: float = 600) -> Ran:
        """Systemd, as far as shares need it."""
        if argv[0] == "journalctl":
            return Ran(0, "Mounting…\nmount: it does not want to\n", "")
        words = list(argv[1:])
        if words[0] == "show":
            enabled, active = self.units.get(words[1], ("", "inactive"))
            return Ran(0, f"UnitFileState={enabled}\nActiveState={active}\n", "")
        self.asked.append(" ".join(words))
        told = []
        for name in words[1:]:
            if words[0] == "start" and name.endswith(".mount"):
                self._start(name)
            elif words[0] == "start":
                self._wait(name)
            elif words[0] == "stop":
                told += self._stop(name)
            elif words[0] == "reload" and name in self.broken:
                told.append(f"Job for {name} failed.")
            elif words[0] in ("enable", "disable"):
                self.units[name] = (f"{words[0]}d", "active")
        return Ran(1 if told else 0, "", "\n".join(told))

    def reboot(self) -> None:
        """What is enabled comes back: shares, or only the automounts of those that have one."""
        self.mounts = [ROOT]
        for name in [name for name, state in self.units.items() if state[0] == "enabled"]:
            self.run(["systemctl", "start", name])

    def _wait(self, name: str) -> None:
        point = self._texts(name).get("Where", "")
        if point and not any(one.point == point for one in self.mounts):
            os.makedirs(point, exist_ok=True)
            self.mounts.append(Mount(point, "/", "systemd-1", "autofs", "0:99"))

    def _stop(self, name: str) -> list[str]:
        """An automount takes along whatever is mounted over it, in use or not: systemd detaches all that is there."""
        automount = name.endswith(".automount")
        point = self._texts(name).get("Where", "")
        found = [one for one in self.mounts if one.point == point and (automount or one.kind != "autofs")]
        if not found:
            return [f"Failed to stop {name}: Unit {name} not loaded."]
        if point in self.busy and not automount:
            return [f"Job for {name} failed."]
        self.mounts = [one for one in self.mounts if one not in found]
        return []

    def _start(self, name: str) -> None:
        text = self._texts(name)
        if name in self.broken or not text:
            return
        what, kind = text["What"], text.get("Type", "ext4")
        os.makedirs(text["Where"], exist_ok=True)
        bind = kind == "none"
        device = "254:1" if bind else f"0:{len(self.mounts)}"
        source, root = ("/dev/vda1", what) if bind else (what, "/")
        self.mounts.append(Mount(text["Where"], root, source, "ext4" if bind else kind, device))

    def _texts(self, name: str) -> dict[str, str]:
        try:
            text = Path(storage_units.FOLDER, name).read_text(encoding="utf-8")
        except OSError:
            return {}
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def own(one: Any) -> Any:
    """The same file or folder, but of the test's own user."""
    kind, said = type(one), {**vars(one), "uid": os.geteuid(), "gid": os.getegid()}
    return kind(**said)


def share(top: Path, name: str, **said: Any) -> Share:
    """A bind of top/src/<name> at top/mnt/<name>, unless something else is said."""
    usual: dict[str, Any] = {"type": "bind", "source": f"{top}/src/{name}", "path": f"{top}/mnt/{name}"}
    owner = {"uid": os.geteuid(), "gid": os.getegid(), "guarded": True}
    return Share(**{"name": name, "mounted": True, **usual, **owner, **said})


def files_as(user: Any, files: list[tree.Wanted]) -> list[tree.Wanted]:
    """For monkeypatching: unit files that the test may write."""
    return [user(file) for file in files]
