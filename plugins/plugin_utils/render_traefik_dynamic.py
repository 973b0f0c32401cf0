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
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_tls import GIVEN, LEAF, tls_options
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import (
    API_PORT,
    SERVERS_TRANSPORT,
    is_behind_cloudflare,
    trusted_proxies,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_chains import (
    MAINTENANCE,
    MAINTENANCE_PAGE,
    chain_of,
    counts_clients,
    has_maintenance,
    middlewares,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_streams import router_tls, stream_routing
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_veiled import veiled_links, veiled_routers
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_waf import PORT as WAF_PORT
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_waf import waf_mark, waf_marks

# The web application firewall, which stands between the proxy and the services of its routes.
WAF = "waf"

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

_ROUTERS = ("routers", "tcpRouters", "udpRouters")

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_PATH = re.compile(URL_PATH)
_URL = re.compile(URL)
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_VALUE = re.compile(r"(?:(?!\{\{)[^\x00-\x1f\x7f])*")
MAINTENANCE_PORT = 8080


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
    sound = [f"length(values({kind} || `{{}}`)[?status != 'enabled']) == `0`" for kind in _ROUTERS]
    return {
        "http": {
            "port": API_PORT,
            "path": "/api/rawdata",
            "expect": " && ".join([f"middlewares.{mark} != null", *sound]),
        }
    }


def revision_mark(content: Data) -> str:
    """Return the name of the middleware that marks this content."""
    return f"revision-{revision(content)}"


def _content(plan: Plan) -> Data:
    for route in plan["routes"]:
        _check(route)
    services = {route["name"]: _service(plan, route) for route in plan["routes"] if not _is_own_api(plan, route)}
    if has_maintenance(plan):
        page = f"http://{serving_address(plan, MAINTENANCE)}:{MAINTENANCE_PORT}"
        services[MAINTENANCE_PAGE] = {"loadBalancer": {"servers": [{"url": page}], "serversTransport": NEAR}}
    veiled = veiled_routers(plan)
    routers = {name: router for route in plan["routes"] for name, router in _routers(plan, route).items()}
    http: Data = {
        "routers": {**routers, **veiled},
        "services": services,
        "middlewares": {**middlewares(plan), **waf_marks(plan), **(veiled_links() if veiled else {})},
        "serversTransports": _TRANSPORTS,
    }
    return {
        "http": {key: value for key, value in http.items() if value},
        **stream_routing(plan),
        "tls": {
            "options": {"default": tls_options()},
            "certificates": [_certificate(leaf) for leaf in _leaves(plan)],
            # Also for clients that name no host, and for names that no certificate has.
            "stores": {"default": {"defaultCertificate": _certificate(_leaves(plan)[0])}},
        },
    }


def _leaves(plan: Plan) -> list[str]:
    """The folders of certificates, the one for everybody else first."""
    return [GIVEN, LEAF] if plan["settings"]["tls"]["mode"] == "files" else [LEAF]


def _check(route: Mapping[str, Any]) -> None:
    texts = [("fqdn", _HOST, route["fqdn"]), ("path", _PATH, route["path"]), ("upstream", _URL, route["upstream"])]
    texts += [("names", _HOST, name) for name in route["names"]]
    for key in ("request_headers", "response_headers"):
        texts += [(key, _HEADER, name) for name in route[key]]
        texts += [(key, _VALUE, value) for value in route[key].values()]
    for key, pattern, text in texts:
        if not pattern.fullmatch(text):
            raise RenderError(f"routes.{route['name']}.{key}: {text!r} cannot stand in the proxy's file")


def _routers(plan: Plan, route: Mapping[str, Any]) -> Data:
    """The router of a route; with one for requests that a trusted proxy brings, where clients are counted.

    The longer path wins, always: the second router stands one above the first, and never above a longer path.
    """
    name, priority = route["name"], 10 * (len(route["path"].rstrip("/")) + 1)
    routers = {name: _router(plan, route, chain_of(plan, route), priority, "")}
    if counts_clients(route) and is_behind_cloudflare(plan):
        ranges = " || ".join(f"ClientIP(`{item}`)" for item in trusted_proxies(plan))
        chain = chain_of(plan, route, through_proxy=True)
        routers[f"{name}.proxied"] = _router(plan, route, chain, priority + 1, f" && ({ranges})")
    return routers


def _router(plan: Plan, route: Mapping[str, Any], chain: str, priority: int, also: str) -> Data:
    rule = _any_of([f"Host(`{name}`)" for name in route["names"]])
    below = route["path"].rstrip("/")
    if below:  # /app and what lies below it, but not /apple
        rule += f" && (Path(`{below}`) || PathPrefix(`{below}/`))"
    return {
        "entryPoints": ["websecure"],
        "rule": rule + also,
        "priority": priority,
        "service": "api@internal" if _is_own_api(plan, route) else route["name"],
        "middlewares": [chain, *([waf_mark(route)] if route["waf"] else [])],
        "tls": router_tls(plan, route["name"]),
    }


def _any_of(matchers: list[str]) -> str:
    return matchers[0] if len(matchers) == 1 else f"({' || '.join(matchers)})"


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


def _certificate(leaf: str) -> Data:
    folder = f"{CERTIFICATES}/{leaf}"
    return {"certFile": f"{folder}/cert.pem", "keyFile": f"{folder}/key.pem"}
