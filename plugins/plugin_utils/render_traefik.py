# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's static configuration: read once, at start.

Options: https://doc.traefik.io/traefik/v3.7/reference/install-configuration/configuration-options/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.cloudflare_ranges import cloudflare_ranges
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_tls import RESOLVER, acme_resolver

# Ports inside the container; the record publishes the host's ports to the first two.
HTTP_PORT = 80
HTTPS_PORT = 443
API_PORT = 8080
METRICS_PORT = 8082

UDP_TIMEOUT = "60s"
# A connection of mail or of a game may be silent for as long as it likes.
_STREAM_TIMEOUTS: Data = {"respondingTimeouts": {"readTimeout": "0s", "writeTimeout": "0s", "idleTimeout": "0s"}}

DYNAMIC_FOLDER = "/etc/traefik/dynamic"

# What no honest client sends: headers spelt so that CGI-like backends take them for others (X_Forwarded_User),
# and paths that mean something else to a backend than to the rule that let them in.
_REQUEST_HYGIENE: Data = {
    "aliasHeadersStrategy": "delete",
    "encodedCharacters": {"allowEncodedNullCharacter": False, "allowEncodedBackSlash": False},
}

# A connection that is kept for later may lead to a container that is gone: what is sent on it then is answered by
# nobody, and the client waits for a quarter of an hour (seen: of 90 kept connections, 10 were not told of the end).
# A connection of its own per request costs 0.1 ms on the host's bridges, and what cannot be sent is known at once.
SERVERS_TRANSPORT: Data = {"maxIdleConnsPerHost": -1}

# Fields of the access log that repeat others or help nobody who looks for a cause.
# ClientAddr stays: it is the peer itself, which ClientHost is not where a trusted proxy names another.
_UNTELLING_FIELDS = (
    "ClientPort",
    "GzipRatio",
    "OriginContentSize",
    "OriginDuration",
    "Overhead",
    "RequestAddr",
    "RequestContentSize",
    "RequestCount",
    "RequestPort",
    "ServiceAddr",
    "StartLocal",
)


def traefik_static(plan: Plan) -> Data:
    """Return the static configuration: entry points, the file provider, API, logs and metrics.

    `/ping` and `/metrics` share a port that only other containers reach, so that probes need no route.
    """
    acme = plan["settings"]["tls"]["mode"] in ("acme_dns", "acme_http")
    return {
        **({"certificatesResolvers": {RESOLVER: {"acme": acme_resolver(plan)}}} if acme else {}),
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": _entry_points(plan),
        "serversTransport": SERVERS_TRANSPORT,
        "providers": {"file": {"directory": DYNAMIC_FOLDER, "watch": True}},
        # "insecure" puts API and dashboard on the entry point `traefik`, which listens on loopback alone: whether
        # a new configuration was taken can be asked even when that configuration is broken.
        "api": {"insecure": True, "dashboard": True, "disableDashboardAd": True},
        "ping": {"entryPoint": "metrics"},
        "metrics": {
            "prometheus": {
                "entryPoint": "metrics",
                "addEntryPointsLabels": True,
                "addRoutersLabels": True,
                "addServicesLabels": True,
            }
        },
        "log": {"level": "INFO", "format": "json"},
        "accessLog": _access_log(),
    }


def _entry_points(plan: Plan) -> Data:
    public_port = plan["settings"]["https_port"]
    trusted = {"forwardedHeaders": _trusted(plan)}
    return {
        "web": {
            "address": f":{HTTP_PORT}",
            # The address that browsers use may carry another port than the container's.
            "http": {
                **_REQUEST_HYGIENE,
                "redirections": {"entryPoint": {"to": f":{public_port}", "scheme": "https", "permanent": True}},
            },
            **trusted,
            "transport": {"respondingTimeouts": {"readTimeout": "10s", "idleTimeout": "30s"}},
        },
        "websecure": {
            "address": f":{HTTPS_PORT}",
            "asDefault": True,
            "http": _REQUEST_HYGIENE,
            **trusted,
            # An hour lets a phone upload its films; answers may stream without end.
            "transport": {"respondingTimeouts": {"readTimeout": "1h", "writeTimeout": "0s", "idleTimeout": "3m"}},
        },
        "traefik": {"address": f"127.0.0.1:{API_PORT}", "http": _REQUEST_HYGIENE},
        "metrics": {"address": f":{METRICS_PORT}", "http": _REQUEST_HYGIENE},
        **_stream_entry_points(plan),
    }


def is_behind_cloudflare(plan: Plan) -> bool:
    """Tell whether strangers come through Cloudflare alone."""
    return bool(plan["settings"]["web_from"] == "cloudflare")


def trusted_proxies(plan: Plan) -> list[str]:
    """Return the ranges of proxies that are believed when they say for whom they ask; nobody unless behind one."""
    return list(cloudflare_ranges(plan)) if is_behind_cloudflare(plan) else []


def _trusted(plan: Plan) -> Data:
    """Whose X-Forwarded-* is kept; from anyone else Traefik drops it."""
    ranges = trusted_proxies(plan)
    return {"insecure": False, **({"trustedIPs": ranges} if ranges else {})}


def stream_entry_point(stream: Mapping[str, Any]) -> str:
    """Return the name of a stream's entry point; streams that share a port share it."""
    return f"stream-{stream['port']}-{stream['protocol']}"


def _stream_entry_points(plan: Plan) -> Data:
    points: Data = {}
    for stream in plan["streams"]:
        udp = stream["protocol"] == "udp"
        # A datagram's answer after Traefik's own 3 s would find nobody who waits for it.
        points[stream_entry_point(stream)] = {
            "address": f":{stream['inner_port']}" + ("/udp" if udp else ""),
            **({"udp": {"timeout": UDP_TIMEOUT}} if udp else {"transport": _STREAM_TIMEOUTS}),
        }
    return points


def _access_log() -> Data:
    """Keep refused and failed requests (failed logins are 401 and 403), and nothing that proves an identity."""
    return {
        "format": "json",
        "filters": {"statusCodes": ["400-599"]},
        "fields": {
            "defaultMode": "keep",
            "names": dict.fromkeys(_UNTELLING_FIELDS, "drop"),
            "headers": {
                "defaultMode": "drop",
                "names": {"User-Agent": "keep", "Authorization": "drop", "Cookie": "drop"},
            },
            "queryParameters": {"defaultMode": "drop"},
        },
    }
