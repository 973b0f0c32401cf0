# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import DockerEngine, DockerRefused


class Client:
    """A client whose only container is a process of this machine; it has no kill call."""

    def __init__(self, pid: int) -> None:
        self.api = self
        self.pid = pid

    def inspect_container(self, container: str) -> dict[str, Any]:
        return {"State": {"Running": bool(self.pid), "Pid": self.pid}}


@pytest.mark.parametrize("name", ["HUP", "SIGHUP"])
def test_a_signal_goes_to_the_process_itself(name: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        DockerEngine(Client(process.pid)).signal("prometheus", name)
        assert process.wait(10) == -1
    finally:
        process.kill()


def test_no_signal_without_a_process() -> None:
    with pytest.raises(DockerRefused, match="prometheus does not run"):
        DockerEngine(Client(0)).signal("prometheus", "HUP")
