# SPDX-License-Identifier: GPL-3.0-or-later
"""Lab hosts: containers that boot systemd and sshd, and can run a Docker engine of their own."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import network
from .console import LabError, run, step, succeeds
from .place import LABEL, NETWORK, REGISTRY_NAME, Place

PREFIX = "kronos-lab-host-"
HOST_LABEL = "kronos.lab.host"
READY_SECONDS = 180
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")

# All that a server's root may do, less what would reach the machine below: its clock, its kernel modules.
# SYS_RESOURCE is left out because not every machine has it to give, which is also why not --privileged.
CONFINEMENT = [
    "--cap-add=ALL",
    "--cap-drop=SYS_RESOURCE",
    "--cap-drop=SYS_TIME",
    "--cap-drop=SYS_MODULE",
    "--security-opt=seccomp=unconfined",
    "--security-opt=systempaths=unconfined",
    "--security-opt=apparmor=unconfined",
    "--security-opt=label=disable",
    "--cgroupns=private",
]


@dataclass(frozen=True)
class Host:
    """A lab host that exists."""

    name: str
    address: str
    running: bool
    publish: tuple[str, ...] = ()


def container_name(name: str) -> str:
    return PREFIX + name


def volume_name(name: str) -> str:
    return f"{PREFIX}{name}-docker"


def run_args(name: str, image: str, address: str, registry: str, publish: Sequence[str] = ()) -> list[str]:
    """Arguments of `docker run` for a host. `publish`: HOST_PORT:PORT pairs, on loopback only."""
    args = ["run", "--detach", "--name", container_name(name), "--hostname", name]
    args += ["--label", LABEL, "--label", f"{HOST_LABEL}={name}"]
    args += ["--network", NETWORK, "--ip", address, "--add-host", f"{REGISTRY_NAME}:{registry}"]
    args += CONFINEMENT
    args += ["--sysctl=net.ipv6.conf.all.disable_ipv6=0", "--sysctl=net.ipv6.conf.default.disable_ipv6=0"]
    args += ["--tmpfs=/run", "--tmpfs=/tmp", "--volume", f"{volume_name(name)}:/var/lib/docker"]
    for pair in publish:
        args += ["--publish", f"127.0.0.1:{pair}"]
    return [*args, image]


def existing() -> dict[str, Host]:
    """All lab hosts on this engine, by name."""
    ids = run(["docker", "ps", "--all", "--quiet", "--filter", f"label={HOST_LABEL}"]).stdout.split()
    # not checked: a host that another command removes meanwhile is left out of the answer
    shown = json.loads(run(["docker", "container", "inspect", *ids], check=False).stdout) if ids else []
    hosts = [_host(container) for container in shown]
    return {host.name: host for host in sorted(hosts, key=lambda host: host.name)}


def _host(container: dict[str, Any]) -> Host:
    settings = container["NetworkSettings"]["Networks"].get(NETWORK, {})
    fixed = (settings.get("IPAMConfig") or {}).get("IPv4Address")
    bindings = container["HostConfig"].get("PortBindings") or {}
    publish = [f"{bound[0]['HostPort']}:{port.partition('/')[0]}" for port, bound in bindings.items() if bound]
    return Host(
        name=container["Config"]["Labels"][HOST_LABEL],
        address=fixed or settings.get("IPAddress", ""),
        running=container["State"]["Running"],
        publish=tuple(sorted(publish)),
    )


def ensure_key(place: Place) -> str:
    """Make the lab's SSH key once; return the public half."""
    key = place.ssh_key
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "kronos-lab", "-f", str(key)])
    return key.with_suffix(".pub").read_text().strip()


def up(place: Place, name: str, image: str, *, publish: Sequence[str] = (), fresh: bool = False) -> Host:
    """Make sure that a host runs and lets us in; `fresh`, or other ports than it has, make it anew, empty."""
    if not NAME.fullmatch(name):
        raise LabError(f"not a host name: {name!r} (small letters, digits and dashes, a letter first)")
    found = existing().get(name)
    if found and (fresh or (publish and found.publish != tuple(sorted(publish)))):
        remove(name)
        found = None
    if found is None:
        address = network.next_address(network.subnet(), [host.address for host in existing().values()])
        with step(f"host {name} ({address})"):
            run(["docker", "volume", "create", "--label", LABEL, volume_name(name)])
            run(["docker", *run_args(name, image, address, network.registry_address(), publish)])
            _let_in(place, name, address)
    else:
        address = found.address
        if not found.running:
            run(["docker", "start", container_name(name)])
        _let_in(place, name, address)
    return existing()[name]


def ssh_args(place: Place, address: str) -> list[str]:
    """The ssh command for a host, up to the remote command."""
    return ["ssh", "-i", str(place.ssh_key), *ssh_options(place), f"root@{address}"]


def ssh_options(place: Place) -> list[str]:
    """A lab host is made anew every few minutes under the same address: its host key says nothing."""
    options = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={place.known_hosts}", "LogLevel=ERROR"]
    options += ["IdentitiesOnly=yes", "ConnectTimeout=5"]
    return [part for option in options for part in ("-o", option)]


def _let_in(place: Place, name: str, address: str) -> None:
    """Allow our key, and wait until systemd has finished booting and sshd answers."""
    allow = (
        "mkdir -p -m 700 /root/.ssh && touch /root/.ssh/authorized_keys && read -r key && "
        '{ grep -qxF "$key" /root/.ssh/authorized_keys || echo "$key" >> /root/.ssh/authorized_keys; }'
    )
    run(["docker", "exec", "-i", container_name(name), "sh", "-c", allow], stdin=ensure_key(place) + "\n")
    forget_host_key(place, address)
    deadline = time.monotonic() + READY_SECONDS
    ready = [*ssh_args(place, address), "systemctl is-system-running --wait | grep -qE 'running|degraded'"]
    while not succeeds(ready, timeout=30):
        if time.monotonic() > deadline:
            logs = run(["docker", "logs", "--tail", "15", container_name(name)], check=False)
            raise LabError(f"host {name} did not come up in {READY_SECONDS} s\n{logs.stdout}{logs.stderr}")
        time.sleep(0.3)


def forget_host_key(place: Place, address: str) -> None:
    """Forget the key of whoever had this address before."""
    if place.known_hosts.exists():
        run(["ssh-keygen", "-R", address, "-f", str(place.known_hosts)], check=False)


def remove(name: str) -> None:
    """Remove a host and all that was on it."""
    run(["docker", "rm", "--force", "--volumes", container_name(name)], check=False)
    run(["docker", "volume", "rm", "--force", volume_name(name)], check=False)
