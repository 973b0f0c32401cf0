# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A route of a service record: its web address, who may use it, and what the proxy does on the way."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.model import (
    Duration,
    HostName,
    Line,
    Name,
    Port,
    Size,
    Strict,
    UrlPath,
    matching,
    wrong,
)
from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

# RFC 9110 5.6.2, without the signs that mean something to a template or a shell.
HeaderName = Annotated[str, AfterValidator(matching(r"[A-Za-z0-9][A-Za-z0-9_-]*", "the name of an HTTP header"))]

_POWERS = {"b": 0, "k": 1, "m": 2, "g": 3}

# Rules of the OWASP core rule set: https://coreruleset.org/docs/3-about-rules/ruleset/
RuleId = Annotated[int, Field(ge=900000, le=999999)]


class Access(Strict):
    """Who may use an authenticated route: a member of any of the groups, or one of the users."""

    groups: list[Name] = Field(default_factory=list, description="Groups of kronos_users that are let in.")
    users: list[Name] = Field(default_factory=list, description="People of kronos_users that are let in.")
    factor: Literal["one", "two"] | None = Field(None, description="Factors of the login; default: the login's.")

    @model_validator(mode="after")
    def _says_something(self) -> Access:
        if not (self.groups or self.users or self.factor):
            raise wrong("groups, users or factor", "an empty mapping")
        return self


# Within what Go's durations and sizes hold: the proxy would take nothing of a file with more.
Period = Annotated[
    Duration,
    AfterValidator(
        matching(r"(?=.*[1-9])([0-9]{1,4}(ms|s|m|h|d)){1,5}", "a duration such as 1s or 5m, more than none")
    ),
]
BodySize = Annotated[
    Size,
    AfterValidator(
        matching(r"[0-9]{1,15}[bB]?|[0-9]{1,6}(\.[0-9]{1,3})?[kmgKMG][bB]?", "a size such as 50m or 2g, up to 999999g")
    ),
]


class Rate(Strict):
    """How often one client may ask."""

    average: int = Field(ge=1, le=1000000, description="Requests in each period.")
    period: Period = Field("1s", description="The period.")
    burst: int | None = Field(None, ge=1, le=1000000, description="Requests at once; default: the average.")


class Headers(Strict):
    """Headers that the proxy sets; an empty value takes one away."""

    request: dict[HeaderName, Line] = Field(default_factory=dict, description="Towards the service.")
    response: dict[HeaderName, Line] = Field(default_factory=dict, description="Towards the client.")


class Waf(Strict):
    """How the web application firewall looks at a route."""

    paranoia: int = Field(1, ge=1, le=4, description="Paranoia level: the higher, the stricter and the more mistakes.")
    detect_only: bool = Field(False, description="Write down what would be refused, and let it pass.")
    exclude_rules: list[RuleId] = Field(default_factory=list, description="Rules of the core rule set left out here.")
    max_body: BodySize = Field("13m", description="Largest body that is looked at; a larger one is refused.")


def _kind_of_access(value: Any) -> str:
    return "<rule>" if isinstance(value, (dict, Access)) else "<class>"


def _kind_of_waf(value: Any) -> str:
    return "<rule>" if isinstance(value, (dict, Waf)) else "<switch>"


AccessClass = Literal["public", "authenticated", "lan", "vpn"]
AccessValue = Annotated[
    Annotated[Access, Tag("<rule>")] | Annotated[AccessClass, Tag("<class>")], Discriminator(_kind_of_access)
]
WafValue = Annotated[Annotated[Waf, Tag("<rule>")] | Annotated[bool, Tag("<switch>")], Discriminator(_kind_of_waf)]


