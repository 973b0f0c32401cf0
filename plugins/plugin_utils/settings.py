# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection-wide settings (variables kronos_*), the zones, shares and users: defaults and meaning."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.cloudflare_ranges import WIDEST
from ansible_collections.kronos.homelab.plugins.plugin_utils.model import (
    AbsolutePath,
    Address,
    Cidr,
    HostName,
    Id,
    InterfaceAddress,
    Ip,
    Line,
    Name,
    Port,
    Registry,
    Strict,
    matching,
    wrong,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings_tls import Tls
from pydantic import AfterValidator, Field, field_validator, model_validator

PREFIX = "kronos_"

# Each zone gets a sixty-fourth of the pool, and half of that holds its services.
LONGEST_POOL = 18

InterfaceName = Annotated[Line, Field(pattern=r"^[A-Za-z0-9._-]{1,15}$")]

# a name, an IPv4 address, or an IPv6 address in brackets; each with a port or without
ENDPOINT = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[1-9][0-9]{0,4})?"
Endpoint = Annotated[Line, AfterValidator(matching(ENDPOINT, "a name or an address, with :port where it is another"))]


def _narrow(value: str) -> str:
    network = ipaddress.ip_network(value)
    if network.prefixlen < WIDEST[network.version]:
        raise wrong(f"a network of /{WIDEST[network.version]} or smaller: it is trusted to say who the client is")
    return value


ProxyRange = Annotated[Cidr, AfterValidator(_narrow)]


class OpenPort(Strict):
    """A port of the host that a program of its own listens on, beside the services."""

    port: Port = Field(description="The port.")
    protocol: Literal["tcp", "udp"] = Field("tcp", description="tcp or udp.")
    reach: Literal["public", "lan", "vpn"] | Name = Field("lan", description="public, lan, vpn, or the name of a zone.")
    what: Line = Field(description="What listens there.")


