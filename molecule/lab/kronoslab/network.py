# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's network: one bridge, with fixed addresses for the registry (.2) and the hosts (from .11 on)."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from typing import Any

from .console import LabError, run
from .engine import default_mtu
from .place import LABEL, NETWORK

CANDIDATES = [f"172.28.{third}.0/24" for third in range(80, 96)]
IPV6 = "fd4b:6b72:6f6e:{third}::/64"
FIRST_HOST = 11
Net = ipaddress.IPv4Network


def ensure() -> None:
    """Create the lab network on a subnet that neither Docker nor this machine uses."""
    if _inspect() is not None:
        return
    subnet = free_subnet(_taken())
    create = ["docker", "network", "create", "--driver=bridge", "--label", LABEL, "--subnet", subnet]
    create += ["--opt", f"com.docker.network.driver.mtu={default_mtu()}"]
    ipv6 = ["--ipv6", "--subnet", IPV6.format(third=subnet.split(".")[2])]
    if run([*create, *ipv6, NETWORK], check=False).returncode != 0:
        run([*create, NETWORK])  # a machine without IPv6


def free_subnet(taken: Iterable[Net]) -> str:
    """The first candidate that overlaps nothing in `taken`."""
    used = list(taken)
    for candidate in CANDIDATES:
        if not any(Net(candidate).overlaps(other) for other in used):
            return candidate
    raise LabError(f"no free subnet for the lab among {CANDIDATES[0]} … {CANDIDATES[-1]}")


def subnet() -> str:
    """IPv4 subnet of the lab network."""
    shown = _inspect()
    if shown is None:
        raise LabError("the lab is not up: `lab.py up` first")
    for config in shown["IPAM"]["Config"]:
        if "." in config["Subnet"]:
            return str(config["Subnet"])
    raise LabError(f"the network {NETWORK} has no IPv4 subnet")


def registry_address() -> str:
    """The registry's fixed address."""
    return str(Net(subnet())[2])


def next_address(within: str, used: Iterable[str]) -> str:
    """The lowest free address for a new host."""
    taken = set(used)
    for number in range(FIRST_HOST, 255):
        address = str(Net(within)[number])
        if address not in taken:
            return address
    raise LabError(f"no free address for another host in {within}")


def remove() -> None:
    """Remove the lab network if it is there."""
    if _inspect() is not None:
        run(["docker", "network", "rm", NETWORK])


def _inspect() -> dict[str, Any] | None:
    shown = run(["docker", "network", "inspect", NETWORK], check=False)
    return json.loads(shown.stdout)[0] if shown.returncode == 0 else None


def _taken() -> list[Net]:
    """Subnets of Docker's networks and of this machine's routes."""
    texts: list[str] = []
    ids = run(["docker", "network", "ls", "--quiet"]).stdout.split()
    for network in json.loads(run(["docker", "network", "inspect", *ids]).stdout) if ids else []:
        texts += [config.get("Subnet", "") for config in network["IPAM"].get("Config") or []]
    routes = run(["ip", "-j", "-4", "route", "show"], check=False).stdout
    texts += [route.get("dst", "") for route in (json.loads(routes) if routes.strip() else [])]
    return [Net(text, strict=False) for text in texts if "." in text]
