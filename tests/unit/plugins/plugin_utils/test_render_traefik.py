# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's static configuration."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import traefik_static


@pytest.mark.parametrize("port", [443, 8443])
def test_redirects_to_the_port_that_browsers_use(port: int, plans: Any) -> None:
    static = traefik_static(plans.plan(settings={"https_port": port}))
    assert static["entryPoints"]["web"]["http"]["redirections"]["entryPoint"] == {
        "to": f":{port}",
        "scheme": "https",
        "permanent": True,
    }
    assert static["entryPoints"]["websecure"]["address"] == ":443"


def test_api_on_loopback_only(plans: Any) -> None:
    static = traefik_static(plans.plan())
    assert static["entryPoints"]["traefik"]["address"] == "127.0.0.1:8080"
    assert static["metrics"]["prometheus"]["entryPoint"] == static["ping"]["entryPoint"] == "metrics"


def test_no_client_is_trusted(plans: Any) -> None:
    for name, entry in traefik_static(plans.plan())["entryPoints"].items():
        assert entry.get("forwardedHeaders", {}) in ({}, {"insecure": False}), name
        assert entry["http"]["aliasHeadersStrategy"] == "delete", name
        assert not entry["http"]["encodedCharacters"]["allowEncodedNullCharacter"], name


def test_logs_tell_failures_and_no_secrets(plans: Any) -> None:
    static = traefik_static(plans.plan())
    log = static["accessLog"]
    assert (log["format"], log["filters"]) == ("json", {"statusCodes": ["400-599"]})
    assert log["fields"]["headers"]["names"] == {"User-Agent": "keep", "Authorization": "drop", "Cookie": "drop"}
    assert log["fields"]["headers"]["defaultMode"] == log["fields"]["queryParameters"]["defaultMode"] == "drop"
    assert static["global"] == {"checkNewVersion": False, "sendAnonymousUsage": False}


def test_no_connection_to_a_service_is_kept(plans: Any) -> None:
    assert traefik_static(plans.plan())["serversTransport"] == {"maxIdleConnsPerHost": -1}
