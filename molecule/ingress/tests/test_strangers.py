# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open to the internet, with certificates asked for over HTTP: who is refused too often is heard no more."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from ingresstest import BAD, CLOUDFLARE, LAN, STRANGER, WORSE, Clients, proxy_log, served
from labtest import Run, until

SHOW = "nft list set inet kronos_bans banned4"


def test_certificates_over_http_and_those_of_the_home_inside(host: Any, clients: Clients, second: Run) -> None:
    assert second.code == 0, second.output
    until(lambda: served("shop")["issuer"].startswith("CN=Pebble"), 60)
    assert served("shop")["names"] == ["shop.ingress.localhost"]
    until(lambda: served("market")["names"] == ["market.ingress.localhost"], 60)
    assert "home authority" in served("inner")["issuer"]
    assert "inner.ingress.localhost" in served("inner")["names"]


def test_identity_is_dropped_without_cloudflare_too(clients: Clients, second: Run) -> None:
    (answer,) = clients.ask(CLOUDFLARE, "apps", "/app", {"X-Forwarded-For": "203.0.113.9", "X-Real-Ip": "203.0.113.9"})
    assert answer["status"] == 200
    assert "203.0.113.9" not in answer["body"]


def test_a_client_is_banned_for_a_while_and_nobody_else(host: Any, clients: Clients, second: Run) -> None:
    # longer than a line of the log that Docker keeps whole
    assert clients.statuses(BAD, "inner", "/" + "x" * 20000, count=4) == [403] * 4
    assert clients.statuses(BAD, "apps", "/app") == [200]
    clients.statuses(BAD, "inner")
    until(lambda: BAD in host.check_output(SHOW), 5)
    host.check_output("systemctl restart kronos-firewall.service")
    assert BAD in host.check_output(SHOW)  # loading the firewall anew lifts no ban
    assert clients.statuses(BAD, "apps", "/app") == [0]
    assert clients.greeting(BAD, 22).startswith("SSH-")  # the way back for somebody who mistyped
    assert clients.statuses(STRANGER, "apps", "/app") == clients.statuses(LAN, "apps", "/app") == [200]
    until(lambda: clients.statuses(BAD, "apps", "/app") == [200], 40, "the ban ends")
    said = host.check_output("journalctl -u kronos-bans -o cat --no-pager")
    assert f"banned {BAD} for 20 s: the last of its refusals was 403, inner@file, -" in said


def test_headers_ban_nobody_and_trusted_ranges_are_never_banned(host: Any, clients: Clients, second: Run) -> None:
    for n in range(7):
        clients.statuses(LAN, "tunnel", X_Forwarded_For=WORSE)
        clients.statuses(CLOUDFLARE, "inner", X_Forwarded_For=WORSE, count=1 + n // 6)
    time.sleep(2)
    assert clients.statuses(WORSE, "apps", "/app") == [200]
    assert clients.statuses(CLOUDFLARE, "apps", "/app") == clients.statuses(LAN, "apps", "/app") == [200]
    assert "elements" not in host.check_output(SHOW)


def test_a_password_of_the_proxys_own(host: Any, clients: Clients, second: Run) -> None:
    (asked,) = clients.ask(STRANGER, "desk")
    assert (asked["status"], asked["headers"]["www-authenticate"]) == (401, 'Basic realm="desk"')
    password = host.check_output("cat /etc/kronos/secrets/traefik/basic-anna")
    (wrong, right) = (basic("anna", text) for text in ("x", password))
    assert clients.statuses(STRANGER, "desk", Authorization=wrong) == [401]
    (answer,) = clients.ask(STRANGER, "desk", headers={"Authorization": right, "Remote-User": "admin"})
    assert answer["status"] == 200
    assert {"Authorization", "Remote-User"}.isdisjoint(json.loads(answer["body"])["headers"])
    line = [line for line in proxy_log(host) if line.get("RouterName") == "desk@file"][-1]
    assert (line["DownstreamStatus"], line["ClientUsername"]) == (401, "anna")
    assert password not in json.dumps(proxy_log(host)) + second.output
    # neither does the proxy's page show the home what could be guessed from
    (shown,) = clients.ask(LAN, "traefik", "/api/rawdata")
    assert "users-desk.txt" in shown["body"]
    assert host.check_output("cat /etc/kronos/secrets/traefik/hash_anna") not in shown["body"]


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_a_page_while_a_service_is_down(host: Any, clients: Clients, second: Run) -> None:
    host.check_output("docker stop -t 1 shop")
    (answer,) = clients.ask(STRANGER, "apps", "/app")
    host.check_output("docker start shop")
    assert answer["status"] in (502, 504)
    assert "Not available at the moment" in answer["body"]
    assert answer["headers"]["strict-transport-security"]
    until(lambda: clients.statuses(STRANGER, "apps", "/app") == [200], 20)
