# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate of a real authority, asked for over DNS: issued, kept, renewed, and kept when nobody issues another."""

from __future__ import annotations

import base64
import json
from typing import Any

import labtest
from ansible_collections.kronos.homelab.plugins.module_utils import certificates
from ingresstest import DOMAIN, PASSWORD, Clients, acme, converge, pebble_root, served, variables
from labtest import FULL, play, until

HEALTH = "python3 -c \"import urllib.request as u;print(u.urlopen('http://127.0.0.1:8080').read().decode())\""
STORE = "/srv/kronos/traefik/acme/acme_dns-*.json"


def issued(host: Any) -> list[dict[str, Any]]:
    return list(json.loads(host.check_output(f"cat {STORE}"))["acme"]["Certificates"] or [])


def test_one_certificate_for_all_names(host: Any, clients: Clients) -> None:
    found = until(lambda: (now := served("shop"))["issuer"].startswith("CN=Pebble") and now, 30)
    assert found["names"] == [DOMAIN, f"*.{DOMAIN}"]
    assert [one["domain"] for one in issued(host)] == [{"main": DOMAIN, "sans": [f"*.{DOMAIN}"]}]
    assert host.check_output(f"stat -c '%a %u' {STORE}") == "600 65532"
    asked = json.loads(host.check_output("docker exec acme " + HEALTH))
    assert f"_acme-challenge.{DOMAIN}." in asked["seen"]


def test_the_password_of_the_provider_is_in_no_output(host: Any, first: labtest.Run) -> None:
    assert PASSWORD not in first.output
    inspected = host.check_output("docker inspect traefik")
    assert PASSWORD not in inspected
    assert "HTTPREQ_PASSWORD_FILE=/run/secrets/" in inspected


def test_verify_believes_the_root_that_is_stated(host: Any, clients: Clients) -> None:
    tls = acme(root_certificate=pebble_root(host))
    run = play("verify.yml", variables=variables(tls, kronos_web_from="cloudflare"))
    assert run.code == 0, run.output
    assert "Pebble" in run.output
    run = play("verify.yml", variables=variables(acme(), kronos_web_from="cloudflare"))
    assert run.code != 0
    assert "unable to get local issuer" in run.output


def test_it_is_renewed_and_what_stands_stays_when_nobody_issues(host: Any, clients: Clients) -> None:
    before = issued(host)[0]["certificate"]
    until(lambda: issued(host)[0]["certificate"] != before, 150, "renewed")
    until(lambda: served("shop")["end"] == kept_end(host), 20, "served")
    host.check_output("docker stop -t 1 acme")
    try:
        last = served("shop")["digest"]
        if FULL:
            failed = "Error renewing ACME certificate"
            until(lambda: failed in host.check_output("docker logs --since 80s traefik 2>&1"), 130, failed)
        assert served("shop")["digest"] == last
        assert clients.statuses("10.66.1.7", "apps", "/app") == [200]
        host.check_output("docker restart -t 5 traefik")
        until(lambda: clients.statuses("10.66.1.7", "apps", "/app") == [200], 30)
        assert served("shop")["digest"] == last  # what is kept survives a restart without the authority
    finally:
        host.check_output("docker start acme")
    until(lambda: json.loads(host.check_output("docker exec acme " + HEALTH))["status"] == "ok", 20)


def kept_end(host: Any) -> Any:
    """When the certificate ends that is kept."""
    text = base64.b64decode(issued(host)[0]["certificate"])
    return certificates.not_after(certificates.parse(text)[0])


def test_a_second_run_is_quiet(host: Any, clients: Clients) -> None:
    run = converge(acme(), kronos_web_from="cloudflare", kronos_fast=False)
    assert (run.code, run.changed) == (0, []), run.output
