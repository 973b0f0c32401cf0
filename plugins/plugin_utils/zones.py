# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones of the inventory, and which zone a record really lands in."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.kronos.homelab.plugins.plugin_utils.addresses import (
    POOLS,
    NoRoom,
    choose_pool,
    zone_ranges,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.explain import read_model
from ansible_collections.kronos.homelab.plugins.plugin_utils.merge import Merged, lay_over
from ansible_collections.kronos.homelab.plugins.plugin_utils.names import (
    DATA_ZONE,
    DEFAULT_ZONE,
    DNS_SAFE_WANTED,
    KNOWN_ZONES,
    is_dns_safe,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import (
    Path,
    Problems,
    did_you_mean,
    one_of,
    path_text,
    shown,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Settings, Zone
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Locate, Renderer, here
from ansible_collections.kronos.homelab.plugins.plugin_utils.vlan_checks import (
    Network,
    check_vlans,
    overlap,
    vlan_ranges,
)
from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

# A zone of such a name would take the name of one of our other networks or of an access class.
RESERVED_PREFIXES = ("in-", "to-", "data-")
RESERVED = ("data", "host", "public", "lan", "vpn", "none", "authenticated")


@dataclass(frozen=True)
class Named:
    """The merged entries of one layered variable: {name: model}, and where each part was written."""

    models: Mapping[str, Any]
    merged: Merged
    base: str

    def locate(self, path: Path) -> tuple[str, str]:
        """The variable that wrote this part last, and the key path."""
        return self.merged.origin(path) or self.base, path_text(path)


def _below(named: Named, name: str) -> Locate:
    """Where a part of the entry *name* was written."""
    return lambda path: named.locate((name, *path))


def read_named(
    model: type[Model], base: str, layers: Mapping[str, Mapping[str, Any]], renderer: Renderer, problems: Problems
) -> Named:
    """Merge, render and check a layered variable whose entries are all of one model."""
    merged = Merged({})
    for variable, layer in layers.items():
        merged = lay_over(merged, renderer.tree(layer, here(variable)), variable)
    models: dict[str, Any] = {}
    named = Named(models, merged, base)
    for name, data in merged.value.items():
        if not is_dns_safe(name):
            problems.say(*named.locate((name,)), shown(name), DNS_SAFE_WANTED)
            continue
        parsed = read_model(model, data, _below(named, name), problems)
        if parsed is not None:
            models[name] = parsed
    return named


@dataclass(frozen=True)
class Zones:
    """The zones of the host, the default one included, and the range of each one's serving network."""

    named: Named
    realised: Mapping[str, Zone] = field(default_factory=dict)
    serving: Mapping[str, ipaddress.IPv4Network] = field(default_factory=dict)

    def known(self) -> list[str]:
        """Names that a record may use as its zone."""
        return sorted({*KNOWN_ZONES, *self.named.merged.value, DEFAULT_ZONE})

    def of(self, zone: str) -> str:
        """The zone that is realised for a declared one: itself, ``data``, or the default."""
        return zone if zone == DATA_ZONE or zone in self.realised else DEFAULT_ZONE


def read_zones(
    layers: Mapping[str, Mapping[str, Any]], settings: Settings | None, renderer: Renderer, problems: Problems
) -> Zones:
    """The zones, checked by themselves and against each other, the LAN and the VPN."""
    named = read_named(Zone, "kronos_zones", layers, renderer, problems)
    for name in named.models:
        if name in RESERVED or name.startswith(RESERVED_PREFIXES):
            taken = f"{', '.join(RESERVED)} and what starts with {', '.join(RESERVED_PREFIXES)}"
            wanted = f"another name: {taken} have a meaning of their own"
            problems.say(*named.locate((name,)), f"a zone {name!r}", wanted)
    realised = {DEFAULT_ZONE: Zone(), **{name: named.models[name] for name in sorted(named.models)}}
    check_vlans(named, settings, problems)
    ranges = _check_ranges(named, settings, problems)
    serving = _serving_ranges(realised, settings, ranges, problems)
    return Zones(named, dict(sorted(realised.items())), serving)


def _check_ranges(named: Named, settings: Settings | None, problems: Problems) -> list[tuple[Network, str]]:
    """Container subnets are disjoint from each other and from everything else that has an address; returns all."""
    taken: list[tuple[Network, str]] = []
    if settings is not None:
        taken += [(ipaddress.ip_network(item), f"kronos_lan[{i}]") for i, item in enumerate(settings.lan)]
        taken += [(ipaddress.ip_network(item), f"kronos_vpn[{i}]") for i, item in enumerate(settings.vpn)]
        taken.append((ipaddress.ip_network(settings.host_gateway), "kronos_host_gateway"))
        with contextlib.suppress(ValueError):  # a name: nothing to compare
            taken.append((ipaddress.ip_network(settings.address), "kronos_address"))
        _check_lan_and_vpn(settings, problems)
    vlans: dict[Network, str] = {}  # a VLAN that several zones share is one range
    for place, network in vlan_ranges(named.models):
        vlans.setdefault(network, f"kronos_zones {place.text}")
    taken += vlans.items()
    for name, zone in sorted(named.models.items()):
        if zone.network.subnet is None or zone.network.driver == "macvlan":
            continue  # a macvlan network lies in the VLAN's own range
        subnet = ipaddress.ip_network(zone.network.subnet)
        for other, where in taken:
            if overlap(subnet, other):
                found = f"{subnet}, which overlaps {other} of {where}"
                problems.say(*named.locate((name, "network", "subnet")), found, "a range that nothing else uses")
        taken.append((subnet, f"zone {name}"))
    return taken


def _serving_ranges(
    realised: Mapping[str, Zone], settings: Settings | None, taken: list[tuple[Network, str]], problems: Problems
) -> dict[str, ipaddress.IPv4Network]:
    """The range of each zone's serving network, out of the stated pool or the first of ours that is free."""
    wanted = "an IPv4 range that nothing else uses"
    stated = settings.serving_pool if settings is not None else None
    pool = ipaddress.IPv4Network(stated) if stated else choose_pool(network for network, _where in taken)
    if pool is None:
        found = f"no range, and {' and '.join(map(str, POOLS))} are in use"
        problems.say("kronos_serving_pool", (), found, wanted)
        return {}
    for other, where in taken:
        if overlap(pool, other):
            problems.say("kronos_serving_pool", (), f"{pool}, which overlaps {other} of {where}", wanted)
    try:
        return zone_ranges(realised, pool)
    except NoRoom as error:
        problems.say("kronos_zones", (), str(error), "fewer zones")
        return {}


def _check_lan_and_vpn(settings: Settings, problems: Problems) -> None:
    for index, item in enumerate(settings.vpn):
        for lan in settings.lan:
            if overlap(ipaddress.ip_network(item), ipaddress.ip_network(lan)):
                found = f"{item}, which overlaps {lan} of kronos_lan"
                problems.say("kronos_vpn", (index,), found, "a VPN range outside the LAN")


def unknown_zone(zone: str, zones: Zones) -> tuple[str, str]:
    """Found and wanted for a zone that nobody knows."""
    return f"the unknown zone {zone!r}", one_of(zones.known()) + did_you_mean(zone, zones.known())
