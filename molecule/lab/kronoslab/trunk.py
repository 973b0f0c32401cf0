# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests' cable: a bridge in a network namespace of its own, where tags pass and nobody's firewall looks.

This machine has one foot in it, with an address in the untagged network; there is no way out.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from pathlib import Path

from .console import LabError, run

NAMESPACE = "kronos-trunk"
BRIDGE = "trunk"
FOOT = "kronos-trunk0"
SUBNET = ipaddress.IPv4Network("10.98.0.0/24")
FIRST, LAST = 11, 99


def ensure() -> None:
    """Make the namespace, its bridge and this machine's foot, whatever of them is missing."""
    if not exists():
        _refuse_taken(_routes())
        run(["ip", "netns", "add", NAMESPACE])
    if run(["ip", "-n", NAMESPACE, "link", "show", "dev", BRIDGE], check=False).returncode != 0:
        # a plain bridge: it looks at no tag, and so it passes all of them
        run(["ip", "-n", NAMESPACE, "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "-n", NAMESPACE, "link", "set", BRIDGE, "up"])
    if run(["ip", "link", "show", "dev", FOOT], check=False).returncode != 0:
        run(["ip", "link", "add", FOOT, "type", "veth", "peer", "name", "foot", "netns", NAMESPACE])
        run(["ip", "-n", NAMESPACE, "link", "set", "foot", "master", BRIDGE, "up"])
        run(["ip", "address", "add", f"{SUBNET[1]}/{SUBNET.prefixlen}", "dev", FOOT])
    run(["ip", "link", "set", FOOT, "up"])


def exists() -> bool:
    """Whether the namespace is there."""
    return Path("/run/netns", NAMESPACE).exists()


def remove() -> None:
    """Remove all of it; the links go with the namespace."""
    run(["ip", "link", "delete", FOOT], check=False)
    if exists():
        run(["ip", "netns", "delete", NAMESPACE])


def inside(args: Iterable[str]) -> list[str]:
    """The same command, within the namespace."""
    return ["ip", "netns", "exec", NAMESPACE, *args]


def tap(number: int) -> str:
    """Name of the end of a guest's cable."""
    return f"tap{number}"


def add_tap(number: int) -> None:
    """Put the cable of a guest into the bridge; one that is left over from before goes."""
    remove_tap(number)
    run(["ip", "-n", NAMESPACE, "tuntap", "add", "mode", "tap", "name", tap(number)])
    run(["ip", "-n", NAMESPACE, "link", "set", tap(number), "master", BRIDGE, "up"])


def remove_tap(number: int) -> None:
    """Take the cable of a guest away."""
    run(["ip", "-n", NAMESPACE, "link", "delete", tap(number)], check=False)


def address(number: int) -> str:
    """Address of a guest in the untagged network."""
    return str(SUBNET[number])


def free_number(taken: Iterable[int]) -> int:
    """The lowest number that no guest has."""
    used = set(taken)
    for number in range(FIRST, LAST + 1):
        if number not in used:
            return number
    raise LabError(f"no free number for another guest ({FIRST} to {LAST})")


def _refuse_taken(routes: Iterable[str]) -> None:
    """A network of the user's own must not be hidden behind ours."""
    for route in routes:
        if "." in route and ipaddress.IPv4Network(route, strict=False).overlaps(SUBNET):
            raise LabError(f"guests need {SUBNET}, and this machine has a route to {route}")


def _routes() -> list[str]:
    found = json.loads(run(["ip", "-j", "-4", "route", "show"]).stdout or "[]")
    return [str(route.get("dst", "")) for route in found]
