# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's middlewares: one chain per access class.

https://doc.traefik.io/traefik/v3.7/reference/routing-configuration/http/middlewares/overview/
"""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_login import LOGIN, forward_auth, has_login

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

# While a service is made anew nobody has its address and its port refuses: the request waits for the new one, so that
# a short update shows as latency. Only where no connection came about, so that nothing is sent twice; pauses grow from
# the interval to twice its length, so all of them take about 4 s, and 3 s more where each connection times out.
_RETRY: Data = {"attempts": 12, "initialInterval": "250ms"}


def middlewares(plan: Plan) -> Data:
    """Return every middleware: the chains `chain-<access>` that routers name, and their links."""
    settings = plan["settings"]
    vpn = list(settings["vpn"])
    return {
        **{f"chain-{access}": {"chain": {"middlewares": links(plan, access)}} for access in ACCESS_CLASSES},
        **({LOGIN: {"forwardAuth": forward_auth(plan)}} if has_login(plan) else {}),
        "allow-lan": {"ipAllowList": {"sourceRange": [*settings["lan"], *vpn] or NOBODY}},
        "allow-vpn": {"ipAllowList": {"sourceRange": vpn or NOBODY}},
        "strip-identity": {"headers": {"customRequestHeaders": dict.fromkeys(IDENTITY_HEADERS, "")}},
        "security-headers": {"headers": _security_headers()},
        # Compressing buffers a little, which an event stream must not suffer.
        "compress": {"compress": {"excludedContentTypes": ["text/event-stream"]}},
        "retry": {"retry": _RETRY},
    }


def links(plan: Plan, access: str) -> list[str]:
    """Return the links of one class; a refusal carries the security headers too.

    Without a login provider, `authenticated` is as closed as `lan`. What a client says of who it is goes before
    the login is asked.
    """
    guards = {"lan": ["allow-lan"], "vpn": ["allow-vpn"], "authenticated": [] if has_login(plan) else ["allow-lan"]}
    login = [LOGIN] if access == "authenticated" and has_login(plan) else []
    return ["security-headers", *guards.get(access, []), "strip-identity", *login, "compress", "retry"]


def _security_headers() -> Data:
    return {
        "stsSeconds": ONE_YEAR,
        "contentTypeNosniff": True,
        "customFrameOptionsValue": "SAMEORIGIN",
        "referrerPolicy": "strict-origin-when-cross-origin",
        "permissionsPolicy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "customResponseHeaders": {"Server": "", "X-Powered-By": ""},
    }
