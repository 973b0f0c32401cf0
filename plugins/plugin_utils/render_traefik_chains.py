# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's middlewares: one chain per access class, and one per route that says more than its class.

https://doc.traefik.io/traefik/v3.7/reference/routing-configuration/http/middlewares/overview/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_login import LOGIN, forward_auth, has_login
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_stack import raw_slot
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import is_behind_cloudflare, trusted_proxies

ACCESS_CLASSES = ("public", "authenticated", "lan", "vpn")
NOBODY = ["127.0.0.1/32"]
ONE_YEAR = 31536000

# Names by which backends believe who the user is; the entry points take away other spellings (Remote_User).
IDENTITY_HEADERS = (
    "Remote-User",
    "Remote-Name",
    "Remote-Email",
    "Remote-Groups",
    "X-Remote-User",
    "X-Forwarded-User",
    "X-Forwarded-Groups",
    "X-Forwarded-Email",
    "X-Forwarded-Preferred-Username",
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Auth-Request-Groups",
    "X-WEBAUTH-USER",
)

# What clients say of where they come from, in words that Traefik does not look after itself: backends believe them.
# X-Forwarded-For and X-Real-Ip are Traefik's own: it drops a stranger's and writes the true ones.
ORIGIN_HEADERS = (
    "Forwarded",
    "True-Client-IP",
    "CF-Connecting-IP",
    "CF-Connecting-IPv6",
    "CF-Pseudo-IPv4",
    "X-Client-IP",
)
# Traefik keeps all that a trusted proxy sends, but Cloudflare writes X-Forwarded-For and X-Forwarded-Proto alone: in
# the others its clients say what they like.
PASSED_ON_HEADERS = (
    "X-Real-Ip",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Server",
    "X-Forwarded-Prefix",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
)

MAINTENANCE = "maintenance"
# Names of routes have no dots: no route can be called like this.
MAINTENANCE_PAGE = "maintenance.page"
_PART = re.compile(r"([0-9]+)(ms|s|m|h|d|w|y)")

# While a service is made anew nobody has its address and its port refuses: the request waits for the new one, so that
# a short update shows as latency. Only where no connection came about, so that nothing is sent twice; pauses grow from
# the interval to twice its length, so all of them take about 4 s, and 3 s more where each connection times out.
_RETRY: Data = {"attempts": 12, "initialInterval": "250ms"}


# Only what is written to the client is put in place of the service's answer; its status stays.
_UNREACHABLE = ["502-504"]


def middlewares(plan: Plan) -> Data:
    """Return every middleware: chains, and their links."""
    settings = plan["settings"]
    vpn = list(settings["vpn"])
    return {
        **{f"chain-{access}": {"chain": {"middlewares": links(plan, access)}} for access in ACCESS_CLASSES},
        **({LOGIN: {"forwardAuth": forward_auth(plan)}} if has_login(plan) else {}),
        "allow-lan": {"ipAllowList": {"sourceRange": [*settings["lan"], *vpn] or NOBODY}},
        "allow-vpn": {"ipAllowList": {"sourceRange": vpn or NOBODY}},
        "strip-identity": {"headers": {"customRequestHeaders": dict.fromkeys(_stripped(plan), "")}},
        "security-headers": {"headers": _security_headers()},
        # Compressing buffers a little, which an event stream must not suffer.
        "compress": {"compress": {"excludedContentTypes": ["text/event-stream"]}},
        "retry": {"retry": _RETRY},
        **({MAINTENANCE: {"errors": _maintenance()}} if has_maintenance(plan) else {}),
        **{name: each for route in plan["routes"] for name, each in _of_route(plan, route).items()},
    }


def _stripped(plan: Plan) -> list[str]:
    return [*IDENTITY_HEADERS, *ORIGIN_HEADERS, *(PASSED_ON_HEADERS if is_behind_cloudflare(plan) else ())]


def links(plan: Plan, access: str) -> list[str]:
    """Return the links of one class; a refusal carries the security headers too.

    Without a login provider, `authenticated` is as closed as `lan`. What a client says of who it is goes before
    the login is asked.
    """
    guards = {"lan": ["allow-lan"], "vpn": ["allow-vpn"], "authenticated": [] if has_login(plan) else ["allow-lan"]}
    login = [LOGIN] if access == "authenticated" and has_login(plan) else []
    page = [MAINTENANCE] if has_maintenance(plan) else []
    return ["security-headers", *page, *guards.get(access, []), "strip-identity", *login, "compress", "retry"]


def chain_of(plan: Plan, route: Mapping[str, Any], through_proxy: bool = False) -> str:
    """Return the chain of a route: that of its class, or its own. *through_proxy*: for requests of a trusted proxy."""
    if not _of_route(plan, route):
        return f"chain-{route['access']}"
    return f"proxied-{route['name']}" if through_proxy else f"route-{route['name']}"


def counts_clients(route: Mapping[str, Any]) -> bool:
    """Tell whether who asks matters to a route's middlewares, beyond its access class."""
    return bool(route["rate"])


