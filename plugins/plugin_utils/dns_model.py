# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for the home as the inventory describes them: the variables pihole_*."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from ansible_collections.kronos.homelab.plugins.module_utils.pihole_lines import Mistake
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_model import check_groups, wanted_of
from ansible_collections.kronos.homelab.plugins.plugin_utils.explain import read_model
from ansible_collections.kronos.homelab.plugins.plugin_utils.model import (
    Cidr,
    HostName,
    Ip,
    Line,
    Port,
    Strict,
    Url,
    wrong,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.names import is_ip
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Path, Problems, path_text
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Renderer, here
from pydantic import AfterValidator, Field

PREFIX = "pihole_"
Section = Literal[
    "hosts", "cnames", "upstreams", "conditional", "dnsmasq_lines", "lists", "domains", "groups", "clients"
]


def _server(value: str) -> str:
    address, mark, port = value.partition("#")
    if not is_ip(address) or (mark and not (port.isdigit() and 0 < int(port) < 65536)):
        raise wrong("an IP address, or one with #port")
    return value


def _secure(value: str) -> str:
    if not value.startswith("https://"):
        raise wrong("a URL with https://")
    return value


def _list_address(value: str) -> str:
    if not value.startswith(("http://", "https://", "file://")) or any(sign.isspace() for sign in value):
        raise wrong("a URL with http://, https:// or file://")
    return value


Server = Annotated[str, AfterValidator(_server)]
Groups = list[Line] | None


class Host(Strict):
    """Names of an address."""

    address: Ip
    names: list[HostName] = Field(min_length=1)


class Cname(Strict):
    """A name that stands for another one."""

    alias: HostName
    target: HostName
    ttl: int | None = Field(None, ge=1)


class Conditional(Strict):
    """A server for a network, and perhaps a domain."""

    network: Cidr
    server: Server
    domain: HostName | None = None
    enabled: bool = True


class Adlist(Strict):
    """A list of domains."""

    address: Annotated[Line, AfterValidator(_list_address)]
    type: Literal["block", "allow"] = "block"
    comment: Line | None = None
    enabled: bool = True
    groups: Groups = None


class Domain(Strict):
    """A domain, or an expression."""

    domain: Line = Field(min_length=1)
    type: Literal["deny", "allow"] = "deny"
    kind: Literal["exact", "regex"] = "exact"
    comment: Line | None = None
    enabled: bool = True
    groups: Groups = None


class Group(Strict):
    """A group of clients."""

    name: Line = Field(min_length=1)
    comment: Line | None = None
    enabled: bool = True


class Client(Strict):
    """A client with groups of its own."""

    client: Line = Field(min_length=1)
    comment: Line | None = None
    groups: Groups = None


class TlsUpstream(Strict):
    """A server that is asked over TLS."""

    address: Ip
    name: HostName
    port: Port = 853


class HttpsUpstream(Strict):
    """A server that is asked over HTTPS."""

    url: Annotated[Url, AfterValidator(_secure)]
    addresses: list[Ip] = Field(min_length=1)


class Variables(Strict):
    """The role's variables, without their prefix, and its defaults."""

    upstream_mode: Literal["plain", "dot", "doh"] = "plain"
    upstreams: list[Server] = ["9.9.9.9", "149.112.112.112"]
    tls_upstreams: list[TlsUpstream] = [
        TlsUpstream(address="9.9.9.9", name="dns.quad9.net"),
        TlsUpstream(address="149.112.112.112", name="dns.quad9.net"),
    ]
    https_upstreams: list[HttpsUpstream] = [
        HttpsUpstream(url="https://dns.quad9.net/dns-query", addresses=["9.9.9.9", "149.112.112.112"])
    ]
    upstream_ca: str = ""
    hosts: list[Host] = Field(default_factory=list)
    cnames: list[Cname] = Field(default_factory=list)
    conditional: list[Conditional] = Field(default_factory=list)
    dnsmasq_lines: list[Line] = Field(default_factory=list)
    lists: list[Adlist] | None = None
    domains: list[Domain] | None = None
    groups: list[Group] | None = None
    clients: list[Client] | None = None
    blocking: bool | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    sections: dict[Section, Literal["exact", "additive"]] = Field(default_factory=dict)


def read_variables(variables: Mapping[str, Any], renderer: Renderer, problems: Problems) -> Variables | None:
    """The variables of the inventory; None where one of them is wrong."""
    before, data = len(problems), {}
    for key in Variables.model_fields:
        name = PREFIX + key
        if name in variables:
            data[key] = renderer.tree(variables[name], here(name))
    return None if len(problems) > before else checked(data, problems)


def checked(data: Mapping[str, Any], problems: Problems) -> Variables | None:
    """Values by name as the role's variables, null for the usual one.

    None where one of them is wrong, or does not go with the others.
    """
    before = len(problems)
    said = {name: value for name, value in data.items() if value is not None}
    given = read_model(Variables, said, _locate, problems)
    if given is not None:
        _check_servers(given, problems)
        _check_wish(given, problems)
    return given if len(problems) == before else None


def _locate(path: Path) -> tuple[str, str]:
    return (PREFIX + str(path[0]), path_text(path[1:])) if path else ("pihole", "")


def _check_servers(given: Variables, problems: Problems) -> None:
    used = {"plain": "upstreams", "dot": "tls_upstreams", "doh": "https_upstreams"}[given.upstream_mode]
    if not getattr(given, used):
        problems.say(PREFIX + used, (), "no server", "one at least, since all names of the internet are asked there")


def _check_wish(given: Variables, problems: Problems) -> None:
    """What the module itself would refuse on the host: the same words, before anything is touched."""
    try:
        wanted = wanted_of(given.model_dump())
        if given.groups is not None and "groups" not in wanted.additive:
            check_groups(wanted, ())
    except Mistake as mistake:
        section, _dot, rest = mistake.where.partition(".")
        problems.say(PREFIX + section, rest, mistake.found, mistake.wanted)


def check_circle(given: Variables, own: Iterable[str], problems: Problems) -> None:
    """Pi-hole must not ask itself. *own*: its addresses, on whose other ports somebody else may answer."""
    if given.upstream_mode == "plain":
        circle = {f"{address}{port}" for address in own for port in ("", "#53")}
        for index, server in enumerate(given.upstreams):
            if server in circle:
                problems.say("pihole_upstreams", (index,), f"{server}, which is Pi-hole itself", "another server")
