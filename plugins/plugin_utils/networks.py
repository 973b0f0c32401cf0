# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which docker networks exist, and which service joins which.

Every zone has a network with a way out (kronos-<zone>) and an internal one, its serving side
(kronos-in-<zone>), where the proxy and the monitoring meet what they serve. A container has exactly one
network with a way out, except in zone data, which has none. Reach between zones is a shared internal network
(kronos-to-<target>), never routing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.addresses import dynamic_part, service_addresses
from ansible_collections.kronos.homelab.plugins.plugin_utils.names import DATA_ZONE, bridge_name, vlan_interface
from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Zone
from ansible_collections.kronos.homelab.plugins.plugin_utils.zones import Zones

Data = dict[str, Any]


def zone_network(zone: str) -> str:
    """The network of a zone that has a way out."""
    return f"kronos-{zone}"


def serving_network(zone: str) -> str:
    """The internal network where a zone's services meet the proxy and the monitoring."""
    return f"kronos-in-{zone}"


def join_networks(services: Mapping[str, Service], zones: Zones) -> dict[str, list[str]]:
    """For each container the networks it joins: the one with a way out first, the others by name."""
    own = {name: _own_networks(service, zones) for name, service in services.items()}
    joined = {name: set(networks) for name, networks in own.items()}
    for name, service in services.items():
        for target in dict.fromkeys([*service.needs, *service.talks_to]):
            other = services.get(target)
            if other is None or target == name or not (is_inside(service) and is_inside(other)):
                continue
            # What others add does not count: one service's networks must not hang on another's wishes.
            if not own[name] & own[target]:
                _connect(joined, service, other, zones)
    return {name: _ordered(services[name], networks, zones) for name, networks in joined.items()}


def is_inside(service: Service) -> bool:
    """Tell whether it is a container in docker networks of ours."""
    return service.external is None and service.network == "zone" and "network_mode" not in service.compose


def is_served(service: Service) -> bool:
    """Tell whether the proxy or the monitoring has to reach it."""
    probed = service.health is not None and service.health.http is not None and service.kind == "service"
    return bool(service.routes or service.streams or service.metrics or probed or service.addressed)


def _own_networks(service: Service, zones: Zones) -> set[str]:
    if not is_inside(service):
        return set()
    zone = zones.of(service.zone)
    if zone == DATA_ZONE:
        return {f"kronos-data-{service.stack}"}
    networks = {zone_network(zone)}
    if service.joins_zones:
        networks |= {serving_network(other) for other in zones.realised}
    elif is_served(service):
        networks.add(serving_network(zone))
    return networks


def _connect(joined: dict[str, set[str]], caller: Service, target: Service, zones: Zones) -> None:
    """Make caller and target share a network."""
    if zones.of(target.zone) == DATA_ZONE and target.name in caller.needs:
        joined[caller.name].add(f"kronos-data-{target.stack}")
        return
    network = f"kronos-to-{target.name}"
    joined[caller.name].add(network)
    joined[target.name].add(network)


def _ordered(service: Service, networks: set[str], zones: Zones) -> list[str]:
    way_out = zone_network(zones.of(service.zone))
    return sorted(networks, key=lambda network: (network != way_out, network))


def address_services(joined: Mapping[str, Sequence[str]], zones: Zones) -> dict[str, dict[str, str]]:
    """For each container its address in every serving network it joins. Raises NoRoom."""
    found: dict[str, dict[str, str]] = {name: {} for name in joined}
    for zone, subnet in sorted(zones.serving.items()):
        network = serving_network(zone)
        members = [name for name, networks in joined.items() if network in networks]
        for name, address in service_addresses(members, subnet).items():
            found[name][network] = address
    return found


def list_networks(
    joined: Mapping[str, list[str]], addresses: Mapping[str, Mapping[str, str]], zones: Zones, ipv6: bool
) -> list[Data]:
    """Every docker network that must exist: those of all zones, used or not, and the internal ones that are used."""
    networks: dict[str, Data] = {}
    for name, zone in zones.realised.items():
        networks[zone_network(name)] = _of_zone(zone_network(name), zone, ipv6)
        networks[serving_network(name)] = _internal(serving_network(name), zones.serving[name])
    for name in sorted({network for joins in joined.values() for network in joins} - set(networks)):
        networks[name] = _internal(name)
    for name, network in networks.items():
        network["addresses"] = {service: held[name] for service, held in sorted(addresses.items()) if name in held}
    return list(networks.values())


def _of_zone(name: str, zone: Zone, ipv6: bool) -> Data:
    macvlan = zone.network.driver == "macvlan"
    vlan = zone.vlan
    parent = zone.network.parent or (vlan_interface(vlan.id) if vlan else None)
    return {
        "name": name,
        "driver": zone.network.driver,
        "internal": False,
        "subnet": zone.network.subnet,
        "dynamic": None,
        "gateway": zone.network.gateway or (vlan.gateway if macvlan and vlan else None),
        "bridge": None if macvlan else bridge_name(name),
        "parent": parent if macvlan else None,
        "mtu": vlan.mtu if vlan else None,
        "ipv6": ipv6,
    }


def _internal(name: str, subnet: ipaddress.IPv4Network | None = None) -> Data:
    return {
        "name": name,
        "driver": "bridge",
        "internal": True,
        "subnet": str(subnet) if subnet else None,
        "dynamic": str(dynamic_part(subnet)) if subnet else None,
        "gateway": None,
        "bridge": bridge_name(name),
        "parent": None,
        "mtu": None,
        "ipv6": False,
    }


def list_zones(zones: Zones) -> dict[str, Data]:
    """The realised zones as the plan shows them."""
    return {
        name: {
            "network": zone_network(name),
            "serving": serving_network(name),
            "serving_subnet": str(zones.serving[name]),
            "driver": zone.network.driver,
            "subnet": zone.network.subnet,
            "vlan": zone.vlan.model_dump() if zone.vlan else None,
            "backup_vlan": zone.backup_vlan.model_dump() if zone.backup_vlan else None,
            "mtu": zone.vlan.mtu if zone.vlan else None,
        }
        for name, zone in zones.realised.items()
    }
