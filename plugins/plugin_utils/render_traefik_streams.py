# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's TCP and UDP routers, and who certifies a router's names.

https://doc.traefik.io/traefik/v3.7/reference/routing-configuration/tcp/routing/rules-and-priority/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_tls import RESOLVER, acme_domains, acme_names
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import stream_entry_point

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_ADDRESS = re.compile(r"([A-Za-z0-9.-]+|\[[0-9a-f:.]+\]):[0-9]{1,5}")


def router_tls(plan: Plan, name: str) -> Data:
    """Return a router's TLS: our options, and the ACME authority's certificate where one certifies its names."""
    names = acme_names(plan).get(name)
    issued = {"certResolver": RESOLVER, "domains": acme_domains(plan, names)} if names else {}
    return {"options": "default", **issued}


def stream_routing(plan: Plan) -> Data:
    """Return the parts `tcp` and `udp` of the dynamic configuration; without streams of a kind it has no such part."""
    for stream in plan["streams"]:
        _check(stream)
    found: Data = {}
    for protocol in ("tcp", "udp"):
        streams = [stream for stream in plan["streams"] if stream["protocol"] == protocol]
        if streams:
            found[protocol] = {
                "routers": {stream["name"]: _router(plan, stream) for stream in streams},
                "services": {
                    stream["name"]: {"loadBalancer": {"servers": [{"address": stream["upstream"]}]}}
                    for stream in streams
                },
            }
    return found


def _check(stream: Mapping[str, Any]) -> None:
    texts = [("upstream", _ADDRESS, stream["upstream"]), *(("hosts", _HOST, host) for host in stream["hosts"])]
    for key, pattern, text in texts:
        if not pattern.fullmatch(text):
            raise RenderError(f"streams.{stream['name']}.{key}: {text!r} cannot stand in a rule")


def _router(plan: Plan, stream: Mapping[str, Any]) -> Data:
    router: Data = {"entryPoints": [stream_entry_point(stream)], "service": stream["name"]}
    if stream["protocol"] == "udp":
        return router
    # Any name also stands for none at all, which is what a client without TLS says.
    router["rule"] = " || ".join(f"HostSNI(`{host}`)" for host in stream["hosts"] or ["*"])
    if stream["tls"] == "pass":
        router["tls"] = {"passthrough": True}
    elif stream["tls"] == "terminate":
        router["tls"] = router_tls(plan, stream["name"])
    return router
