# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that the proxy reads in one way and a service in another: refused where routes of a host are guarded unlike.

Traefik compares paths in which reserved characters (RFC 3986 2.2) stay as they were sent, encoded or not, and knows no
parameters of segments. A service may decode `/admin%2Fusers`, and take `..;` for `..`: behind a wide route it would
show what a narrower one guards (seen with Traefik 3.7). Signs that nobody can print, and encoded ends of the path
(`?`, `#`), are read unlike too. Encoded backslashes and NULs are refused everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan

VEILED = "veiled"
ABOVE = 10_000_000  # of any path's priority
_USUAL = "/;?#"
_UNPRINTABLE = r"[\x00-\x1F\x7F]"
_RESERVED = ":@!$&'()*+,="
_GUARDS = ("access", "groups", "users", "factor", "basic_auth", "waf")


def veiled_routers(plan: Plan) -> Data:
    """Return a router for each host whose routes differ in who may come; it answers such paths itself."""
    hosts: dict[str, list[Mapping[str, Any]]] = {}
    for route in plan["routes"]:
        for name in route["names"]:
            hosts.setdefault(name, []).append(route)
    return {f"{VEILED}.{name}": _router(name, routes) for name, routes in sorted(hosts.items()) if _differ(routes)}


def veiled_links() -> Data:
    """Return the middleware that answers 400, to everybody: the proxy itself asks for nothing here."""
    return {VEILED: {"ipAllowList": {"sourceRange": ["127.0.0.1/32"], "rejectStatusCode": 400}}}


def _differ(routes: Sequence[Mapping[str, Any]]) -> bool:
    guards = [{key: route[key] for key in _GUARDS} for route in routes]
    return any(guard != guards[0] for guard in guards)


def _router(name: str, routes: Sequence[Mapping[str, Any]]) -> Data:
    """What ends a segment or a path, encoded; a plain semicolon; and encoded what the host's own paths are told by."""
    paths = "".join(route["path"] for route in routes)
    encoded = [f"%{ord(sign):02X}" for sign in _USUAL + _RESERVED if sign in _USUAL or sign in paths]
    return {
        "entryPoints": ["websecure"],
        "rule": f"Host(`{name}`) && PathRegexp(`(?i)({'|'.join([';', _UNPRINTABLE, *encoded])})`)",
        "priority": ABOVE,
        "service": "noop@internal",
        "middlewares": ["security-headers", VEILED],
        "tls": {"options": "default"},
    }
