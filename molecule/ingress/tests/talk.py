# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a container of the scenario: speaks TCP (9000), UDP (9001), HTTP with websockets (8080) and TLS (9003)."""

from __future__ import annotations

import socketserver
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Line(socketserver.StreamRequestHandler):
    """Says who asked, and says again what it was told."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(f"{self.client_address[0]} ".encode() + line)


class Datagram(socketserver.DatagramRequestHandler):
    """Answers after as many seconds as it is told."""

    def handle(self) -> None:
        said = self.rfile.read().decode()
        time.sleep(float(said))
        self.wfile.write(f"after {said}".encode())


class Web(BaseHTTPRequestHandler):
    """Upgrades, counts what it is sent, streams slowly."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade"):
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            for line in self.rfile:
                self.wfile.write(line.upper())
        else:
            self.say(b"well")

    def do_POST(self) -> None:
        left, length = 0, int(self.headers["Content-Length"])
        while left < length:
            left += len(self.rfile.read(min(65536, length - left)))
        self.say(str(left).encode())

    def say(self, text: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class Tls(socketserver.ThreadingTCPServer):
    """The same as Line, with a certificate of its own."""

    def get_request(self) -> tuple[Any, Any]:
        raw, address = super().get_request()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("/certs/cert.pem", "/certs/key.pem")
        return context.wrap_socket(raw, server_side=True), address


def main() -> None:
    servers: list[Any] = [
        socketserver.ThreadingTCPServer(("", 9000), Line),
        socketserver.ThreadingUDPServer(("", 9001), Datagram),
        Tls(("", 9003), Line),
        ThreadingHTTPServer(("", 8080), Web),
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    main()
