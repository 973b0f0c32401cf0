# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Pi-hole without its dnsmasq, in a thread: the same API that the scenario meets."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

IMAGE = Path(__file__).resolve().parents[3] / "molecule" / "lab" / "images" / "pihole"
PASSWORD = "correct horse"


class Silent:
    """In place of dnsmasq."""

    def stop(self) -> None:
        """Nothing runs."""

    start = reload = stop


def free_port() -> int:
    """A port that nobody has."""
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def running(folder: Path, environment: Mapping[str, str] | None = None, password: str = PASSWORD) -> Iterator[Any]:
    """The stand-in's Api, which answers at ``api.url``."""
    sys.path.insert(0, str(IMAGE))
    try:
        import api
        import ftl
        import gravity
    finally:
        sys.path.remove(str(IMAGE))
    config = ftl.Config(folder / "pihole.toml", environment or {}, password)
    found = api.Api(config, gravity.Database(folder / "gravity.db"), Silent(), free_port())
    found.url = f"http://127.0.0.1:{found.port}"
    thread = threading.Thread(target=found.run, daemon=True)
    thread.start()
    for _try in range(100):
        with contextlib.suppress(OSError), contextlib.closing(socket.create_connection(("127.0.0.1", found.port), 1)):
            break
        time.sleep(0.02)
    yield found
