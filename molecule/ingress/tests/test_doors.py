# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Behind Cloudflare: who is believed, what routes do on the way, and what is no HTTP."""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any

import labtest
import pytest
from ingresstest import CLOUDFLARE, LAN, STRANGE_HEADERS, STRANGER, Clients, proxy_log, served
from labtest import HOST, address

SPOOFED = "203.0.113.9"


def echoed(answer: dict[str, Any]) -> dict[str, str]:
    """The headers that the service saw, names in small letters."""
    assert answer["status"] == 200, answer
    return {key.lower(): value for key, value in json.loads(answer["body"])["headers"].items()}


def test_nobody_comes_past_cloudflare(clients: Clients) -> None:
    assert clients.statuses(STRANGER, "apps", "/app") == [0]
    assert clients.statuses(CLOUDFLARE, "apps", "/app") == clients.statuses(LAN, "apps", "/app") == [200]


def test_what_clients_say_of_themselves_is_dropped(clients: Clients) -> None:
    (from_home,) = clients.ask(LAN, "apps", "/app", STRANGE_HEADERS)
    seen = echoed(from_home)
    assert SPOOFED not in " ".join(seen.values())
    assert (seen["x-forwarded-for"], "admin" in seen.values()) == (LAN, False)
    (through,) = clients.ask(
        CLOUDFLARE, "apps", "/app", {**STRANGE_HEADERS, "X-Forwarded-For": f"{SPOOFED}, {STRANGER}"}
    )
    seen = echoed(through)
    assert seen.pop("x-forwarded-for") == f"{SPOOFED}, {STRANGER}, {CLOUDFLARE}"
    assert {SPOOFED, "admin", "evil.example"}.isdisjoint(seen.values())


def test_clients_of_cloudflare_are_counted_one_by_one(clients: Clients) -> None:
    """By the last address that is none of Cloudflare's; other claims before it change nothing."""
    through = [clients.statuses(CLOUDFLARE, "shop", X_Forwarded_For=f"192.0.2.{n}, 198.51.100.81")[0] for n in range(5)]
    assert through == [200, 200, 200, 429, 429]
    assert clients.statuses(CLOUDFLARE, "market", X_Forwarded_For="192.0.2.1, 198.51.100.82") == [200]
    assert clients.statuses(LAN, "shop", count=5, X_Forwarded_For="192.0.2.1") == [200, 200, 200, 429, 429]


def test_a_limit_of_the_root_hides_no_path_below_it(clients: Clients) -> None:
    """The route for the LAN looks at the peer, whatever a header says, and stands above the limited one."""
    assert clients.statuses(CLOUDFLARE, "shop", "/admin", X_Forwarded_For=LAN) == [403]
    assert clients.statuses(LAN, "shop", "/admin/x", count=6) == [200] * 6


VEILED = ["/admin%2Fx", "/%2Fadmin", "/x/..%2fadmin", "/x/..;/admin", "/admin;x", "/admin%3Bx", "/admin%3Fx"]
VEILED += ["/admin%23x", "/admin%0A", "/%0dadmin", "/admin%09/x"]


@pytest.mark.parametrize("path", VEILED)
def test_no_spelling_of_a_path_leads_past_its_guard(path: str, clients: Clients) -> None:
    """A service that decodes these would answer for the LAN's path what the public route lets through."""
    assert clients.statuses(CLOUDFLARE, "shop", path) == [400]


@pytest.mark.parametrize("path", ["//admin", "/%61dmin", "/x/../admin", "/x/%2e%2e/admin", "/./admin/"])
def test_other_spellings_are_the_guarded_path_itself(path: str, clients: Clients) -> None:
    assert clients.statuses(CLOUDFLARE, "shop", path) == [403]


def test_paths(clients: Clients) -> None:
    assert clients.statuses(LAN, "apps", "/apple") == [404]
    (stripped,) = clients.ask(LAN, "apps", "/app/list?x=1")
    assert json.loads(stripped["body"])["path"] == "/list?x=1"
    (root,) = clients.ask(LAN, "apps", "/app")
    assert json.loads(root["body"])["path"] == "/"
    (deep,) = clients.ask(LAN, "apps", "/app/deep/x")
    assert json.loads(deep["body"])["path"] == "/app/deep/x"
    assert echoed(deep)["x-said"] == "by the proxy"
    assert deep["headers"]["x-answer"] == 'a `b` $c "d"'


def test_websockets_and_large_bodies_pass_where_bodies_are_bounded(clients: Clients) -> None:
    connection = labtest.connect("talk")
    raw = connection.sock
    raw.sendall(
        f"GET / HTTP/1.1\r\nHost: talk.{HOST}.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert b" 101 " in raw.recv(4096)
    raw.sendall(b"hello\n")
    assert raw.recv(100) == b"HELLO\n"
    raw.close()
    assert upload(2_500_000) == (200, "2500000")
    assert announce(3_500_000) == 413


def upload(size: int) -> tuple[int, str]:
    connection = labtest.connect("talk")
    connection.request("POST", "/", b"x" * size)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def announce(size: int) -> int:
    """Say how large a body is, and wait for what is said to that."""
    connection = labtest.connect("talk")
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_streams(host: Any, clients: Clients) -> None:
    with socket.create_connection((address(), 7000), 5) as line:
        line.sendall(b"one\n")
        assert line.recv(100).endswith(b" one\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(8)
        datagrams.sendto(b"4", (address(), 7001))  # longer than Traefik itself waits for an answer
        assert datagrams.recv(100) == b"after 4"
    for name, issuer in (("mail", "Pebble"), ("own", "Test")):
        context = ssl._create_unverified_context()
        fqdn = f"{name}.{HOST}.localhost"
        with (
            socket.create_connection((address(), 8080), 5) as raw,
            context.wrap_socket(raw, server_hostname=fqdn) as secured,
        ):
            assert issuer.encode() in (secured.getpeercert(binary_form=True) or b"")
            secured.sendall(b"two\n")
            assert secured.recv(100).endswith(b" two\n")
    closed = "import socket,sys; s = sys.argv; "
    closed += "socket.create_connection((s[1], int(s[2])), 3, source_address=(s[3], 0))"
    target = address()
    clients.run("python3", "-c", closed, target, "7000", STRANGER)
    clients.run("python3", "-c", closed, target, "8080", LAN)
    with pytest.raises(AssertionError, match=r"timed out"):
        clients.run("python3", "-c", closed, target, "8080", STRANGER)


def test_refusals_are_logged_with_client_and_route(host: Any, clients: Clients) -> None:
    clients.statuses(CLOUDFLARE, "inner", "/secret?token=x", X_Forwarded_For=STRANGER)
    labtest.until(lambda: [line for line in proxy_log(host) if line.get("RouterName") == "inner@file"], 10)
    line = [line for line in proxy_log(host) if line.get("RouterName") == "inner@file"][-1]
    assert (line["DownstreamStatus"], line["ClientHost"]) == (403, STRANGER)
    assert line["ClientAddr"].startswith(f"{CLOUDFLARE}:")
    assert "token" not in json.dumps(line)


def test_a_name_that_nobody_serves(clients: Clients) -> None:
    assert clients.statuses(LAN, "nobody") == [404]
    assert "Pebble" in served("nobody")["issuer"]
