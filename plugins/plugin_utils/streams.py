# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams: TCP and UDP ports that the proxy passes on. What must hold of them, and their part of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_plan import claims, fqdn
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_parts import PublishedPort
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_route import Stream
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Entry, Selection
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Settings

# Ports inside the proxy's container that it listens on anyway: web, its API, its metrics.
RESERVED = (80, 443, 8080, 8082)
ABOVE = 20000

Shared = tuple[str, str, str]  # reach, kind of TLS, owner


def check_streams(selection: Selection, settings: Settings, problems: Problems) -> None:
    """No port is taken twice, unless TLS clients say whom they mean; no two streams have one name."""
    taken = _taken(selection, settings)
    shared: dict[tuple[int, str], tuple[Stream, str]] = {}
    owners: dict[tuple[int, str], str] = {}
    names: dict[str, str] = {}
    for entry, index, stream in _streams(selection):
        at, key = ("streams", index), (stream.port, stream.protocol)
        if key in taken:
            found = f"host port {stream.port}/{stream.protocol}, which {taken[key]} has"
            problems.say(*entry.locate((*at, "port")), found, "a port of its own")
        first, owner = shared.setdefault(key, (stream, entry.service.name))
        if first is not stream and (not first.hosts or not stream.hosts):
            found = f"host port {stream.port}/{stream.protocol}, which a stream of {owner} has"
            problems.say(*entry.locate((*at, "port")), found, "a port of its own, or tls and hosts for both")
        elif first.reach != stream.reach:
            found = f"reach {stream.reach} of port {stream.port}, which is {first.reach} for {owner}"
            problems.say(*entry.locate((*at, "reach")), found, "one reach for one port")
        for number, host in enumerate(stream.hosts):
            where = (stream.port, fqdn(host, settings))
            if owners.setdefault(where, f"{entry.service.name}[{index}]") != f"{entry.service.name}[{index}]":
                found = f"{host!r} at port {stream.port}, which a stream of {owners[where].partition('[')[0]} has"
                problems.say(*entry.locate((*at, "hosts", number)), found, "a host name (or port) of its own")
        name = stream_name(entry.service.name, stream)
        if names.setdefault(name, f"{entry.service.name}[{index}]") != f"{entry.service.name}[{index}]":
            found = f"the stream name {name!r}, which a stream of {names[name].partition('[')[0]} has"
            problems.say(*entry.locate((*at, "name")), found, "a name of its own")


def _taken(selection: Selection, settings: Settings) -> dict[tuple[int, str], str]:
    taken = {(settings.ssh_port, "tcp"): "sshd"}
    taken |= {(port, "tcp"): settings.ingress for port in (settings.http_port, settings.https_port)}
    taken |= {(port.port, port.protocol): f"kronos_open_ports ({port.what})" for port in settings.open_ports}
    if settings.vpn_endpoint:
        taken[(settings.vpn_port, "udp")] = "the VPN"
    for entry in selection.entries.values():
        taken |= {(number, protocol): entry.service.name for number, protocol, _path in claims(entry)}
    return taken


def _streams(selection: Selection) -> Iterator[tuple[Entry, int, Stream]]:
    ordered = sorted(selection.entries.values(), key=lambda entry: (not entry.from_file, entry.service.name))
    for entry in ordered:
        for index, stream in enumerate(entry.service.streams):
            yield entry, index, stream


def stream_name(service: str, stream: Stream) -> str:
    """Name of a stream: the stated one, else service and port."""
    return stream.name or f"{service}-{stream.port}" + ("-udp" if stream.protocol == "udp" else "")


def inner_ports(streams: Iterable[Stream]) -> dict[tuple[int, str], int]:
    """Return host port and protocol -> port inside the proxy's container: the same, but for ports of its own."""
    wanted = sorted({(stream.port, stream.protocol) for stream in streams})
    used = {(port, "tcp") for port in RESERVED} | {key for key in wanted if key[0] not in RESERVED}
    inner: dict[tuple[int, str], int] = {}
    for port, protocol in wanted:
        number = port
        if protocol == "tcp" and port in RESERVED:
            number = next(n for n in range(ABOVE + port, 65536) if (n, protocol) not in used)
            used.add((number, protocol))
        inner[(port, protocol)] = number
    return inner


def published_streams(services: Iterable[Service]) -> list[PublishedPort]:
    """The ports that the proxy publishes for all streams."""
    streams = [stream for service in services for stream in service.streams]
    inner = inner_ports(streams)
    reach: dict[tuple[int, str], str] = {(stream.port, stream.protocol): stream.reach for stream in streams}
    return [
        PublishedPort(port=key[0], target=number, protocol="udp" if key[1] == "udp" else "tcp", reach=reach[key])
        for key, number in sorted(inner.items())
    ]


def list_streams(services: Iterable[Service], settings: Settings, address: dict[str, str]) -> list[dict[str, Any]]:
    """The plan's streams; *address*: where the proxy reaches each service."""
    listed = list(services)
    inner = inner_ports(stream for service in listed for stream in service.streams)
    return [
        {
            "name": stream_name(service.name, stream),
            "service": service.name,
            "port": stream.port,
            "inner_port": inner[(stream.port, stream.protocol)],
            "target": stream.target or stream.port,
            "protocol": stream.protocol,
            "tls": stream.tls,
            "hosts": [fqdn(host, settings) for host in stream.hosts],
            "reach": stream.reach,
            "upstream": f"{_bracketed(_host(service, address))}:{stream.target or stream.port}",
        }
        for service in listed
        for stream in service.streams
    ]


def _host(service: Service, address: dict[str, str]) -> str:
    if service.external is not None:
        return urlsplit(service.external.url).hostname or ""
    return address[service.name]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