class Route(Strict):
    """One web address of the service, served by the proxy with TLS."""

    host: HostName = Field(description="One label below kronos_domain, or a full name.")
    also: list[HostName] = Field(default_factory=list, description="Further host names, in the same form.")
    port: Port | None = Field(None, description="Port in the container; required unless the service is external.")
    access: AccessValue = Field(
        description="Who may use it: public, authenticated, lan, vpn, or a mapping: authenticated, and one of those."
    )
    path: UrlPath = Field("/", description="Path prefix: this path and what lies below it.")
    strip_path: bool = Field(False, description="Take the prefix away before the service sees the path.")
    scheme: Literal["http", "https"] = Field("http", description="What the container speaks.")
    name: Name | None = Field(None, description="Name of the route; default: the service's name.")
    basic_auth: list[Name] = Field(
        default_factory=list, description="People of kronos_users who get in by a password of the proxy's own."
    )
    rate: Rate | None = Field(None, description="How often one client may ask.")
    max_body: BodySize | None = Field(None, description="Largest body of a request; default: no limit.")
    headers: Headers = Field(default_factory=Headers, description="Headers that the proxy sets.")
    waf: WafValue = Field(False, description="Behind the web application firewall; a mapping says how.")
    proxied: bool | None = Field(
        None, description="Through Cloudflare's proxy; default: where kronos_web_from is cloudflare."
    )

    @field_validator("path")
    @classmethod
    def _is_decoded(cls, value: str) -> str:
        # Seen with Traefik 3.7: a rule with %7B matches no request at all.
        if "%" in value:
            raise wrong("a path without %-encoding: the proxy compares decoded paths")
        # The proxy cleans what clients send, so such a rule would match nothing, and a wider route would answer.
        if "//" in value or any(sign in value for sign in "?;") or not {".", ".."}.isdisjoint(value.split("/")):
            raise wrong("a path without '//', '.', '..', '?' and ';', which no request has once the proxy has read it")
        return value

    @property
    def access_class(self) -> AccessClass:
        """The class as a word."""
        return "authenticated" if isinstance(self.access, Access) else self.access

    @property
    def rule(self) -> Access | None:
        """Who among those logged in, where the record restricts it."""
        return self.access if isinstance(self.access, Access) else None

    @property
    def firewall(self) -> Waf | None:
        """The firewall's settings, where the route lies behind it."""
        return self.waf if isinstance(self.waf, Waf) else Waf() if self.waf else None


class Stream(Strict):
    """A TCP or UDP port of the service that the proxy passes on, where HTTP is not what is spoken."""

    port: Port = Field(description="Port on the host.")
    target: Port | None = Field(None, description="Port in the container; default: the same.")
    protocol: Literal["tcp", "udp"] = Field("tcp", description="tcp or udp.")
    tls: Literal["none", "pass", "terminate"] = Field(
        "none", description="none: bytes as they are. pass: TLS of the service. terminate: TLS of the proxy."
    )
    hosts: list[HostName] = Field(
        default_factory=list, description="Names that TLS clients ask for; several services then share a port."
    )
    reach: Name = Field(description="Who may reach it: public, lan, vpn, or the name of a zone.")
    name: Name | None = Field(None, description="Name of the stream; default: <service>-<port>.")

    @model_validator(mode="after")
    def _tls_is_possible(self) -> Stream:
        if self.protocol == "udp" and self.tls != "none":
            raise wrong("tls only with tcp", f"tls {self.tls} with udp")
        if self.hosts and self.tls == "none":
            raise wrong("tls pass or terminate: without TLS nobody says a host's name", "hosts without tls")
        if self.tls == "terminate" and not self.hosts:
            raise wrong("hosts: the proxy's certificate must name them", "tls terminate without hosts")
        return self


def as_bytes(size: str) -> int:
    """The bytes of a size such as 512m or 1.5g."""
    text = size.lower().removesuffix("b") or "0"
    unit = text[-1] if text[-1] in _POWERS else "b"
    return max(1, int(float(text.rstrip("bkmg")) * 1024 ** _POWERS[unit]))  # 0 would be no bound at all
