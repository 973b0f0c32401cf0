# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Homer: a page made from /www/assets/config.yml at each request, and the assets themselves."""

from __future__ import annotations

import html
import os
import signal
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

ROOT = Path("/www")
STYLE = """
body{font-family:sans-serif;margin:2rem auto;max-width:60rem;background:#f5f5f5;color:#333}
section{display:flex;flex-wrap:wrap;gap:1rem}
h2{margin-top:2rem}
a.tile{background:#fff;border-radius:.5rem;padding:1rem;width:16rem;text-decoration:none;
 color:inherit;box-shadow:0 1px 3px #0003}
a.tile small{display:block;color:#777;margin-top:.3rem}
"""


def tile(item: dict[str, Any]) -> str:
    name, subtitle = html.escape(str(item.get("name", "?"))), html.escape(str(item.get("subtitle", "")))
    return f'<a class="tile" href="{html.escape(str(item.get("url", "#")))}"><b>{name}</b><small>{subtitle}</small></a>'


def page() -> str:
    config = yaml.safe_load((ROOT / "assets/config.yml").read_text()) or {}
    groups = "".join(
        f"<h2>{html.escape(str(group.get('name', '')))}</h2><section>"
        + "".join(tile(item) for item in group.get("items") or [])
        + "</section>"
        for group in config.get("services") or []
    )
    title = html.escape(str(config.get("title", "Homer")))
    return f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{groups}"


class Handler(SimpleHTTPRequestHandler):
    """The page at /, files below /www elsewhere."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, directory=str(ROOT), **kwargs)

    def do_GET(self) -> None:
        if self.path.split("?", 1)[0] not in ("/", "/index.html"):
            super().do_GET()
            return
        try:
            body = page().encode()
        except (OSError, yaml.YAMLError, AttributeError) as error:  # Homer's page says so too, and is still served
            body = f"the configuration cannot be shown: {html.escape(str(error))}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *args: Any) -> None:
        print(f"{self.client_address[0]} {form % args}", flush=True)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))  # pid 1 has no default handlers
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
