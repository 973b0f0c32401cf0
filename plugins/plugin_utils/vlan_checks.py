# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the VLANs of the zones: each by itself, and against each other and the host's own network."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.kronos.homelab.plugins.plugin_utils.names import vlan_interface
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Path, Problems, path_text
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Settings, Vlan, VlanRoute, Zone

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Link = ipaddress.IPv4Interface | ipaddress.IPv6Interface


class Located(Protocol):
    """The zones, and where each part of them was written."""

    @property
    def models(self) -> Mapping[str, Any]: ...

    def locate(self, path: Path) -> tuple[str, str]: ...


@dataclass(frozen=True)
class Place:
    """One VLAN block: of which zone, under which key."""

    zone: str
    key: str
    vlan: Vlan

    @property
    def text(self) -> str:
        """The block as users name it."""
        return path_text((self.zone, self.key))


def blocks(zones: Mapping[str, Zone]) -> Iterator[Place]:
    """Every VLAN block of the zones, backups included, in a fixed order: those that are in use first."""
    for key in ("vlan", "backup_vlan"):
        for name, zone in sorted(zones.items()):
            vlan = getattr(zone, key)
            if vlan is not None:
                yield Place(name, key, vlan)


def vlan_ranges(zones: Mapping[str, Zone]) -> list[tuple[Place, Network]]:
    """The range of every VLAN, for each block that names it."""
    return [
        (place, ipaddress.ip_interface(address).network)
        for place in blocks(zones)
        for address in (place.vlan.address, place.vlan.address6)
        if address is not None
    ]


def overlap(one: Network, other: Network) -> bool:
    """Tell whether two ranges share an address."""
    return one.version == other.version and one.overlaps(other)


def check_vlans(zones: Located, settings: Settings | None, problems: Problems) -> None:
    """Add every mistake in the VLANs of the zones."""
    for place in blocks(zones.models):
        _check_block(_Here(zones, (place.zone, place.key), problems), place.vlan)
    _check_equal(zones, problems)
    _check_ranges(zones, settings, problems)
    for name, zone in sorted(zones.models.items()):
        _check_zone(_Here(zones, (name,), problems), zone)


@dataclass(frozen=True)
class _Here:
    """A part of the zones, and how to say what is wrong in it."""

    zones: Located
    base: Path
    problems: Problems

    def say(self, path: Path, found: str, wanted: str) -> None:
        self.problems.say(*self.zones.locate((*self.base, *path)), found, wanted)


def _check_block(here: _Here, vlan: Vlan) -> None:
    links = [ipaddress.ip_interface(vlan.address)]
    if vlan.address6 is not None:
        links.append(ipaddress.ip_interface(vlan.address6))
        if links[0].version == 6 or links[1].version == 4:
            here.say(("address6",), vlan.address6, "an IPv6 address, beside an IPv4 one in address")
            return
    if vlan.parent in ("lo", vlan_interface(vlan.id)):
        here.say(("parent",), vlan.parent, "the interface whose cable carries the VLAN, such as eth0")
    for key, link in zip(("address", "address6"), links):
        _check_address(here, key, link, vlan.ipv6)
    _check_gateway(here, "gateway", vlan.gateway, links[0])
    if vlan.gateway6 is not None and len(links) == 1:
        here.say(("gateway6",), vlan.gateway6, "an address6, on whose link it is")
    elif len(links) == 2:
        _check_gateway(here, "gateway6", vlan.gateway6, links[1])
    for index in range(len(vlan.routes)):
        _check_route(here, index, vlan.routes[index], links)


def _check_address(here: _Here, key: str, link: Link, ipv6: bool) -> None:
    network = link.network
    if link.version == 6 and not ipv6:
        here.say((key,), f"{link} with ipv6 off", "ipv6: true, or an IPv4 address")
    if network.prefixlen < network.max_prefixlen - 1 and link.ip == network.network_address:
        here.say((key,), f"{link}, which is the network itself", f"an address of a host in {network}")
    elif link.version == 4 and network.prefixlen < 31 and link.ip == network.broadcast_address:
        here.say((key,), f"{link}, which is the broadcast address", f"an address of a host in {network}")


