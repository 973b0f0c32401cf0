# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network half of verify: looks at a host from where Ansible runs, with the server name a browser would send."""

from __future__ import annotations

import http.client
import ipaddress
import secrets
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from email.message import Message
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils import verify_dns
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_waf import REFUSED_HEADER
from ansible_collections.kronos.homelab.plugins.plugin_utils.verify_checks import Check, Row, judge_login

TIMEOUT = 8.0  # seconds for one connection or answer
SILENCE = 2.0  # the same where none is expected
DNS_TRIES = 2
PROXY_404 = b"404 page not found"  # what Traefik says for a name it has no router for
GATEWAY_ERRORS = (502, 503, 504)


def run_checks(
    checks: list[Check], address: str, root_certificate: str, url_port: str, login_url: str = ""
) -> list[Row]:
    """Run the checks side by side and return their rows in the same order.

    address is where the host is reached; root_certificate the PEM that must have signed what it serves ("" for the
    system's authorities); url_port what redirects must carry: "" or ":8443"; login_url where strangers are sent.
    """
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda check: _run(check, address, root_certificate, url_port, login_url), checks))


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Tell whether we reach *address* from one of these networks. Nothing is sent."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((address, 9))
            own = ipaddress.ip_address(way.getsockname()[0].partition("%")[0])
    except (OSError, ValueError):
        return False
    ranges = [ipaddress.ip_network(network) for network in networks]
    return any(own in one for one in ranges if one.version == own.version)


def _run(check: Check, address: str, root_certificate: str, url_port: str, login_url: str) -> Row:
    try:
        if check.kind == "certificate":
            ok, detail = _certificate(check, address, root_certificate)
        elif check.kind == "route":
            ok, detail = _route(check, address)
        elif check.kind == "login":
            ok, detail = _login(check, address, login_url)
        elif check.kind == "waf":
            ok, detail = _waf(check, address)
        elif check.kind == "dns":
            ok, detail = _dns(check, address)
        elif check.kind == "redirect":
            ok, detail = _redirect(check, address, url_port)
        else:
            ok, detail = _port(check, address)
    except (OSError, http.client.HTTPException) as error:
        return Row(check.kind, check.subject, False, _said(error))
    return Row(check.kind, check.subject, ok, detail)


def _said(error: Exception) -> str:
    """Say it in words: a system's error without its number, a certificate's with its reason."""
    reason = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
    return str(reason or error or type(error).__name__).lower()


def _certificate(check: Check, address: str, root_certificate: str) -> tuple[bool, str]:
    context = ssl.create_default_context(cadata=root_certificate or None)
    with (
        socket.create_connection((address, check.port), TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=check.fqdn) as secured,
    ):
        certificate = secured.getpeercert() or {}
        version = secured.version()
    left = ssl.cert_time_to_seconds(str(certificate["notAfter"])) - datetime.now(timezone.utc).timestamp()
    days, minutes = int(left // 86400), int(left // 60)
    issuer: Any = certificate.get("issuer", ())
    names = [str(value) for part in issuer for key, value in part if key == "commonName"]
    said = f"valid for {days} more days" if days else f"valid for {minutes} more minutes"
    return True, f"{said}, of {names[0] if names else 'nobody'}, {version}"


def _login(check: Check, address: str, login_url: str) -> tuple[bool, str]:
    status, body, headers = _over_tls(check, address, "text/html")
    if status == 404 and body.startswith(PROXY_404):
        return False, "the proxy has no such route"
    return judge_login(status, headers.get("Location") or "", login_url, check.guarded)


def _over_tls(check: Check, address: str, accept: str = "*/*") -> tuple[int, bytes, Message]:
    # the certificate has a row of its own: a bad one must not hide whether the service answers
    context = ssl._create_unverified_context()
    with (
        socket.create_connection((address, check.port), TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=check.fqdn) as secured,
    ):
        return _get(secured, check.fqdn, check.path, accept)


def _route(check: Check, address: str) -> tuple[bool, str]:
    status, body, _headers = _over_tls(check, address)
    if status == 404 and body.startswith(PROXY_404):
        return False, "the proxy has no such route"
    if status in GATEWAY_ERRORS:
        return False, f"HTTP {status}: the service does not answer the proxy"
    if status in (401, 403):
        return check.guarded, f"HTTP {status}: refused from here" + (", as declared" if check.guarded else "")
    return status < 400, f"HTTP {status}"


def _waf(check: Check, address: str) -> tuple[bool, str]:
    """Judge the answer to an attack: a 403 of the service itself would mean that it got there."""
    status, _body, headers = _over_tls(check, address)
    if status == 403 and headers[REFUSED_HEADER]:
        return True, "HTTP 403: an attack is refused"
    if check.guarded and status in (302, 401, 403):
        return True, f"HTTP {status}: refused before the firewall, as declared"
    if status in GATEWAY_ERRORS:
        return False, f"HTTP {status}: the firewall does not answer the proxy"
    return False, f"HTTP {status}: an attack is not refused by the firewall"


def _dns(check: Check, address: str) -> tuple[bool, str]:
    version = ipaddress.ip_address(address).version
    number = secrets.randbelow(65536)
    with socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as asking:
        asking.settimeout(SILENCE)
        asking.connect((address, check.port))
        for _try in range(DNS_TRIES):
            try:
                asking.send(verify_dns.question(check.fqdn, version, number))
                found = verify_dns.addresses(asking.recv(4096), version, number)
            except (ConnectionRefusedError, TimeoutError):
                continue  # a datagram may get lost
            except ValueError as error:
                return False, f"{error}; wanted {address}"
            return found == [address], f"{', '.join(found) or 'no address'}" + (
                "" if found == [address] else f"; wanted {address}"
            )
    return check.guarded, "does not answer" + (" from here, where it need not" if check.guarded else "")


def _redirect(check: Check, address: str, url_port: str) -> tuple[bool, str]:
    with socket.create_connection((address, check.port), TIMEOUT) as plain:
        status, _body, headers = _get(plain, check.fqdn, "/")
    location = headers["Location"] or ""
    wanted = f"https://{check.fqdn}{url_port}/"
    return status in (301, 308) and location == wanted, f"HTTP {status} to {location or 'nowhere'}"


def _port(check: Check, address: str) -> tuple[bool, str]:
    try:
        # silence is what a closed port is expected to answer
        socket.create_connection((address, check.port), TIMEOUT if check.kind == "open" else SILENCE).close()
        answers = True
    except (ConnectionRefusedError, TimeoutError):
        answers = False
    if check.kind == "open" and check.guarded and not answers:
        return True, "does not answer from here, where it need not"
    if check.kind == "open":
        return answers, "answers" if answers else "declared, but does not answer"
    return not answers, "open, but declared nowhere" if answers else "listens on the host, closed from outside"


def _get(connection: socket.socket, host: str, path: str, accept: str = "*/*") -> tuple[int, bytes, Message]:
    connection.settimeout(TIMEOUT)
    client = http.client.HTTPConnection(host)
    client.sock = connection
    client.request("GET", path, headers={"Host": host, "Accept": accept, "User-Agent": "kronos-verify"})
    answer = client.getresponse()
    return answer.status, answer.read(4096), answer.headers
