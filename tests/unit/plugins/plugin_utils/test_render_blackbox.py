# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How routes and services are asked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_blackbox import blackbox_config, probe_module


@pytest.mark.parametrize(
    ("probe", "module"),
    [
        ({"kind": "route", "access": "public"}, "route_public"),
        ({"kind": "route", "access": "authenticated"}, "route_guarded"),
        ({"kind": "route", "access": "lan"}, "route_home"),
        ({"kind": "route", "access": "vpn"}, "route_home"),
        ({"kind": "backend"}, "backend"),
        ({"kind": "backend", "status": []}, "backend"),
        ({"kind": "backend", "status": [401, 200, 401]}, "backend_200_401"),
    ],
)
def test_module(probe: dict[str, Any], module: str, plans: Any) -> None:
    assert probe_module(probe) == module
    assert module in blackbox_config(plans.plan(probes=[probe]))["modules"]


@pytest.mark.parametrize(
    ("module", "taken", "refused"),
    [
        ("route_public", (200, 204, 302, 401), (403, 404, 500, 502)),
        ("route_guarded", (200, 302, 401, 403), (404, 500, 503)),
        ("route_home", (200, 302, 401, 403), (404, 500, 503)),
        ("backend", (200, 302), (401, 403, 404, 500)),
        ("backend_200_401", (200, 401), (204, 403)),
    ],
)
def test_answers(module: str, taken: tuple[int, ...], refused: tuple[int, ...], plans: Any) -> None:
    plan = plans.plan(probes=[{"kind": "backend", "status": [401, 200]}])
    http = blackbox_config(plan)["modules"][module]["http"]
    assert set(taken) <= set(http["valid_status_codes"])
    assert not set(refused) & set(http["valid_status_codes"])
    assert http["follow_redirects"] is False


@pytest.mark.parametrize(("mode", "tls"), [("internal_ca", {"ca_file": "/etc/blackbox/root.crt"}), ("acme_dns", None)])
def test_certificates_are_verified(mode: str, tls: Any, plans: Any) -> None:
    modules = blackbox_config(plans.plan(settings={"tls": {"mode": mode, "root_certificate": ""}}))["modules"]
    for name in ("route_public", "route_guarded", "route_home"):
        assert modules[name]["http"].get("tls_config") == tls
        assert modules[name]["http"]["fail_if_not_ssl"] is True


@pytest.mark.parametrize(
    ("said", "outward", "inward"),
    [
        ({"mode": "internal_ca"}, {"ca_file": "/etc/blackbox/root.crt"}, {"ca_file": "/etc/blackbox/root.crt"}),
        ({"mode": "acme_http"}, None, {"ca_file": "/etc/blackbox/root.crt"}),
        ({"mode": "acme_dns", "root_certificate": "PEM"}, {"ca": "PEM"}, {"ca": "PEM"}),
        ({"mode": "files"}, None, None),
    ],
)
def test_whose_certificate_is_believed(said: Any, outward: Any, inward: Any, plans: Any) -> None:
    modules = blackbox_config(plans.plan(settings={"tls": {"root_certificate": "", **said}}))["modules"]
    found = [modules[name]["http"].get("tls_config") for name in ("route_public", "route_guarded", "route_home")]
    assert found == [outward, outward, inward]
