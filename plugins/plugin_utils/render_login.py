# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login as the proxy sees it: whom it asks before a request goes on. Each provider fills the same contract.

Authelia: https://www.authelia.com/integration/proxies/traefik/ (forward-auth endpoint, answered headers)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, RenderError

LOGIN = "login"
ISSUER_KEY, ISSUER_HMAC = "issuer_key", "issuer_hmac"  # secrets of the login as an OpenID Connect provider
IDENTITY = ("Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email")


def has_login(plan: Plan) -> bool:
    """Tell whether authenticated routes ask a login."""
    return bool(plan["settings"]["login"] != "none")


def forward_auth(plan: Plan) -> Data:
    """Return the middleware options (Traefik's forwardAuth) of the plan's login."""
    provider = plan["settings"]["login"]
    if provider not in _PROVIDERS:
        raise RenderError(f"settings.login: no way to ask {provider!r}")
    return _PROVIDERS[provider](plan)


def _authelia(plan: Plan) -> Data:
    return {
        "address": f"http://{serving_address(plan, 'authelia')}:9091/api/authz/forward-auth",
        # Who asks is told by the proxy alone: X-Forwarded-Uri of a client would be another page's permission.
        "trustForwardHeader": False,
        "authResponseHeaders": list(IDENTITY),
        "headerField": IDENTITY[0],  # who asked, in the access log
    }


def serving_address(plan: Plan, name: str) -> str:
    """Return the address of a service on its zone's serving side, else its name."""
    service = plan["services"].get(name) or {}
    networks = {key: value for key, value in (service.get("addresses") or {}).items() if key.startswith("kronos-in-")}
    own = f"kronos-in-{service.get('realised_zone')}"
    return str(networks.get(own) or next(iter(networks.values()), name))


_PROVIDERS: Mapping[str, Callable[[Plan], Data]] = {"authelia": _authelia}
