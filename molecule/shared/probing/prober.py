# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine beside the lab host that has an address in every network that a client can come from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import docker
from ansible_collections.kronos.homelab.plugins.plugin_utils.exposure import exposure
from labtest import HOST, INVENTORY, ROOT, address

NAME = f"kronos-lab-prober-{HOST}"
PROBE = Path(__file__).with_name("probe.py")

# The address of each source of the reach table, by IP version. The lab's own network is none of them.
SOURCES: dict[str, dict[int, str]] = {
    "internet": {4: "198.51.100.7", 6: "2001:db8:66::7"},
    "lan": {4: "10.66.1.7", 6: "fd66:1::7"},
    "vpn": {4: "10.66.2.7"},
    "zone iot": {4: "10.66.3.7"},
    "zone guests": {4: "10.66.4.7"},
}
# Others of the internet, to whom may happen what no other test must notice.
STRANGERS = {"ssh": "198.51.100.81", "web": "198.51.100.82", "refused": "198.51.100.83"}
WAYS = [(source, family) for source, own in SOURCES.items() for family in own]


class Prober:
    """A container in the lab's network; ``host`` is testinfra's, for the ways back."""

    def __init__(self, host: Any) -> None:
        self.host = host

    def start(self) -> None:
        """Make it anew, with all its addresses."""
        client = docker.from_env(version="auto")
        self.stop()
        lab = client.containers.get(f"kronos-lab-host-{HOST}")
        network = next(iter(lab.attrs["NetworkSettings"]["Networks"]))
        client.containers.run(
            lab.attrs["Config"]["Image"],
            ["infinity"],
            entrypoint="sleep",
            name=NAME,
            network=network,
            detach=True,
            init=True,
            cap_add=["NET_ADMIN", "NET_RAW"],
            sysctls={"net.ipv6.conf.all.disable_ipv6": 0},
            labels=lab.attrs["Config"]["Labels"] | {"kronos.lab.host": ""},
        )
        subprocess.run(["docker", "cp", str(PROBE), f"{NAME}:/probe.py"], check=True, capture_output=True)
        for own in SOURCES.values():
            for family, one in own.items():
                self.run("ip", "address", "add", f"{one}/{prefix(family)}", "dev", "eth0", *nodad(family))
        for one in STRANGERS.values():
            self.run("ip", "address", "add", f"{one}/32", "dev", "eth0")
        self.ways_back()

    def ways_back(self) -> None:
        """Give the host the ways to these networks, which a router would have; a reboot takes them away."""
        for own in SOURCES.values():
            for family, one in own.items():
                self.host.check_output(f"ip -{family} route replace {one}/{32 if family == 4 else 128} dev eth0")
        for one in STRANGERS.values():
            self.host.check_output(f"ip route replace {one}/32 dev eth0")

    def stop(self) -> None:
        """Remove it."""
        subprocess.run(["docker", "rm", "--force", NAME], capture_output=True, check=False)

    def run(self, *words: str) -> str:
        """Run a command on it."""
        done = subprocess.run(["docker", "exec", NAME, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tcp(self, source: str, family: int, ports: Iterable[int] = (), target: str = "") -> set[int]:
        """Return the TCP ports that answer this source; of all ports, or of those given."""
        words = [SOURCES[source][family], target or self.target(family), *(str(port) for port in ports)]
        return {int(line) for line in self.run("python3", "/probe.py", "tcp", *words).split()}

    def udp(self, source: str, family: int, ports: Iterable[int]) -> None:
        """Send a datagram to each port."""
        words = [SOURCES[source][family], self.target(family), *(str(port) for port in ports)]
        self.run("python3", "/probe.py", "udp", *words)

    def burst(self, source: str, port: int, count: int) -> tuple[int, float]:
        """Begin connections from an address; return how many were answered, and how many seconds it took."""
        said = self.run("python3", "/probe.py", "burst", source, self.target(4), str(port), str(count)).split()
        return int(said[0]), float(said[1])

    def target(self, family: int) -> str:
        """Return the host's address."""
        if family == 4:
            return address()
        found = self.host.check_output("ip -6 -json address show dev eth0 scope global")
        return str(json.loads(found)[0]["addr_info"][0]["local"])


def prefix(family: int) -> int:
    """Return the length of the prober's networks: the host is on the same link as all of them."""
    return 24 if family == 4 else 64


def nodad(family: int) -> list[str]:
    """Nobody else has these addresses; looking for one would take a second."""
    return ["nodad"] if family == 6 else []


def plan_of(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the plan of the scenario's host for these variables."""
    command = [sys.executable, "-m", "ansible", "adhoc", HOST, "-i", str(INVENTORY)]
    command += ["-m", "kronos.homelab.plan", "-e", json.dumps(variables)]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "KRONOS_LAB_HOSTS": HOST,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.partition("=> ")[2]))


def declared(plan: dict[str, Any], source: str, family: int, protocol: str = "tcp") -> set[int]:
    """Return the ports that the reach table opens to this source."""
    rows = [row for row in exposure(plan) if row["source"] == source and row["protocol"] == protocol]
    return {row["port"] for row in rows if f"ipv{family}" in row["families"]}
