# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches what on the host: one computation from which the ruleset and the reach table both follow. Pure.

An opening is a port of the host and the names of the sets of addresses that it is open to. Sets are ranges of
addresses (``lan``, ``vpn``, the VLAN of a zone ...); containers of ours are told by their bridge, never by address.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kronos.homelab.plugins.plugin_utils.cloudflare_ranges import cloudflare_ranges
from ansible_collections.kronos.homelab.plugins.plugin_utils.names import DEFAULT_ZONE
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Plan

EVERYONE = "everyone"
INTERNET = "internet"
BOTH = (4, 6)
DNS = 53
SCHEMES = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Opening:
    """A port of the host, open to the addresses of some sets.

    ``admits``: names of sets, or EVERYONE; nobody where it is empty. ``families``: IP versions. ``limit``: the rate
    limit that strangers fall under, ssh or web. ``containers``: whether our containers reach it too; ``network``: that
    of the container which publishes it, where it is no port of the host itself. Then only its neighbours there reach
    it, since nothing passes from bridge to bridge.
    """

    service: str
    port: int
    protocol: str
    admits: tuple[str, ...]
    families: tuple[int, ...]
    limit: str = ""
    containers: bool = False
    network: str = ""


@dataclass(frozen=True)
class HostService:
    """What listens on the host itself, as the containers behind these bridges reach it at one of its addresses."""

    service: str
    address: str
    port: int
    zones: tuple[str, ...]
    bridges: tuple[str, ...]


@dataclass(frozen=True)
class Flows:
    """All that is open; what is not named is closed."""

    sets: Mapping[str, tuple[str, ...]]
    openings: tuple[Opening, ...]
    host_services: tuple[HostService, ...]


def flows(plan: Plan, cloudflare: Sequence[str] = ()) -> Flows:
    """Return who reaches what, from the plan alone. *cloudflare*: ranges that stand in for those of the plan."""
    return Flows(
        _sets(plan, cloudflare or cloudflare_ranges(plan)), tuple(_openings(plan)), tuple(_host_services(plan))
    )


def vlan_network(vlan: Mapping[str, Any]) -> str:
    """Return the range of a VLAN."""
    return str(ipaddress.ip_interface(vlan["address"]).network)