def _of_route(plan: Plan, route: Mapping[str, Any]) -> Data:
    """Return the middlewares of one route's own, and the chains that name them; nothing where its class says it all."""
    name = route["name"]
    early: Data = {f"rate-{name}": _rate(route, [])} if route["rate"] else {}
    basic: Data = {f"basic-{name}": {"basicAuth": _basic_auth(route)}} if route["basic_auth"] else {}
    early |= basic
    late: Data = {}
    if route["max_body"]:
        late[f"body-{name}"] = {"buffering": _buffering(route["max_body"])}
    if route["request_headers"] or route["response_headers"]:
        late[f"headers-{name}"] = {"headers": _headers(route)}
    if route["strip_path"] and route["path"].rstrip("/"):
        late[f"prefix-{name}"] = {"stripPrefix": {"prefixes": [route["path"].rstrip("/")]}}
    if not early and not late:
        return {}
    found = {**early, **late, f"route-{name}": _chain(plan, route, early, late)}
    if route["rate"] and is_behind_cloudflare(plan):
        proxied: Data = {f"rate-{name}.proxied": _rate(route, trusted_proxies(plan)), **basic}
        found |= {**proxied, f"proxied-{name}": _chain(plan, route, proxied, late)}
    return found


def _chain(plan: Plan, route: Mapping[str, Any], early: Iterable[str], late: Iterable[str]) -> Data:
    """The chain of the class with links of a route: early ones before anybody proves who he is, late ones after."""
    usual = links(plan, route["access"])
    return {
        "chain": {
            "middlewares": [
                *(link for link in usual[: usual.index("strip-identity")]),
                *early,
                *(link for link in usual[usual.index("strip-identity") : usual.index("compress")]),
                *late,
                *usual[usual.index("compress") :],
            ]
        }
    }


def basic_secrets(person: str) -> tuple[str, str]:
    """Return the names of the proxy's secrets for somebody: the password, and its hash."""
    return f"basic-{person}", f"hash_{person}"


def traefik_users(plan: Plan) -> list[Data]:
    """Return a file of users for each route that asks for passwords: path, content, and the secrets in its slots.

    In files of their own, since the proxy's API shows its dynamic configuration with all that stands in it.
    """
    return [
        {
            "path": f"config/{_users_file(route)}",
            "content": "".join(f"{name}:{raw_slot(basic_secrets(name)[1])}\n" for name in route["basic_auth"]),
            "secrets": sorted(basic_secrets(name)[1] for name in route["basic_auth"]),
        }
        for route in plan["routes"]
        if route["basic_auth"]
    ]


def _users_file(route: Mapping[str, Any]) -> str:
    return f"users-{route['name']}.txt"


def _basic_auth(route: Mapping[str, Any]) -> Data:
    """Ask for a name and a password of the proxy's own; the service sees neither."""
    return {"usersFile": f"/etc/traefik/config/{_users_file(route)}", "realm": route["host"], "removeHeader": True}


def _rate(route: Mapping[str, Any], proxies: list[str]) -> Data:
    """Count by the peer's address, or behind *proxies* by the last address that is none of theirs; IPv6 by its /64."""
    said = route["rate"]
    excluded = {"excludedIPs": proxies} if proxies else {}
    return {
        "rateLimit": {
            "average": said["average"],
            "period": go_duration(said["period"]),
            "burst": said["burst"] or said["average"],
            "sourceCriterion": {"ipStrategy": {**excluded, "ipv6Subnet": 64}},
        }
    }


def go_duration(text: str) -> str:
    """Return a duration as Go reads it, which knows no days: in milliseconds."""
    powers = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000, "w": 604800000, "y": 31536000000}
    return f"{sum(int(number) * powers[unit] for number, unit in _PART.findall(text))}ms"


def _buffering(size: int) -> Data:
    """Refuse what is larger with 413. The answer is read whole too; what does not fit in memory lies on the disk."""
    return {"maxRequestBodyBytes": size, "memRequestBodyBytes": 1048576, "memResponseBodyBytes": 1048576}


def _headers(route: Mapping[str, Any]) -> Data:
    found = {
        "customRequestHeaders": dict(route["request_headers"]),
        "customResponseHeaders": dict(route["response_headers"]),
    }
    return {key: value for key, value in found.items() if value}


def has_maintenance(plan: Plan) -> bool:
    """Tell whether a page is shown while a service is down."""
    return MAINTENANCE in plan["services"]


def _maintenance() -> Data:
    return {"status": _UNREACHABLE, "service": MAINTENANCE_PAGE, "query": "/unavailable.html"}


def _security_headers() -> Data:
    return {
        "stsSeconds": ONE_YEAR,
        "contentTypeNosniff": True,
        "customFrameOptionsValue": "SAMEORIGIN",
        "referrerPolicy": "strict-origin-when-cross-origin",
        "permissionsPolicy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "customResponseHeaders": {"Server": "", "X-Powered-By": ""},
    }