class Settings(Strict):
    """What holds for the whole host; every key is a variable with the prefix kronos_."""

    domain: HostName = Field(description="Domain below which the services have their names.")
    address: Address = Field(description="Address or name at which clients reach the host.")
    lan: list[Cidr] = Field(default_factory=list, description="Networks of the home.")
    vpn: list[Cidr] = Field(default_factory=list, description="Networks of VPN clients.")
    timezone: Annotated[Line, Field(pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$")] = Field(
        "Etc/UTC", description="Time zone of the services."
    )
    uid: Id = Field(1000, description="User id that owns the services' data.")
    gid: Id = Field(1000, description="Group id that owns the services' data.")
    data_dir: AbsolutePath = Field("/srv/kronos", description="Folder below which the services keep their data.")
    stacks: list[Name] = Field(
        default_factory=lambda: ["traefik", "dashboard", "monitoring", "media"],
        description="Stacks to run; own follows by itself when it has records.",
    )
    image_mirror: Registry = Field("", description="Registry through which every image is pulled.")
    image_mirror_ca: str = Field("", description="Certificate (PEM) of the CA of that registry.")
    http_port: Port = Field(80, description="Port of plain HTTP, which only redirects.")
    https_port: Port = Field(443, description="Port of HTTPS.")
    ipv6: bool = Field(False, description="Publish ports on IPv6 too.")
    tls: Tls = Field(default_factory=Tls, description="Where certificates come from.")
    ingress: Literal["traefik"] = Field("traefik", description="The proxy.")
    login: Literal["none", "authelia"] = Field("none", description="The login in front of authenticated routes.")
    login_host: HostName = Field("login", description="Where people log in: one label below the domain.")
    host_gateway: Ip = Field(
        "172.17.0.1", description="Address at which containers reach services of the host's network."
    )
    serving_pool: Cidr | None = Field(
        None,
        description="Range for the networks in which the proxy meets the services, /18 or larger; "
        "default: the first of 10.236.0.0/14 and 198.18.0.0/15 that nothing else uses.",
    )
    health_timeout: int = Field(120, ge=5, le=3600, description="Seconds until a started service must be healthy.")
    lease_wait: int = Field(60, ge=0, le=86400, description="Seconds to wait for another run on the host to end.")
    fast: bool = Field(True, description="Skip hosts on which nothing is to be done; false runs everything.")
    allowed_ports: list[Port] = Field(
        default_factory=list, description="Ports that verify tolerates beside the plan's and SSH's."
    )
    ssh_port: Port = Field(22, description="Port at which sshd listens; default: ansible_port where that is given.")
    ssh_sources: list[Cidr] = Field(
        default_factory=list,
        description="Networks from which alone SSH is reached; default: from everywhere, outside LAN and VPN slowly.",
    )
    open_ports: list[OpenPort] = Field(
        default_factory=list, description="Ports of the host's own programs that the firewall opens."
    )
    web_from: Literal["anywhere", "cloudflare"] = Field(
        "anywhere",
        description="Where the public web ports are reached from; cloudflare: LAN, VPN, zones and Cloudflare alone.",
    )

    cloudflare_ranges: list[ProxyRange] = Field(
        default_factory=list,
        description="Cloudflare's published networks, as playbooks/refresh_cloudflare.yml writes them; "
        "default: those in use when this collection was released.",
    )
    cloudflare: bool = Field(False, description="Keep the DNS records of public names at Cloudflare.")
    vpn_endpoint: Endpoint | None = Field(
        None, description="Name or address[:port] at which devices on the road reach the host; needed with devices."
    )
    vpn_port: Port = Field(51820, description="Port (UDP) at which the VPN listens.")
    vpn_forward: list[Cidr] = Field(
        default_factory=list, description="Networks beyond the host that devices of the VPN reach; default: none."
    )

    @field_validator("serving_pool")
    @classmethod
    def _holds_every_zone(cls, value: str | None) -> str | None:
        if value is not None and (":" in value or int(value.partition("/")[2]) > LONGEST_POOL):
            raise wrong(f"an IPv4 network of /{LONGEST_POOL} or larger")
        return value


# Not part of the plan's settings: the stacks are resolved, a certificate is no choice of the planner.
LEFT_OUT = ("stacks", "image_mirror_ca")

# The layered variables: kronos_<x> and every kronos_<x>_<suffix> are merged in name order.
LAYERED = ("services", "zones", "storage", "users")

SECRETS_VARIABLE = "kronos_secrets"


class VlanRoute(Strict):
    """A network behind a router of a VLAN."""

    to: Cidr = Field(description="The network.")
    via: Ip = Field(description="Its router, an address on the VLAN.")

    @field_validator("to")
    @classmethod
    def _is_no_default(cls, value: str) -> str:
        if value.endswith("/0"):
            raise wrong("a network; the way to everything else is the VLAN's gateway")
        return value


class Vlan(Strict):
    """A VLAN of the home, as this host takes part in it."""

    id: int = Field(ge=1, le=4094, description="VLAN id.")
    parent: InterfaceName = Field(description="Interface that carries it.")
    address: InterfaceAddress = Field(description="The host's address in it, with prefix length.")
    gateway: Ip | None = Field(None, description="Its router; without one the VLAN leads nowhere but to itself.")
    address6: InterfaceAddress | None = Field(None, description="The host's IPv6 address in it, beside an IPv4 one.")
    gateway6: Ip | None = Field(None, description="Its router for IPv6.")
    mtu: int | None = Field(None, ge=576, le=9216, description="Largest packet; default: that of the parent.")
    ipv6: bool = Field(False, description="Whether IPv6 is on; addresses are stated, none comes from advertisements.")
    routes: list[VlanRoute] = Field(default_factory=list, description="Networks behind other routers of the VLAN.")


class ZoneNetwork(Strict):
    """The docker network of a zone."""

    driver: Literal["bridge", "macvlan"] = Field("bridge", description="bridge, or macvlan: straight in the VLAN.")
    subnet: Cidr | None = Field(None, description="Its range; default: one of the engine's address pools.")
    gateway: Ip | None = Field(None, description="Its gateway; default: the first address.")
    parent: InterfaceName | None = Field(None, description="Interface of a macvlan network; default: the zone's VLAN.")


class Zone(Strict):
    """A part of the home network in which services live."""

    vlan: Vlan | None = Field(None, description="The VLAN through which its traffic leaves.")
    network: ZoneNetwork = Field(default_factory=ZoneNetwork, description="Its docker network.")
    backup_vlan: Vlan | None = Field(None, description="The VLAN used when the first has no link.")

    @model_validator(mode="after")
    def _macvlan_is_complete(self) -> Zone:
        if self.network.driver == "macvlan":
            if self.network.subnet is None:
                raise wrong("network.subnet, which macvlan needs", "a macvlan network without one")
            if self.network.parent is None and self.vlan is None:
                raise wrong("network.parent or a vlan, which macvlan needs", "a macvlan network without one")
        return self


class Person(Strict):
    """A user of the services."""

    name: Line | None = Field(None, description="Name in full.")
    email: Line | None = Field(None, description="Mail address.")
    groups: list[Name] = Field(default_factory=list, description="Groups, for access rules.")
    login: bool = Field(True, description="May log in, where there is a login.")
    devices: list[Name] = Field(default_factory=list, description="Devices that come in through the VPN.")

    @field_validator("devices")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise wrong("each device once", f"{twice[0]!r} twice")
        return value

    @field_validator("email")
    @classmethod
    def _looks_like_mail(cls, value: str | None) -> str | None:
        if value is not None and not (value.count("@") == 1 and all(value.split("@")) and " " not in value):
            raise wrong("a mail address")
        return value


def defaults() -> dict[str, Any]:
    """Every setting that has a default, by its variable name: what templates may refer to."""
    return {
        PREFIX + name: field.get_default(call_default_factory=True)
        for name, field in Settings.model_fields.items()
        if not field.is_required() and name != "tls"
    } | {PREFIX + "tls": Tls().model_dump()}