def vlan_ranges(zone: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ranges of a zone's VLANs, that of the backup included."""
    vlans = [zone[key] for key in ("vlan", "backup_vlan") if zone.get(key)]
    return tuple(dict.fromkeys(vlan_network(vlan) for vlan in vlans))


def zone_set(zone: str) -> str:
    """Return the name of the set with a zone's VLAN."""
    return "zone_" + zone.replace("-", "_")


def of_family(networks: Iterable[str], family: int) -> list[str]:
    """Return the ranges of one IP version, sorted and without overlaps."""
    found = [ipaddress.ip_network(item) for item in networks]
    if family == 4:
        return [str(item) for item in ipaddress.collapse_addresses(i for i in found if i.version == 4)]
    return [str(item) for item in ipaddress.collapse_addresses(i for i in found if i.version == 6)]


def _sets(plan: Plan, cloudflare: Sequence[str]) -> dict[str, tuple[str, ...]]:
    settings = plan["settings"]
    zones = {zone_set(name): vlan_ranges(zone) for name, zone in plan["zones"].items()}
    trusted = [*settings["lan"], *settings["vpn"], *settings["ssh_sources"]]
    return {
        "lan": tuple(settings["lan"]),
        "vpn": tuple(settings["vpn"]),
        "cloudflare": tuple(cloudflare),
        "trusted": tuple(dict.fromkeys(trusted)),
        **({"ssh": tuple(settings["ssh_sources"])} if settings["ssh_sources"] else {}),
        **{name: ranges for name, ranges in zones.items() if ranges},
    }


def _openings(plan: Plan) -> Iterator[Opening]:
    settings = plan["settings"]
    admits = ("ssh",) if settings["ssh_sources"] else (EVERYONE,)
    # Whoever manages the host over IPv6 must not be shut out because no service is published on it.
    yield Opening("ssh", settings["ssh_port"], "tcp", admits, BOTH, limit="ssh")
    families = BOTH if settings["ipv6"] else (4,)
    web = {settings["http_port"], settings["https_port"]}
    for port in plan["published"]:
        limit = "web" if port["protocol"] == "tcp" and port["port"] in web else ""
        service = plan["services"].get(port["service"]) or {}
        network = next(iter(service.get("networks") or ()), "")  # Docker publishes on the one with a way out
        yield _opening(plan, port["service"], port, families, limit, network)
    if plan.get("vpn"):
        port = {"port": plan["vpn"]["port"], "protocol": "udp", "reach": "public"}
        yield _opening(plan, "wireguard", port, BOTH, "")
    for port in settings["open_ports"]:
        # Reach words of a setting are not resolved by the planner.
        zone = port["reach"] in plan["zones"] or port["reach"] in ("public", "lan", "vpn")
        resolved = {**port, "reach": port["reach"] if zone else DEFAULT_ZONE}
        yield _opening(plan, port["what"], resolved, BOTH, "")


def _opening(
    plan: Plan, service: str, port: Mapping[str, Any], families: tuple[int, ...], limit: str, network: str = ""
) -> Opening:
    admits = admitted(plan, port["reach"])
    if limit == "web" and admits == (EVERYONE,) and plan["settings"]["web_from"] == "cloudflare":
        inner = [zone_set(name) for name, zone in plan["zones"].items() if vlan_ranges(zone)]
        admits = ("lan", "vpn", *inner, "cloudflare")
    everyone = admits == (EVERYONE,)
    strange = "" if not {EVERYONE, "cloudflare"} & set(admits) else limit
    # A host that resolves names through its own address sends its containers there too.
    inside = everyone or (port["port"] == DNS and bool(admits))
    return Opening(service, port["port"], port["protocol"], admits, families, strange, inside, network)


def admitted(plan: Plan, reach: str) -> tuple[str, ...]:
    """Return the sets behind a word of reach; empty where nobody is.

    VPN clients count as at home, as they do for routes. The default zone without a VLAN is the home network itself,
    so that a home with one network needs no zones; another zone without a VLAN has no devices outside this host.
    """
    if reach == "public":
        return (EVERYONE,)
    if reach == "vpn":
        return ("vpn",)
    if reach == "lan" or (reach == DEFAULT_ZONE and not vlan_ranges(plan["zones"].get(reach, {}))):
        return ("lan", "vpn")
    return (zone_set(reach),) if vlan_ranges(plan["zones"].get(reach, {})) else ()


def _host_services(plan: Plan) -> Iterator[HostService]:
    """What runs on the host, for those who have to reach it: proxy, monitoring, and whoever names it.

    These are services in the host's network, and what the user runs there by himself and declares as external.
    """
    networks = {network["name"]: network for network in plan["networks"]}
    names = [name for name, service in plan["services"].items() if service["network"] == "host"]
    for name in [*names, *plan["external"]]:
        callers = [other for other in plan["services"].values() if _calls(other, name)]
        # A container leaves through its one network with a way out, which is the first.
        ways = {other["networks"][0]: other["realised_zone"] for other in callers if other["networks"]}
        bridges = {network: networks[network]["bridge"] for network in ways if network in networks}
        reached = sorted(network for network, bridge in bridges.items() if bridge and not networks[network]["internal"])
        if reached:
            for address, port in sorted(_listens(plan, name)):
                zones = tuple(sorted({ways[network] for network in reached}))
                yield HostService(name, address, port, zones, tuple(bridges[network] for network in reached))


def _calls(other: Mapping[str, Any], name: str) -> bool:
    return bool(other["joins_zones"] or name in other["needs"] or name in other["talks_to"])


def _listens(plan: Plan, name: str) -> set[tuple[str, int]]:
    """Addresses of the host and ports at which others are led to it: as metrics, behind the proxy, or by its health."""
    own = {plan["settings"]["host_gateway"], plan["settings"]["address"]}
    targets = [f"//{scrape['target']}" for scrape in plan["scrapes"] if scrape["service"] == name]
    targets += [route["upstream"] for route in plan["routes"] if route["service"] == name]
    parts = [urlsplit(target) for target in targets]
    found = {(part.hostname or "", part.port or SCHEMES.get(part.scheme, 0)) for part in parts}
    http = (plan["services"].get(name, {}).get("health") or {}).get("http") or {}
    found |= {(http["address"], int(http["port"]))} if http.get("address") else set()
    return {(address, port) for address, port in found if address in own and port and _is_address(address)}


def _is_address(text: str) -> bool:
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(text))
    return False
