# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in at the lab's login, and asking as somebody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import labtest
import yaml

VARIABLES = labtest.ROOT / "molecule" / "login" / "vars" / "main.yml"
SECRETS = "/etc/kronos/secrets"
PAGE = {"Accept": "text/html"}
COOKIE = "authelia_session"


def variables(**more: Any) -> dict[str, Any]:
    """Return the scenario's variables, some of them others."""
    return {**yaml.safe_load(Path(VARIABLES).read_text()), **more}


def secret(host: Any, service: str, name: str) -> str:
    """Return a secret as the host keeps it."""
    return str(host.check_output(f"cat {SECRETS}/{service}/{name}"))


def log_in(name: str, password: str) -> str:
    """Return the cookie of somebody who has logged in, through the proxy as a browser would; empty if refused."""
    connection = labtest.connect("login")
    try:
        body = json.dumps({"username": name, "password": password, "keepMeLoggedIn": False})
        connection.request("POST", "/api/firstfactor", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (200, 401)
        given = answer.getheader("Set-Cookie") or ""
        assert not given or all(flag in given for flag in ("HttpOnly", "Secure", f"Domain={labtest.HOST}.localhost"))
        return given.partition(";")[0]
    finally:
        connection.close()


def ask(cookie: str, name: str, path: str = "/", **headers: str) -> labtest.Answer:
    """Ask as somebody, in a browser."""
    return labtest.fetch(name, path, headers={**PAGE, "Cookie": cookie, **headers})


def ask_patiently(cookie: str, name: str) -> labtest.Answer:
    """Ask as somebody, and wait as long as the proxy does for a login that does not answer."""
    connection = labtest.connect(name)
    try:
        connection.sock.settimeout(45)
        connection.request("GET", "/", headers={**PAGE, "Cookie": cookie})
        answer = connection.getresponse()
        return labtest.Answer(answer.status, answer.read().decode("utf-8", "replace"), dict(answer.getheaders()))
    finally:
        connection.close()


def seen(answer: labtest.Answer) -> dict[str, str]:
    """Return the headers that reached the service, in small letters."""
    assert answer.status == 200, answer
    return {name.lower(): value for name, value in json.loads(answer.body)["headers"].items()}
