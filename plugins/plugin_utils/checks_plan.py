# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between the records of one host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.graph import find_cycles
from ansible_collections.kronos.homelab.plugins.plugin_utils.names import is_ip
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems, did_you_mean, one_of
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Entry, Selection
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Settings
from ansible_collections.kronos.homelab.plugins.plugin_utils.zones import Named, Zones, unknown_zone

REACH = ("public", "lan", "vpn")


def check_references(selection: Selection, zones: Zones, storage: Named, problems: Problems) -> None:
    """Zones, shares and services that a record names must exist."""
    for entry in selection.entries.values():
        service = entry.service
        if service.zone not in zones.known():
            problems.say(*entry.locate(("zone",)), *unknown_zone(service.zone, zones))
        for index, port in enumerate(service.ports):
            if port.reach not in REACH and port.reach not in zones.known():
                known = {*REACH, *zones.known()}
                wanted = one_of(known) + did_you_mean(port.reach, known)
                problems.say(*entry.locate(("ports", index, "reach")), f"the unknown reach {port.reach!r}", wanted)
        for index, stream in enumerate(service.streams):
            if stream.reach not in REACH and stream.reach not in zones.known():
                known = {*REACH, *zones.known()}
                wanted = one_of(known) + did_you_mean(stream.reach, known)
                problems.say(*entry.locate(("streams", index, "reach")), f"the unknown reach {stream.reach!r}", wanted)
        _check_macvlan(entry, zones, problems)
        for index, volume in enumerate(service.volumes):
            if volume.storage is not None and volume.storage not in storage.merged.value:
                wanted = f"a share of kronos_storage, {one_of(storage.merged.value)}"
                wanted += did_you_mean(volume.storage, storage.merged.value)
                problems.say(
                    *entry.locate(("volumes", index, "storage")), f"the unknown share {volume.storage!r}", wanted
                )


def _check_macvlan(entry: Entry, zones: Zones, problems: Problems) -> None:
    service = entry.service
    zone = zones.realised.get(zones.of(service.zone))
    if service.network == "zone" and service.ports and zone is not None and zone.network.driver == "macvlan":
        found = f"ports in the macvlan zone {service.zone!r}"
        problems.say(*entry.locate(("ports",)), found, "none: it has an address of its own, the router decides")


def check_needs(selection: Selection, problems: Problems) -> None:
    """Hard needs: the target runs, is not the service itself, and there is no cycle."""
    entries = selection.entries
    for entry in entries.values():
        for index, target in enumerate(entry.service.needs):
            where = entry.locate(("needs", index))
            if target == entry.service.name:
                problems.say(*where, "the service itself", "another service")
            elif target in selection.disabled:
                problems.say(*where, f"the disabled service {target!r}", "an enabled one: needs are hard")
            elif target in selection.unselected:
                stack = selection.unselected[target]
                problems.say(*where, f"{target!r} of stack {stack!r}", f"{stack!r} in kronos_stacks: needs are hard")
            elif target not in entries and target not in selection.broken:
                problems.say(*where, *_unknown_service(target, selection))
    edges = {name: [t for t in entry.service.needs if t != name] for name, entry in entries.items()}
    for cycle in find_cycles(edges):
        index = entries[cycle[0]].service.needs.index(cycle[1])
        found = "the cycle " + " -> ".join(cycle)
        problems.say(*entries[cycle[0]].locate(("needs", index)), found, "needs without a cycle; talks_to may have one")


def check_stack_cycles(selection: Selection, problems: Problems) -> None:
    """Stacks start one after the other, so they must not need each other in a circle."""
    edges: dict[str, list[str]] = {}
    for entry in selection.entries.values():
        targets = [selection.entries[t].service.stack for t in entry.service.needs if t in selection.entries]
        edges.setdefault(entry.service.stack, []).extend(t for t in targets if t != entry.service.stack)
    for cycle in find_cycles(edges):
        wanted = "needs that lead from stack to stack without a circle"
        problems.say("kronos_stacks", (), "the cycle of stacks " + " -> ".join(cycle), wanted)


