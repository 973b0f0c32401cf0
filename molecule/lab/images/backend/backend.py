# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of no product: tells what it was sent, how long its body is and what its digest; echoes web sockets."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
BLOCK = 1 << 16
TEXT, CLOSE = 1, 8


class Handler(BaseHTTPRequestHandler):
    """One answer for every method."""

    protocol_version = "HTTP/1.1"

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.echo_frames()
            return
        digest, length = hashlib.sha256(), 0
        for block in self.body():
            digest.update(block)
            length += len(block)
        said: dict[str, Any] = {
            "status": "ok",
            "client": self.client_address[0],
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "length": length,
            "sha256": digest.hexdigest(),
        }
        text = json.dumps(said).encode()
        self.send_response(403 if self.path.startswith("/forbidden") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def body(self) -> Iterator[bytes]:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left and (block := self.rfile.read(min(left, BLOCK))):
            left -= len(block)
            yield block

    def echo_frames(self) -> None:
        """Send back short text frames until the client closes."""
        key = self.headers["Sec-WebSocket-Key"].encode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key + GUID).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while len(head := self.rfile.read(2)) == 2 and head[0] & 15 != CLOSE:
            mask = self.rfile.read(4)
            text = bytes(one ^ mask[place % 4] for place, one in enumerate(self.rfile.read(head[1] & 127)))
            self.wfile.write(bytes([0x80 | TEXT, len(text)]) + text)

    def log_message(self, form: str, *args: Any) -> None:
        print(f"{self.client_address[0]} {form % args}", flush=True)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))  # pid 1 has no default handlers
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
