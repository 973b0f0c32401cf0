# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module pihole is asked for: the role's variables, checked, and the names that follow from the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

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
from ansible_collections.kronos.homelab.plugins.plugin_utils.networks import serving_network
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_dns import dns_records
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_resolvers import DNSDIST_PORT, UNBOUND_PORT
from pydantic import AfterValidator, Field

SERVICE = "pihole"
WEB_PORT = 80
RESOLVERS = {"dot": ("unbound", UNBOUND_PORT), "doh": ("dnsdist", DNSDIST_PORT)}
Section = Literal["hosts", "cnames", "upstreams", "conditional", "lists", "domains", "groups", "clients"]


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
DnsName = HostName
Groups = list[Line] | None


class Host(Strict):
    """Names of an address."""

    address: Ip
    names: list[DnsName] = Field(min_length=1)


class Cname(Strict):
    """A name that stands for another one."""

    alias: DnsName
    target: DnsName
    ttl: int | None = Field(None, ge=1)


class Conditional(Strict):
    """A server for a network, and perhaps a domain."""

    network: Cidr
    server: Server
    domain: DnsName | None = None
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
    """The role's variables, without their prefix."""

    upstream_mode: Literal["plain", "dot", "doh"] = "plain"
    upstreams: list[Server] = Field(default_factory=list)
    tls_upstreams: list[TlsUpstream] = Field(default_factory=list)
    https_upstreams: list[HttpsUpstream] = Field(default_factory=list)
    hosts: list[Host] = Field(default_factory=list)
    cnames: list[Cname] = Field(default_factory=list)
    conditional: list[Conditional] = Field(default_factory=list)
    lists: list[Adlist] | None = None
    domains: list[Domain] | None = None
    groups: list[Group] | None = None
    clients: list[Client] | None = None
    blocking: bool | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    sections: dict[Section, Literal["exact", "additive"]] = Field(default_factory=dict)


def pihole_wanted(plan: Plan, variables: Mapping[str, Any]) -> Data:
    """Return the arguments of the module pihole; raises RenderError with every mistake in the role's variables."""
    problems = Problems()
    checked = read_model(Variables, variables, _located, problems)
    if checked is not None:
        _check(plan, checked, problems)
    if problems or checked is None:
        raise RenderError("\n".join(str(problem) for problem in sorted(set(problems))))
    given = checked.model_dump()
    address = _address(plan, SERVICE)
    return {
        "url": f"http://{address}:{WEB_PORT}",
        "folder": next((d["path"] for d in plan["services"][SERVICE]["directories"]), ""),
        "own_addresses": [plan["settings"]["address"], address],
        "hosts": _hosts(plan, given["hosts"]),
        "upstreams": _upstreams(plan, given),
        **{name: given[name] for name in ("cnames", "conditional", "lists", "domains", "groups", "clients")},
        **{name: given[name] for name in ("blocking", "config", "sections")},
    }


def _located(path: tuple[Any, ...]) -> tuple[str, Any]:
    return (f"pihole_{path[0]}", path[1:]) if path else ("pihole", path)


def _check(plan: Plan, given: Variables, problems: Problems) -> None:
    """What must hold between the variables."""
    used = {"plain": "upstreams", "dot": "tls_upstreams", "doh": "https_upstreams"}[given.upstream_mode]
    if not getattr(given, used):
        problems.say(f"pihole_{used}", (), "no server", "one at least, since all names of the internet are asked there")
    if given.upstream_mode == "plain":
        own = {plan["settings"]["address"], _address(plan, SERVICE)}
        for index, server in enumerate(given.upstreams):
            if server in own:
                problems.say("pihole_upstreams", (index,), f"{server}, which is Pi-hole itself", "another server")


def _address(plan: Plan, service: str) -> str:
    """Where the host and its neighbours reach a service of ours."""
    entry = plan["services"][service]
    return str(entry["addresses"][serving_network(entry["realised_zone"])])


def _upstreams(plan: Plan, given: Mapping[str, Any]) -> list[str]:
    if given["upstream_mode"] == "plain":
        return list(given["upstreams"])
    service, port = RESOLVERS[given["upstream_mode"]]
    return [f"{_address(plan, service)}#{port}"]


def _hosts(plan: Plan, further: list[Data]) -> list[Data]:
    """The names of the plan, without those to which the inventory gives an address itself, and then these."""
    stated = {name for each in further for name in each["names"]}
    derived = [
        {**each, "names": [name for name in each["names"] if name not in stated]} for each in dns_records(plan)["hosts"]
    ]
    return [each for each in [*derived, *further] if each["names"]]
