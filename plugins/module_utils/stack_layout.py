# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the parts of a stack live on the host."""

from __future__ import annotations

import os
from dataclasses import dataclass

GENERATION = "generation.json"


@dataclass(frozen=True)
class Layout:
    """Paths of one stack. ``uid``/``gid`` own everything that belongs to no service."""

    stack: str
    stacks: str = "/opt/kronos/stacks"
    etc: str = "/etc/kronos"
    run: str = "/run/kronos"
    receipts: str = "/var/lib/kronos/receipts"
    docker: str = "/var/lib/docker"
    uid: int = 0
    gid: int = 0

    @property
    def base(self) -> str:
        """The stack's own folder."""
        return os.path.join(self.stacks, self.stack)

    @property
    def compose(self) -> str:
        """The compose file."""
        return os.path.join(self.base, "compose.yml")

    @property
    def state(self) -> str:
        """What the last run left."""
        return os.path.join(self.base, "state.json")

    @property
    def journal(self) -> str:
        """The operation in flight."""
        return os.path.join(self.base, "journal.json")

    @property
    def generations(self) -> str:
        """The proven versions."""
        return os.path.join(self.base, "generations")

    def note(self, number: int) -> str:
        """The file that makes a folder a generation, and says what it is."""
        return os.path.join(self.generations, str(number), GENERATION)

    @property
    def failed(self) -> str:
        """The last version that did not prove healthy, kept for inspection."""
        return os.path.join(self.base, "failed")

    @property
    def fingerprint_key(self) -> str:
        """Key of the fingerprints of secrets."""
        return os.path.join(self.etc, "fingerprint.key")

    @property
    def lock(self) -> str:
        """The stack's lock."""
        return os.path.join(self.run, f"{self.stack}.lock")

    @property
    def whole(self) -> list[str]:
        """The folders in which nothing but ours may lie."""
        return [os.path.join(self.base, name) for name in ("env", "files", "secrets")]

    @property
    def progress(self) -> str:
        """What a task is doing right now, for everybody to read: not in ``run``, which is root's alone."""
        return os.path.join(f"{self.run}-progress", f"{self.stack}.json")

    def env(self, service: str) -> str:
        """The env file of a service's secrets."""
        return os.path.join(self.base, "env", f"{service}.env")

    def files(self, service: str) -> str:
        """The folder of a service's rendered files."""
        return os.path.join(self.base, "files", service)

    def secrets(self, service: str) -> str:
        """The folder of a service's copies of secrets, mounted at /run/secrets."""
        return os.path.join(self.base, "secrets", service)

    def master(self, service: str, name: str) -> str:
        """A secret itself."""
        return os.path.join(self.etc, "secrets", service, name)
