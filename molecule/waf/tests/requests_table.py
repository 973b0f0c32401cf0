# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a row of the tables is written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
BOUNDARY = "----kronos7d9f3c"


@dataclass(frozen=True)
class Ask:
    """One request: what it is called, and all of it."""

    name: str
    path: str = "/"
    method: str = "GET"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # an attack: the rule that must speak of it, or 0 where paranoia 1 is known to miss it
    # an honest request: the rules to leave out for it, where the core rule set takes it for an attack
    rules: tuple[int, ...] = ()


def get(name: str, path: str, *rules: int, **headers: str) -> Ask:
    return Ask(name, path, headers=_named(headers), rules=rules)


def query(name: str, value: str, *rules: int, key: str = "q", path: str = "/search") -> Ask:
    return Ask(name, f"{path}?{quote(key, safe='')}={quote(value, safe='')}", rules=rules)


def send(name: str, method: str, path: str, kind: str, body: bytes, *rules: int, **headers: str) -> Ask:
    return Ask(name, path, method, body, {"Content-Type": kind, **_named(headers)}, rules)


def form(name: str, path: str, fields: dict[str, str], *rules: int) -> Ask:
    return send(name, "POST", path, "application/x-www-form-urlencoded", urlencode(fields).encode(), *rules)


def as_json(name: str, path: str, value: Any, *rules: int, method: str = "POST") -> Ask:
    return send(name, method, path, "application/json", json.dumps(value, ensure_ascii=False).encode(), *rules)


def upload(name: str, path: str, filename: str, kind: str, content: bytes, *rules: int, **fields: str) -> Ask:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="assetData"; filename="{filename}"\r\n'
    parts.append(f"{head}Content-Type: {kind}\r\n\r\n".encode() + content + b"\r\n")
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return send(name, "POST", path, f"multipart/form-data; boundary={BOUNDARY}", body, *rules)


def _named(headers: dict[str, str]) -> dict[str, str]:
    """Header names as they are sent: user_agent -> User-Agent."""
    return {name.replace("_", "-").title(): value for name, value in headers.items()}