def check_talks(selection: Selection, host: str, peers: Mapping[str, set[str] | None], problems: Problems) -> list[str]:
    """Soft reach: unknown names are mistakes, disabled targets are not. Returns cautions about peers."""
    cautions: list[str] = []
    for entry in selection.entries.values():
        for index, text in enumerate(entry.service.talks_to):
            target, at, other = text.partition("@")
            where = entry.locate(("talks_to", index))
            if not at or other == host:
                if target not in selection.known():
                    problems.say(*where, *_unknown_service(target, selection))
            elif other not in peers:
                wanted = f"a host of the group kronos, {one_of(peers)}" + did_you_mean(other, peers)
                problems.say(*where, f"the unknown host {other!r}", wanted)
            elif (services := peers[other]) is None:
                cautions.append(f"{entry.service.name} talks to {text}, but {other} has no plan at the moment")
            elif target not in services:
                wanted = f"a service of {other}, {one_of(services)}" + did_you_mean(target, services)
                problems.say(*where, f"the unknown service {target!r} of host {other!r}", wanted)
    return cautions


def _unknown_service(target: str, selection: Selection) -> tuple[str, str]:
    return f"the unknown service {target!r}", f"a known service{did_you_mean(target, selection.known())}"


def check_ports(selection: Selection, settings: Settings, problems: Problems) -> None:
    """No two services take one port of the host; the proxy's ports are taken as soon as there is a route."""
    taken: dict[tuple[int, str], str] = {}
    if any(entry.service.routes for entry in selection.entries.values()):
        for port in (settings.http_port, settings.https_port):
            taken[(port, "tcp")] = settings.ingress
    if settings.http_port == settings.https_port:
        problems.say("kronos_https_port", (), f"{settings.https_port}, as kronos_http_port", "another port")
    ordered = sorted(selection.entries.values(), key=lambda entry: (not entry.from_file, entry.service.name))
    _check_bound(ordered, settings, problems)
    for entry in ordered:
        for number, protocol, path in claims(entry):
            owner = taken.setdefault((number, protocol), entry.service.name)
            if owner != entry.service.name:
                found = f"host port {number}/{protocol}, which {owner} has"
                problems.say(*entry.locate(path), found, "a port of its own")


def _check_bound(entries: Iterable[Entry], settings: Settings, problems: Problems) -> None:
    """A port can be bound to an address, not to a name."""
    bound = sorted(e.service.name for e in entries if any(port.address == "host" for port in e.service.ports))
    if bound and not is_ip(settings.address):
        wanted = f"an IP address: ports of {', '.join(bound)} are published on it alone"
        problems.say("kronos_address", (), f"the name {settings.address!r}", wanted)


def udp_ports(selection: Selection) -> set[int]:
    """UDP ports of the host that services take."""
    taken = (claim for entry in selection.entries.values() for claim in claims(entry))
    return {number for number, protocol, _path in taken if protocol == "udp"}


def check_open_ports(settings: Settings, zones: Zones, problems: Problems) -> None:
    """The zones that ports of the host's own programs are open to must exist."""
    known = {*REACH, *zones.known()}
    for index, port in enumerate(settings.open_ports):
        if port.reach not in known:
            wanted = one_of(known) + did_you_mean(port.reach, known)
            problems.say("kronos_open_ports", (index, "reach"), f"the unknown reach {port.reach!r}", wanted)


def claims(entry: Entry) -> Iterator[tuple[int, str, tuple[Any, ...]]]:
    """Ports of the host that a service takes: what it publishes, and in the host's network all that it listens on."""
    service = entry.service
    for index, port in enumerate(service.ports):
        yield port.port, port.protocol, ("ports", index, "port")
    if service.network != "host" or service.external is not None:
        return
    for index, route in enumerate(service.routes):
        if route.port is not None:
            yield route.port, "tcp", ("routes", index, "port")
    for index, stream in enumerate(service.streams):
        yield stream.target or stream.port, stream.protocol, ("streams", index, "target")
    for index, metric in enumerate(service.metrics):
        yield metric.port, "tcp", ("metrics", index, "port")


def route_name(service: str, index: int, name: str | None) -> str:
    """Name of a route: the stated one, else the service's, numbered from the second on."""
    return name or (service if index == 0 else f"{service}-{index + 1}")


def fqdn(host: str, settings: Settings) -> str:
    """The full name: a single label stands below the domain."""
    return host if "." in host else f"{host}.{settings.domain}"
