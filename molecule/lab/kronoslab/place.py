# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab keeps its things, and the names it uses on the Docker engine."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .console import say

LABEL = "kronos.lab=true"  # on every container, volume, network and image of the lab
NETWORK = "kronos-lab"
REGISTRY_NAME = "registry.kronos-lab"
REGISTRY_PORT = 5000
MIRROR = f"{REGISTRY_NAME}:{REGISTRY_PORT}"


@dataclass(frozen=True)
class Place:
    """The checkout, and the state directory of its lab."""

    repo: Path
    state: Path

    @property
    def source(self) -> Path:
        return self.repo / "molecule" / "lab"

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def ssh_key(self) -> Path:
        return self.state / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.state / "ssh" / "known_hosts"

    @property
    def tls(self) -> Path:
        return self.state / "tls"

    @property
    def engine_record(self) -> Path:
        return self.state / "engine.json"

    @property
    def inventory(self) -> Path:
        return self.state / "inventory.json"

    @property
    def variables(self) -> Path:
        return self.state / "vars.yml"

    @property
    def guests(self) -> Path:
        return self.state / "guests"

    @property
    def guest_inventory(self) -> Path:
        return self.state / "guests.json"


def find_place() -> Place:
    """The place of this checkout."""
    repo = Path(__file__).resolve().parents[3]
    return Place(repo=repo, state=repo / ".lab")


@contextmanager
def locked() -> Iterator[None]:
    """Let one lab command at a time change things: the Docker engine is shared by all checkouts."""
    path = Path(tempfile.gettempdir()) / f"kronos-lab-{os.geteuid()}.lock"
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("   … waiting for another lab command to end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
