# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a product: answers its health path, says its name, echoes what it was sent.

/etc/standin.json: name, version, port, health {path, status, body | text}, style linuxserver (must be
pid 1, takes PUID and PGID), exits {code, message}.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CONFIG: dict[str, Any] = json.loads(Path("/etc/standin.json").read_text())
HEALTH: dict[str, Any] = CONFIG.get("health", {})
LARGEST_BODY = 1_000_000
served = 0


class Server(ThreadingHTTPServer):
    """Answers on IPv4 and, where the network has it, IPv6."""

    daemon_threads = True
    address_family = socket.AF_INET6 if os.path.exists("/proc/net/if_inet6") else socket.AF_INET

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class Handler(BaseHTTPRequestHandler):
    """One answer for every method."""

    protocol_version = "HTTP/1.1"
    server_version = f"{CONFIG['name']}-standin/{CONFIG['version']}"

    def answer(self) -> None:
        global served
        served += 1
        length = min(int(self.headers.get("Content-Length") or 0), LARGEST_BODY)
        received = self.rfile.read(length) if length else b""
        path = self.path.split("?", 1)[0]
        if path == HEALTH.get("path"):
            status, text = HEALTH.get("status", 200), HEALTH.get("text")
            kind = "text/plain" if text is not None else "application/json"
            self.send(status, kind, text if text is not None else json.dumps(HEALTH.get("body", {})))
        elif path == "/metrics":
            self.send(200, "text/plain; version=0.0.4", metrics())
        else:
            self.send(200, "application/json", json.dumps(self.echo(received), indent=2) + "\n")

    def echo(self, received: bytes) -> dict[str, Any]:
        return {
            "name": CONFIG["name"],
            "version": CONFIG["version"],
            "standin": True,
            "host": socket.gethostname(),
            "client": self.client(),
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "body": received.decode("utf-8", "replace"),
        }

    def send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, form: str, *args: Any) -> None:
        print(f"{self.client()} {form % args}", flush=True)

    def client(self) -> str:
        return str(self.client_address[0]).removeprefix("::ffff:")


def metrics() -> str:
    labels = f'name="{CONFIG["name"]}",version="{CONFIG["version"]}"'
    return (
        "# TYPE standin_info gauge\n"
        f"standin_info{{{labels}}} 1\n"
        "# TYPE standin_requests_total counter\n"
        f"standin_requests_total {served}\n"
    )


def become_linuxserver() -> None:
    """What linuxserver's /init does: insist on pid 1, own /config, drop to PUID and PGID."""
    if os.getpid() != 1:
        sys.exit("s6-overlay-suexec: fatal: can only run as pid 1")
    if os.getuid() != 0:
        return
    uid, gid = int(os.environ.get("PUID", "911")), int(os.environ.get("PGID", "911"))
    if os.path.isdir("/config"):
        os.chown("/config", uid, gid)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))  # pid 1 has no default handlers
    print(f"{CONFIG['name']} {CONFIG['version']} (stand-in) starts as uid {os.getuid()}", flush=True)
    if CONFIG.get("style") == "linuxserver":
        become_linuxserver()
    if "exits" in CONFIG:
        print(CONFIG["exits"]["message"], file=sys.stderr, flush=True)
        sys.exit(CONFIG["exits"]["code"])
    Server(("", CONFIG["port"]), Handler).serve_forever()


if __name__ == "__main__":
    main()
