# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pebble and its challenge server, and passes lego's httpreq requests on to the latter.

Environment: VALIDITY (seconds), PROXY (name at which HTTP-01 is asked). The user of httpreq is kronos.
https://go-acme.github.io/lego/dns/httpreq/, https://github.com/letsencrypt/pebble
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CONFIG = {
    "listenAddress": "0.0.0.0:14000",
    "managementListenAddress": "0.0.0.0:15000",
    "certificate": "/certs/cert.pem",
    "privateKey": "/certs/key.pem",
    "httpPort": 80,
    "tlsPort": 443,
    "ocspResponderURL": "",
    "certificateValidityPeriod": int(os.environ.get("VALIDITY", "7776000")),
}
LOGIN = base64.b64encode(f"kronos:{Path('/certs/password').read_text().strip()}".encode()).decode()
seen: list[str] = []


def tell(path: str, **said: Any) -> None:
    """Call the challenge server's management API."""
    urllib.request.urlopen("http://127.0.0.1:8055" + path, json.dumps(said).encode(), timeout=5).read()


class Handler(BaseHTTPRequestHandler):
    """httpreq's two calls, and how it is."""

    def do_GET(self) -> None:
        self.answer(200, {"status": "ok", "seen": seen})

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Authorization") != f"Basic {LOGIN}":
            return self.answer(401, {"error": "who are you?"})
        if self.path == "/present":
            tell("/set-txt", host=said["fqdn"], value=said["value"])
            seen.append(said["fqdn"])
        else:
            tell("/clear-txt", host=said["fqdn"])
        return self.answer(200, {})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def lead_to_proxy() -> None:
    """Every name leads to the proxy, which may move."""
    while True:
        with contextlib.suppress(OSError):
            tell("/set-default-ipv4", ip=socket.gethostbyname(os.environ.get("PROXY", "traefik")))
        time.sleep(1)


def main() -> None:
    Path("/tmp/pebble.json").write_text(json.dumps({"pebble": CONFIG}))
    environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "20"}
    challenges = [
        "pebble-challtestsrv",
        "-http01",
        "",
        "-https01",
        "",
        "-tlsalpn01",
        "",
        "-doh",
        "",
        "-defaultIPv6",
        "",
    ]
    pebble = ["pebble", "-config", "/tmp/pebble.json", "-dnsserver", "127.0.0.1:8053"]
    programs = [subprocess.Popen(challenges), subprocess.Popen(pebble, env=environment)]
    threading.Thread(target=lead_to_proxy, daemon=True).start()
    threading.Thread(target=ThreadingHTTPServer(("", 8080), Handler).serve_forever, daemon=True).start()
    while all(program.poll() is None for program in programs):
        time.sleep(1)
    sys.exit("pebble or its challenge server has ended")


if __name__ == "__main__":
    main()