def _check_gateway(here: _Here, key: str, gateway: str | None, link: Link) -> None:
    if gateway is None:
        return
    if not _on_link(gateway, link):
        here.say((key,), f"{gateway}, which is not on the link", f"an address in {link.network}")
    elif ipaddress.ip_address(gateway) == link.ip:
        here.say((key,), f"{gateway}, which is this host", "the address of the router")


def _check_route(here: _Here, index: int, route: VlanRoute, links: list[Link]) -> None:
    to = ipaddress.ip_network(route.to)
    if not any(_on_link(route.via, link) and link.version == to.version for link in links):
        ranges = " or ".join(str(link.network) for link in links if link.version == to.version) or "none: no such link"
        here.say(("routes", index, "via"), f"{route.via}, which is not on the link", f"an address in {ranges}")
    for link in links:
        if overlap(to, link.network):
            here.say(
                ("routes", index, "to"), f"{to}, which overlaps the VLAN's own {link.network}", "a network behind it"
            )


def _on_link(address: str, link: Link) -> bool:
    there = ipaddress.ip_address(address)
    local = isinstance(there, ipaddress.IPv6Address) and there.is_link_local and link.version == 6
    return there.version == link.version and (there in link.network or local)


def _check_equal(zones: Located, problems: Problems) -> None:
    """The same VLAN id means the same VLAN: the blocks must be equal."""
    first: dict[int, Place] = {}
    for place in blocks(zones.models):
        other = first.setdefault(place.vlan.id, place)
        if other.vlan != place.vlan:
            differing = [key for key in Vlan.model_fields if getattr(other.vlan, key) != getattr(place.vlan, key)]
            whose = f"zone {other.zone!r} has" if other.key == "vlan" else f"{other.text} has"
            found = f"another {' and '.join(differing)} for VLAN {place.vlan.id} than {whose}"
            where = (place.zone, place.key, differing[0])
            problems.say(*zones.locate(where), found, "equal vlan blocks for one VLAN id")


def _check_ranges(zones: Located, settings: Settings | None, problems: Problems) -> None:
    """VLANs have ranges of their own, and none covers the link over which the host is reached."""
    seen: list[tuple[Place, Network]] = []
    for place, network in vlan_ranges(zones.models):
        key = "address" if network.version == ipaddress.ip_interface(place.vlan.address).version else "address6"
        where = (place.zone, place.key, key)
        for other, range_ in seen:
            if place.vlan.id != other.vlan.id and overlap(network, range_):
                found = f"{network}, which overlaps {range_} of {other.text}"
                problems.say(*zones.locate(where), found, "VLANs with ranges of their own")
        seen.append((place, network))
        if settings is not None:
            for what, taken in _own_addresses(settings):
                own = ipaddress.ip_interface(place.vlan.address if key == "address" else place.vlan.address6 or "").ip
                if taken in network and taken != own:
                    problems.say(*zones.locate(where), f"{network}, which holds {taken} of {what}", "another range")


def _own_addresses(settings: Settings) -> list[tuple[str, ipaddress.IPv4Address | ipaddress.IPv6Address]]:
    found = []
    for what, text in (("kronos_address", settings.address), ("kronos_host_gateway", settings.host_gateway)):
        with contextlib.suppress(ValueError):  # a name: nothing to compare
            found.append((what, ipaddress.ip_address(text)))
    return found


def _check_zone(here: _Here, zone: Zone) -> None:
    if zone.vlan is None:
        if zone.backup_vlan is not None:
            here.say(("backup_vlan",), "a backup of no VLAN", "a vlan beside it")
        return
    if zone.backup_vlan is not None and zone.backup_vlan.id == zone.vlan.id:
        here.say(("backup_vlan", "id"), f"the zone's own VLAN {zone.vlan.id}", "another VLAN")
    if zone.network.driver == "bridge" and zone.network.subnet is None:
        here.say(
            ("network", "subnet"),
            "nothing",
            "a range for its containers, by which their traffic is told and sent through the VLAN",
        )
