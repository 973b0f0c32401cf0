# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify against real sockets on loopback: good and bad certificates, answers, redirects and ports."""

from __future__ import annotations

import datetime
import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.verify_checks import Check
from ansible_collections.kronos.homelab.plugins.plugin_utils.verify_network import run_checks
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME = "hello.home.example"
NOW = datetime.datetime.now(datetime.timezone.utc)


def certificate(folder: Path, days: int) -> tuple[Path, str]:
    """Write key and certificate for NAME into one file; returns it and its own PEM as the authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=30))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = built.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{days}.pem"
    file.write_bytes(pem + private)
    return file, pem.decode()


class Backend(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names; / redirects as the proxy does."""

    def do_GET(self) -> None:
        if self.path == "/":
            self.send_response(308)
            self.send_header("Location", f"https://{self.headers['Host']}:8443/")
            self.end_headers()
            return
        status = int(self.path.strip("/").split("-")[0])
        body = b"404 page not found\n" if self.path.endswith("-proxy") else b"own words\n"
        self.send_response(status)
        if self.path.endswith("-refused"):
            self.send_header("X-Kronos-Refused", "0f5a")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Stay quiet."""


def serve(context: ssl.SSLContext | None) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Listening ports: plain, good and expired TLS, and the PEM of their authorities."""
    folder = tmp_path_factory.mktemp("tls")
    found: dict[str, Any] = {}
    servers = [serve(None)]
    found["plain"] = servers[0].server_address[1]
    for name, days in (("good", 40), ("expired", -1)):
        file, pem = certificate(folder, days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server = serve(context)
        servers.append(server)
        found[name], found[f"{name}_ca"] = server.server_address[1], pem
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found["free"] = free.getsockname()[1]
    yield found
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("kind", "port", "path", "guarded", "ca", "ok", "words"),
    [
        ("certificate", "good", "/", False, "good_ca", True, "valid for 39 more days, of hello.home.example, TLSv1.3"),
        ("certificate", "expired", "/", False, "expired_ca", False, "certificate has expired"),
        ("certificate", "good", "/", False, "expired_ca", False, "self-signed certificate"),
        ("certificate", "free", "/", False, "good_ca", False, "refused"),
        ("route", "good", "/200", False, "good_ca", True, "HTTP 200"),
        ("route", "expired", "/200", False, "good_ca", True, "HTTP 200"),
        ("route", "good", "/403", True, "good_ca", True, "as declared"),
        ("route", "good", "/403", False, "good_ca", False, "refused from here"),
        ("route", "good", "/502", True, "good_ca", False, "does not answer the proxy"),
        ("route", "good", "/404", False, "good_ca", False, "HTTP 404"),
        ("route", "good", "/404-proxy", False, "good_ca", False, "no such route"),
        ("waf", "good", "/403-refused", False, "good_ca", True, "HTTP 403: an attack is refused"),
        ("waf", "good", "/403-refused", True, "good_ca", True, "HTTP 403: an attack is refused"),
        ("waf", "good", "/403", False, "good_ca", False, "HTTP 403: an attack is not refused by the firewall"),
        ("waf", "good", "/403", True, "good_ca", True, "refused before the firewall, as declared"),
        ("waf", "good", "/302", True, "good_ca", True, "refused before the firewall, as declared"),
        ("waf", "good", "/302", False, "good_ca", False, "not refused"),
        ("waf", "good", "/200", True, "good_ca", False, "HTTP 200: an attack is not refused by the firewall"),
        ("waf", "good", "/421-refused", False, "good_ca", False, "HTTP 421: an attack is not refused"),
        ("waf", "good", "/502", True, "good_ca", False, "the firewall does not answer the proxy"),
        ("redirect", "plain", "/", False, "", True, f"HTTP 308 to https://{NAME}:8443/"),
        ("open", "plain", "/", False, "", True, "answers"),
        ("open", "free", "/", False, "", False, "declared, but does not answer"),
        ("open", "free", "/", True, "", True, "does not answer from here, where it need not"),
        ("closed", "free", "/", False, "", True, "closed from outside"),
        ("closed", "plain", "/", False, "", False, "open, but declared nowhere"),
    ],
)
def test_rows(
    ports: dict[str, Any], kind: str, port: str, path: str, guarded: bool, ca: str, ok: bool, words: str
) -> None:
    check = Check(kind, "subject", ports[port], NAME, path, guarded)
    (row,) = run_checks([check], "127.0.0.1", ports.get(ca, ""), ":8443")
    assert (row.ok, row.kind, row.subject) == (ok, kind, "subject")
    assert words in row.detail


def test_a_redirect_to_the_wrong_port_is_bad(ports: dict[str, Any]) -> None:
    (row,) = run_checks([Check("redirect", "s", ports["plain"], NAME)], "127.0.0.1", "", "")
    assert not row.ok
