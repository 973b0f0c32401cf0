# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of our playbooks with the scenario's own variables, and what the lab can do to a guest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import labtest
import yaml

SCENARIO = Path(__file__).parents[1]
VARIABLES = yaml.safe_load((SCENARIO / "vars" / "main.yml").read_text())
VLANS = str(SCENARIO / "vlans.yml")
CONVERGE = str(SCENARIO / "converge.yml")
LOCKOUT = str(SCENARIO / "lockout.yml")
LOG = "/srv/films/library/written/log"
NO_NETWORK = {"kronos_stacks": [], "kronos_services": {}, "kronos_storage": {}, "kronos_zones": {}}
HOST_ALONE = {**VARIABLES, **NO_NETWORK, "firewall_enabled": False, "host_ntp": "none"}


def converge(*arguments: str, **variables: Any) -> labtest.Run:
    """Run the scenario's parts of site.yml; *variables* are added to those of the scenario."""
    return labtest.play(CONVERGE, *arguments, variables={**VARIABLES, **variables})


def vlans(**variables: Any) -> labtest.Run:
    """Run the role vlan alone."""
    return labtest.play(VLANS, variables={**VARIABLES, **variables})


def ask(module: str, **arguments: Any) -> dict[str, Any]:
    """What a module of ours returns on the host."""
    command = [sys.executable, "-m", "ansible", "adhoc", labtest.HOST, "-i", str(labtest.INVENTORY), "--one-line"]
    command += ["-m", f"kronos.homelab.{module}", "-a", " ".join(f"{key}={value}" for key, value in arguments.items())]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(labtest.ROOT / "ansible.cfg"), "KRONOS_LAB_HOSTS": labtest.HOST}
    environment |= {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
    said = subprocess.run(
        command, cwd=labtest.ROOT, env=environment, capture_output=True, text=True, check=False
    ).stdout
    return dict(json.loads(said[said.index("{") :]))


def lab(*words: str) -> None:
    """Run a command of the lab about guests."""
    command = [sys.executable, str(labtest.ROOT / "molecule" / "lab" / "lab.py"), "guest", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def without_services() -> None:
    """The host alone; twice, since the share is in use until its service has gone."""
    for _run in range(2):
        run = labtest.site(**HOST_ALONE)
        assert run.code == 0, run.output


def state(host: Any, name: str) -> str:
    """State of a container."""
    return str(host.check_output("docker inspect --format '{{.State.Status}}' " + name))


def started(host: Any, name: str) -> str:
    """When a container was started."""
    return str(host.check_output("docker inspect --format '{{.State.StartedAt}}' " + name))


def lines(nas: Any) -> int:
    """How much the service has written, as the server has it."""
    return int(nas.check_output(f"wc -l < {LOG}"))


def hidden(host: Any) -> str:
    """What lies below the mount point on the host's own disk, where no service may ever write."""
    return str(
        host.check_output(
            "mkdir -p /run/below && mount --bind / /run/below && ls -A /run/below/mnt/films; umount /run/below"
        )
    )
