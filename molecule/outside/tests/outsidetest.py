# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this scenario share: its runs, single calls of a module, devices in the internet."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import labtest
import yaml

VARIABLES = yaml.safe_load((labtest.ROOT / "molecule" / "outside" / "vars" / "main.yml").read_text())
WORLD = "198.51.100.2"  # the host, as the internet sees it


def site(*arguments: str, **variables: Any) -> labtest.Run:
    """Run site.yml with the scenario's variables, and these."""
    return labtest.site(*arguments, **{**VARIABLES, **variables})


def module(name: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """Call one module of ours on the host; returns its result, ``failed`` included."""
    command = [sys.executable, "-m", "ansible", "adhoc", labtest.HOST, "-i", str(labtest.INVENTORY)]
    command += ["-m", f"kronos.homelab.{name}", "-a", json.dumps(options), *(["--check"] if check else [])]
    environment = {
        **{key: value for key, value in os.environ.items() if key != "ANSIBLE_CALLBACKS_ENABLED"},
        "ANSIBLE_CONFIG": str(labtest.ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(labtest.ROOT / ".ansible" / "collections"),
        "ANSIBLE_STDOUT_CALLBACK": "minimal",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        "KRONOS_LAB_HOSTS": labtest.HOST,
    }
    done = subprocess.run(command, env=environment, cwd=labtest.ROOT, capture_output=True, text=True, check=False)
    found = re.search(r"=> (\{.*\})", done.stdout, re.DOTALL)
    assert found, done.stdout + done.stderr
    return {"failed": done.returncode != 0, **json.loads(found.group(1))}


class Peer:
    """A device in the internet: an interface of its own, which it reaches the host through."""

    def __init__(self, host: Any, name: str, configuration: str) -> None:
        self.host, self.interface = host, name
        lines = [line for line in configuration.splitlines() if not line.startswith(("Address", "DNS"))]
        text = re.sub(r"Endpoint = [^:]+:", f"Endpoint = {WORLD}:", "\n".join(lines))
        self.address = re.search(r"Address = (\S+)", configuration)[1]  # type: ignore[index]
        allowed = re.search(r"AllowedIPs = (.+)", configuration)[1]  # type: ignore[index]
        # as no two of them may send the same addresses through two tunnels, only one is up at a time
        self.steps = [f"printf %s {shlex.quote(text)} > /run/{name}.conf", f"{self.inside} wireguard-go {name}"]
        self.steps += [f"{self.inside} wg setconf {name} /run/{name}.conf", f"rm /run/{name}.conf"]
        self.steps += [
            f"ip -n internet address add {self.address} dev {name}",
            f"ip -n internet link set up dev {name}",
        ]
        self.steps += [f"ip -n internet route replace {net} dev {name}" for net in allowed.split(", ")]

    @property
    def inside(self) -> str:
        return "ip netns exec internet"

    def __enter__(self) -> Peer:
        for step in self.steps:
            done = self.host.run(step)
            assert done.rc == 0, (step, done.stderr)
        return self

    def __exit__(self, *_error: object) -> None:
        self.host.run(f"ip -n internet link delete dev {self.interface}")

    def pings(self, address: str) -> bool:
        """Whether an address answers the device."""
        return bool(self.host.run(f"{self.inside} ping -c 2 -i 0.3 -W 1 -I {self.interface} {address}").rc == 0)


def gets(host: Any, name: str, address: str) -> str:
    """Status of a route as somebody in the internet sees it at one of the host's addresses."""
    ask = f"curl -sk -o /dev/null -m 4 -w %{{http_code}} --resolve {name}:443:{address} https://{name}/"
    return str(host.run(f"ip netns exec internet {ask}").stdout)


def fetched(folder: Path, device: str) -> str:
    """Fetch a device's configuration with our playbook, and return it."""
    run = labtest.play("vpn_device.yml", variables={**VARIABLES, "device": device, "folder": str(folder)})
    assert run.code == 0, run.output
    return (folder / f"{device}.conf").read_text()
