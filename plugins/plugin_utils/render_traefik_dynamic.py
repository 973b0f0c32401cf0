# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's dynamic configuration: ONE file, since one broken file among several would freeze them all.

Routing: https://doc.traefik.io/traefik/v3.7/reference/routing-configuration/http/routing/rules-and-priority/
The file provider reads its files as Go templates, so nothing that could open one is let through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kronos.homelab.plugins.plugin_utils.names import URL, URL_PATH
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import (
    Data,
    Plan,
    RenderError,
    revision,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_login import serving_address
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_tls import LEAF, tls_options
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import API_PORT, SERVERS_TRANSPORT
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_chains import middlewares

# The web application firewall, which stands between the proxy and the services of its routes.
WAF, WAF_PORT = "waf", 8080

CERTIFICATES = "/etc/traefik/certs"
NEAR = "near"
UNVERIFIED = "unverified"
NEAR_UNVERIFIED = f"{NEAR}-{UNVERIFIED}"

# A container that is down does not refuse: nobody answers at its address. On a bridge of the host itself a quarter of
# a second tells that for sure; the retry then asks again.
_ON_THE_HOST: Data = {"forwardingTimeouts": {"dialTimeout": "250ms"}}
_ANY_CERTIFICATE: Data = {"insecureSkipVerify": True}
_TRANSPORTS: Data = {
    NEAR: {**SERVERS_TRANSPORT, **_ON_THE_HOST},
    NEAR_UNVERIFIED: {**SERVERS_TRANSPORT, **_ON_THE_HOST, **_ANY_CERTIFICATE},
    UNVERIFIED: {**SERVERS_TRANSPORT, **_ANY_CERTIFICATE},
}

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_PATH = re.compile(URL_PATH)
_URL = re.compile(URL)


def traefik_dynamic(plan: Plan) -> Data:
    """Return routers, services, middlewares and TLS for all routes of the plan, with a mark of its revision.

    The mark is a middleware that nothing uses: once Traefik's API shows it, this very file was taken.
    Raises RenderError for a route whose text could mean more than a host name, a path or a URL.
    """
    content = _content(plan)
    content["http"]["middlewares"][revision_mark(content)] = {
        "headers": {"customResponseHeaders": {"X-Kronos-Revision": revision(content)}}
    }
    return content


def traefik_reload_check(plan: Plan) -> Data:
    """Return the HTTP check that holds when Traefik runs with traefik_dynamic(plan) and all routers are enabled."""
    mark = f'"{revision_mark(_content(plan))}@file"'
    disabled = "length(values(routers)[?status != 'enabled'])"
    return {
        "http": {
            "port": API_PORT,
            "path": "/api/rawdata",
            "expect": f"middlewares.{mark} != null && {disabled} == `0`",
        }
    }


def revision_mark(content: Data) -> str:
    """Return the name of the middleware that marks this content."""
    return f"revision-{revision(content)}"


def _content(plan: Plan) -> Data:
    for route in plan["routes"]:
        _check(route)
    services = {route["name"]: _service(plan, route) for route in plan["routes"] if not _is_own_api(plan, route)}
    http: Data = {
        "routers": {route["name"]: _router(plan, route) for route in plan["routes"]},
        "services": services,
        "middlewares": middlewares(plan),
        "serversTransports": _TRANSPORTS,
    }
    return {
        "http": {key: value for key, value in http.items() if value},
        "tls": {
            "options": {"default": tls_options()},
            "certificates": [_certificate()],
            # Also for clients that name no host, and for names that no certificate has.
            "stores": {"default": {"defaultCertificate": _certificate()}},
        },
    }


def _check(route: Mapping[str, Any]) -> None:
    for key, pattern in (("fqdn", _HOST), ("path", _PATH), ("upstream", _URL)):
        if not pattern.fullmatch(route[key]):
            raise RenderError(f"routes.{route['name']}.{key}: {route[key]!r} cannot stand in a rule")


def _router(plan: Plan, route: Mapping[str, Any]) -> Data:
    rule = f"Host(`{route['fqdn']}`)"
    if route["path"] != "/":
        rule += f" && PathPrefix(`{route['path']}`)"
    return {
        "entryPoints": ["websecure"],
        "rule": rule,
        "service": "api@internal" if _is_own_api(plan, route) else route["name"],
        "middlewares": [f"chain-{route['access']}"],
        "tls": {"options": "default"},
    }


def _is_own_api(plan: Plan, route: Mapping[str, Any]) -> bool:
    """Tell whether a route leads to Traefik's own API, which listens on loopback and is an internal service."""
    ingress: str = plan["settings"]["ingress"]
    return bool(route["service"] == ingress and urlsplit(route["upstream"]).port == API_PORT)


def _service(plan: Plan, route: Mapping[str, Any]) -> Data:
    if route["waf"]:
        firewall = f"http://{serving_address(plan, WAF)}:{WAF_PORT}"
        return {"loadBalancer": {"servers": [{"url": firewall}], "passHostHeader": True, "serversTransport": NEAR}}
    balancer: Data = {"servers": [{"url": route["upstream"]}], "passHostHeader": True}
    unverified = route["upstream"].startswith("https:") and not route["verify_upstream"]
    near = _is_near(plan, route)
    if near or unverified:
        balancer["serversTransport"] = (NEAR_UNVERIFIED if unverified else NEAR) if near else UNVERIFIED
    return {"loadBalancer": balancer}


def _is_near(plan: Plan, route: Mapping[str, Any]) -> bool:
    """Tell whether a route leads to a container's address on a network of the host itself."""
    service = plan["services"].get(route["service"])
    return bool(service) and urlsplit(route["upstream"]).hostname in service["addresses"].values()


def _certificate() -> Data:
    folder = f"{CERTIFICATES}/{LEAF}"
    return {"certFile": f"{folder}/cert.pem", "keyFile": f"{folder}/key.pem"}
