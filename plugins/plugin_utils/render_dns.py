# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the home: which address each name of the plan means to a client inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kronos.homelab.plugins.plugin_utils.names import is_host_name, is_ip
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan


def dns_records(plan: Plan) -> Data:
    """Return ``hosts`` ({address, names}, a row for each name) and ``left_out`` (names whose address nobody knows).

    Inside the home a name means the host that serves it, whatever the internet's DNS says. Names of this host go
    before those of its peers, and the name of a host before those that it serves: it is what its address is called.
    """
    found: dict[str, str] = {}
    for name, address in [*_own(plan), *_peers(plan)]:
        found.setdefault(name, address)
    return {
        "hosts": [{"address": address, "names": [name]} for name, address in found.items() if is_ip(address)],
        "left_out": sorted(name for name, address in found.items() if not is_ip(address)),
    }


def kept_inside(plan: Plan) -> list[str]:
    """Names about which the internet is never asked, for no kind of record.

    A DNS server that knows an address of a name asks the internet for every other kind: IPv6 addresses, and the hints
    of HTTPS records, by which browsers would leave the home. What stands below a name is kept inside with it, so these
    are the names below the domains of our hosts, and neither the domains themselves nor names of others.
    """
    domains = {plan["settings"]["domain"], *(peer["domain"] for peer in plan["peers"].values())}
    names = {name for each in dns_records(plan)["hosts"] for name in each["names"]}
    below = {name for name in names if any(name.endswith(f".{domain}") for domain in domains)}
    return sorted(name for name in below if not any(f".{domain}".endswith(f".{name}") for domain in domains))


def _own(plan: Plan) -> Iterator[tuple[str, str]]:
    settings = plan["settings"]
    yield from _host(plan["host"], settings["domain"], settings["address"])
    for name in sorted({name for route in plan["routes"] for name in names_of(route)}):
        yield name, settings["address"]
    routed = {route["service"] for route in plan["routes"]}
    for name, external in sorted(plan["external"].items()):
        address = urlsplit(external["url"]).hostname or ""
        if name not in routed and is_ip(address):
            yield f"{name}.{settings['domain']}", address


def _peers(plan: Plan) -> Iterator[tuple[str, str]]:
    for host, peer in sorted(plan["peers"].items()):
        yield from _host(host, peer["domain"], peer["address"])
        for route in peer["routes"]:
            for name in names_of(route):
                yield name, str(route["address"])


def names_of(route: Mapping[str, Any]) -> list[str]:
    """Every name of a route."""
    return [str(name) for name in route.get("names") or [route["fqdn"]]]


def _host(host: str, domain: str, address: str) -> Iterator[tuple[str, str]]:
    """The host itself, by its name in the inventory, where that can be a name."""
    label = host.split(".")[0].lower()
    if is_host_name(label):
        yield f"{label}.{domain}", address
