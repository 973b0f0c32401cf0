# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPN with the kernel's own WireGuard, and a device on another machine, which has only the internet.

In a full run alone: all of site.yml with a real Traefik takes minutes without hardware virtualisation. What needs no
kernel of its own is in the scenario outside.
"""

from __future__ import annotations

import gzip
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import labtest
import pytest
import yaml
from guesttest import HOST_ALONE, lab

pytestmark = pytest.mark.skipif(not labtest.FULL, reason="runs in make test-full")

# documentation's own network is the internet here (RFC 5737): neither of the home nor of the VPN
WORLD, PEER = "198.51.100.1", "198.51.100.2"
SERVER = "10.99.0.1"
USERS = {"anna": {"devices": ["laptop", "phone"]}}
HELLO = {
    "image": "docker.io/kronos/busybox:1",
    "command": ["httpd", "-f", "-p", "8080", "-h", "/"],
    "user": {"uid": 1000, "gid": 1000, "how": "run"},
    "routes": [{"host": "hello", "port": 8080, "access": "vpn"}, {"host": "www", "port": 8080, "access": "public"}],
}
VPN = {
    **HOST_ALONE,
    "firewall_enabled": True,
    "kronos_stacks": ["traefik"],
    "kronos_services": {"hello": HELLO},
    "kronos_vpn": ["10.99.0.0/24"],
    "kronos_vpn_endpoint": WORLD,
    "kronos_users": USERS,
}
# the device's end: a namespace that has nothing but this network
ROAD = f"""
ip netns add road
ip link add link eth0 name road0 type macvlan mode bridge
ip link set road0 netns road
ip -n road link set lo up
ip -n road address add {PEER}/24 dev road0
ip -n road link set road0 up
"""
INSIDE = "ip netns exec road"


def bring_traefik() -> None:
    """Make the image in the guest, which reaches no registry, of the program in the lab's."""
    ref = yaml.safe_load((labtest.ROOT / "roles" / "traefik" / "services" / "traefik.yml").read_text())["image"]
    client = docker.from_env(version="auto")
    tags = [tag for image in client.images.list() for tag in image.tags if tag.endswith(f"/{ref}")]
    container = client.containers.create(tags[0], labels={"kronos.lab": "true"})
    try:
        program = b"".join(container.get_archive("/usr/local/bin/traefik")[0])
    finally:
        container.remove()
    load = f"docker import --change 'ENTRYPOINT [\"/traefik\"]' - {ref}"
    command = [sys.executable, str(labtest.ROOT / "molecule" / "lab" / "lab.py"), "guest", "ssh", "guest", load]
    done = subprocess.run(command, input=gzip.compress(program, 1), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module", autouse=True)
def server(host: Any, nas: Any) -> Iterator[labtest.Run]:
    """The host with its VPN and a route for it, seen from the internet; at the end it has neither."""
    bring_traefik()
    # What the tests before have left would hold a share that goes with this run, and the next run would take it down.
    host.run("docker ps --all --quiet | xargs --no-run-if-empty docker rm --force")
    run = labtest.site(**VPN)
    assert run.code == 0, run.output
    host.check_output(f"ip address add {WORLD}/24 dev eth0")
    nas.check_output(ROAD)
    yield run
    nas.check_output("ip netns delete road")
    host.run(f"ip address delete {WORLD}/24 dev eth0")
    gone = labtest.site(**HOST_ALONE)
    assert gone.code == 0, gone.output
    assert host.run("ip link show dev wg-kronos").rc != 0


@pytest.fixture(scope="module")
def phone(nas: Any, server: labtest.Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The device's configuration as its owner gets it, on the device."""
    folder: Path = tmp_path_factory.mktemp("devices")
    run = labtest.play("vpn_device.yml", variables={**VPN, "device": "anna.phone", "folder": str(folder)})
    assert run.code == 0, run.output
    text = (folder / "anna.phone.conf").read_text()
    nas.check_output(f"umask 077; printf %s {shlex.quote(text)} > /run/phone.conf")
    return "/run/phone.conf"


def gets(nas: Any, name: str, address: str) -> str:
    """Status of a route as the device sees it at one of the host's addresses."""
    name = f"{name}.{labtest.HOST}.localhost"
    ask = f"curl -sk -o /dev/null -m 20 -w %{{http_code}} --resolve {name}:443:{address} https://{name}/"
    return str(nas.run(f"{INSIDE} {ask}").stdout)


def of_the_kernel(machine: Any, interface: str, inside: str = "") -> bool:
    """Whether an interface is the kernel's own WireGuard, and no program's."""
    link = machine.check_output(f"{inside} ip -details link show dev {interface}")
    assert machine.run("pgrep -x wireguard-go").rc == 1
    return " wireguard " in link and " tun " not in link


def test_a_device_reaches_through_the_kernels_tunnel_what_the_internet_cannot(host: Any, nas: Any, phone: str) -> None:
    assert of_the_kernel(host, "wg-kronos")
    assert gets(nas, "www", WORLD) == "200", "the road itself is open"
    assert gets(nas, "hello", WORLD) == "403"
    assert gets(nas, "hello", SERVER) == "000", "there is no tunnel yet"
    nas.check_output(f"{INSIDE} wg-quick up {phone}")
    assert of_the_kernel(nas, "phone", INSIDE)
    for address in (SERVER, labtest.address()):
        assert gets(nas, "hello", address) == "200", address
    assert gets(nas, "hello", WORLD) == "403", "past the tunnel it is the internet as before"


def test_a_second_run_finds_nothing_to_do() -> None:
    again = labtest.site(**VPN, kronos_fast=False)
    assert (again.code, again.changed) == (0, []), again.output


def test_tunnels_are_back_after_a_power_cut(host: Any, nas: Any, phone: str) -> None:
    lab("reboot", "--hard", "guest")
    assert of_the_kernel(host, "wg-kronos")
    host.check_output(f"ip address add {WORLD}/24 dev eth0")
    labtest.until(lambda: gets(nas, "hello", SERVER) == "200", 180)


def test_a_device_that_goes_is_shut_out(nas: Any, phone: str) -> None:
    run = labtest.site(**{**VPN, "kronos_users": {"anna": {"devices": ["laptop"]}}})
    assert run.code == 0, run.output
    assert gets(nas, "www", WORLD) == "200", "it is the device that is out, not the host that is away"
    assert gets(nas, "hello", SERVER) == "000"
    assert nas.run(f"{INSIDE} ping -c 2 -W 3 {SERVER}").rc == 1
