# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blackbox exporter: how routes and services are asked whether they answer.

https://github.com/prometheus/blackbox_exporter/blob/v0.26.0/CONFIGURATION.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan

# The role puts the root of the internal authority beside the configuration.
ROOT_CERTIFICATE = "/etc/blackbox/root.crt"
TIMEOUT = "10s"

ANSWERS = [*range(200, 209), 226, *range(300, 309)]
ASKS_FOR_LOGIN = [401]
KEPT_OUT = [403]  # an address of a container never counts as LAN


def blackbox_config(plan: Plan) -> Data:
    """Return the modules that the plan's probes name (see probe_module)."""
    return {
        "modules": {
            "route_public": _route(plan, [*ANSWERS, *ASKS_FOR_LOGIN]),
            "route_guarded": _route(plan, [*ANSWERS, *ASKS_FOR_LOGIN, *KEPT_OUT]),
            "route_home": _route(plan, [*ANSWERS, *ASKS_FOR_LOGIN, *KEPT_OUT], inward=True),
            "backend": _backend(ANSWERS),
            **{
                probe_module(probe): _backend(sorted(set(probe["status"])))
                for probe in plan["probes"]
                if probe["kind"] == "backend" and probe.get("status")
            },
        }
    }


def probe_module(probe: Mapping[str, Any]) -> str:
    """Return the module for a probe of the plan: by access for routes, by accepted answers for services."""
    if probe["kind"] == "route":
        return {"public": "route_public", "authenticated": "route_guarded"}.get(probe["access"], "route_home")
    return "_".join(["backend", *(str(status) for status in sorted(set(probe.get("status") or ())))])


def _route(plan: Plan, statuses: list[int], inward: bool = False) -> Data:
    """Ask through the proxy, with a verified certificate; redirects lead to names that containers cannot resolve.

    An authority that asks over HTTP certifies what is reached from outside; what is not has the home's own certificate.
    """
    said = plan["settings"]["tls"]
    tls: Data = {}
    if said["mode"] == "internal_ca" or (said["mode"] == "acme_http" and inward):
        tls = {"tls_config": {"ca_file": ROOT_CERTIFICATE}}
    elif said["root_certificate"]:
        tls = {"tls_config": {"ca": said["root_certificate"]}}
    return _module({"valid_status_codes": statuses, "fail_if_not_ssl": True, **tls})


def _backend(statuses: list[int]) -> Data:
    """Ask the service itself; the certificate of a container carries no name that anyone vouches for."""
    return _module({"valid_status_codes": statuses, "tls_config": {"insecure_skip_verify": True}})


def _module(http: Data) -> Data:
    usual: Data = {"method": "GET", "preferred_ip_protocol": "ip4", "follow_redirects": False}
    return {"prober": "http", "timeout": TIMEOUT, "http": {**usual, **http}}
