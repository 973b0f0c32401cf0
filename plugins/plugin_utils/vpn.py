# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPN in the plan: which devices there are, where they reach the host, and what they reach through it. Pure.

A device is named after its owner and itself, ``anna.phone``. The server has the first address of the network; the
host gives the others to the devices, and each keeps its own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Person, Settings
from ansible_collections.kronos.homelab.plugins.plugin_utils.zones import Named

Data = dict[str, Any]
INTERFACE = "wg-kronos"
DNS_SERVICE = "pihole"


def device_names(people: Mapping[str, Person]) -> list[str]:
    """Return the names of all devices, sorted."""
    return sorted(f"{name}.{device}" for name, person in people.items() for device in person.devices)


def check_vpn(settings: Settings, people: Named, taken: Iterable[int], problems: Problems) -> None:
    """Devices have a network with room for all, and an endpoint. *taken*: UDP ports of services on the host."""
    devices = device_names(people.models)
    if not devices:
        return
    for variable, path, found, wanted in _mistakes(settings, len(devices), set(taken)):
        problems.say(variable, path, found, wanted)


def _mistakes(
    settings: Settings, devices: int, taken: set[int]
) -> Iterator[tuple[str, tuple[str | int, ...], str, str]]:
    whose = f"for the {devices} devices in kronos_users"
    if not settings.vpn:
        yield "kronos_vpn", (), "no network", f"one {whose}, such as 10.9.0.0/24"
    else:
        network = ipaddress.ip_network(settings.vpn[0])
        if _room(network) < devices:
            yield "kronos_vpn", (0,), f"{network}, with room for {max(_room(network), 0)}", f"a larger one {whose}"
        for index, item in enumerate(settings.vpn_forward):
            if ipaddress.ip_network(item).version != network.version:
                yield "kronos_vpn_forward", (index,), item, f"an IPv{network.version} network, as the VPN is"
    if settings.vpn_endpoint is None:
        wanted = "the name or address at which devices on the road reach the host (such as vpn.home.example)"
        yield "kronos_vpn_endpoint", (), "nothing", f"{wanted}, {whose}"
    elif _split(settings.vpn_endpoint, 1)[1] > 65535:
        yield "kronos_vpn_endpoint", (), repr(settings.vpn_endpoint), "a port up to 65535 behind the colon"
    if settings.vpn_port in taken:
        yield "kronos_vpn_port", (), f"{settings.vpn_port}/udp, which a service publishes", "a port of its own"


def _room(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> int:
    """How many devices fit: all addresses but the network's own, the broadcast one and the server's."""
    return network.num_addresses - 3


def vpn_entry(settings: Settings, people: Mapping[str, Person], services: Iterable[str]) -> Data | None:
    """Return the plan's part; None where there are no devices."""
    devices = device_names(people)
    if not devices or not settings.vpn or settings.vpn_endpoint is None:
        return None
    network = ipaddress.ip_network(settings.vpn[0])
    host = _host_address(settings.address)
    name, port = _split(settings.vpn_endpoint, settings.vpn_port)
    own = [f"{host}/{host.max_prefixlen}"] if host and host.version == network.version else []
    return {
        "interface": INTERFACE,
        "address": f"{network[1]}/{network.prefixlen}",
        "port": settings.vpn_port,
        "endpoint": f"{name}:{port}",
        "forward": settings.vpn_forward,
        "dns": [str(host)] if host and DNS_SERVICE in services else [],
        "allowed": list(dict.fromkeys([str(network), *own, *settings.vpn_forward])),
        "devices": devices,
    }


def endpoint_name(vpn: Mapping[str, Any] | None) -> str:
    """Return the name at which devices reach the host; empty where there is none, or an address."""
    name = str(vpn["endpoint"]).rpartition(":")[0] if vpn else ""
    return "" if name.startswith("[") or _host_address(name) else name.lower()


def vpn_cautions(vpn: Mapping[str, Any] | None, routes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what the user should know: Cloudflare's proxy carries no WireGuard."""
    name = endpoint_name(vpn)
    proxied = sorted(route["name"] for route in routes if route["proxied"] and name and name in route["names"])
    if not proxied:
        return []
    return [
        f"kronos_vpn_endpoint {name} is proxied by Cloudflare for {', '.join(proxied)}, which carries no WireGuard: "
        "give the VPN a name of its own"
    ]


def _host_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _split(endpoint: str, port: int) -> tuple[str, int]:
    """Return host and port of an endpoint; *port* where it states none."""
    head, colon, tail = endpoint.rpartition(":")
    return (head, int(tail)) if colon and not endpoint.endswith("]") else (endpoint, port)
