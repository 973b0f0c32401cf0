# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talking to the API of Pi-hole v6: one session, always given back, through its short restarts.

The API answers on one port with the DNS server in the same process: after some changes it refuses connections for
about a second. It keeps 16 sessions at most, each for half an hour, so none may be left behind.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

ABSENT = 404
SID = "X-FTL-SID"
STEP = 0.2
RESTARTING = 30.0
ANSWER = 30.0


class Refused(KronosError):
    """An answer of the API that says no; ``status``, ``key``, ``message`` and ``hint`` are its own."""

    def __init__(self, what: str, status: int, body: Any) -> None:
        error = (body.get("error") if isinstance(body, Mapping) else None) or {}
        self.status = status
        self.key, self.message = str(error.get("key") or ""), str(error.get("message") or "")
        self.hint = "" if error.get("hint") is None else str(error["hint"])
        said = " ".join(part for part in (self.message, f"({self.hint})" if self.hint else "") if part)
        super().__init__(f"Pi-hole refuses {what}: {said or f'status {status}'}")


@dataclass(frozen=True)
class Reply:
    """Status and body of an answer; the body is data where it was JSON, else text."""

    status: int
    body: Any


@dataclass
class Waits:
    """How long to go on: ``seats`` seconds for a free session, ``restart`` for an API that refuses connections."""

    seats: float = 60.0
    restart: float = RESTARTING
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Client:
    """Requests to one Pi-hole. Raises KronosError with one clear line."""

    url: str
    waits: Waits = field(default_factory=Waits)
    sid: str = ""

    def ask(
        self, method: str, path: str, body: Any = None, *, allow: tuple[int, ...] = (), wait: float = ANSWER
    ) -> Any:
        """Body of the answer; raises Refused for a status of 400 and more that *allow* does not name."""
        reply = self.request(method, path, body, wait=wait)
        if reply.status >= 400 and reply.status not in allow:
            raise Refused(f"{method} /api/{path}", reply.status, reply.body)
        return reply.body

    def request(self, method: str, path: str, body: Any = None, *, wait: float = ANSWER) -> Reply:
        """The answer, asked for again while the API restarts. Every request of ours may be made twice."""
        deadline = self.waits.clock() + self.waits.restart
        while True:
            try:
                return self.once(method, path, body, wait)
            except (ConnectionError, http.client.HTTPException) as error:
                # RemoteDisconnected, IncompleteRead: cut off while it goes down
                if self.waits.clock() >= deadline:
                    reason = str(error) or type(error).__name__
                    raise KronosError(
                        f"Pi-hole at {self.url} does not answer within {self.waits.restart:.0f} s: {reason}"
                    ) from error
                self.waits.sleep(STEP)
            except OSError as error:
                raise KronosError(f"Pi-hole at {self.url} does not answer: {error}") from error

    def once(self, method: str, path: str, body: Any, wait: float) -> Reply:
        """The answer to one request. Raises OSError and HTTPException as they come."""
        parts = urllib.parse.urlsplit(self.url)
        make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = make(parts.hostname or "", parts.port, timeout=wait)
        headers = {"Accept": "application/json", **({SID: self.sid} if self.sid else {})}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            connection.request(method, f"{parts.path.rstrip('/')}/api/{path}", data, headers)
            answer = connection.getresponse()
            return Reply(answer.status, _read(answer))
        finally:
            connection.close()


def _read(answer: http.client.HTTPResponse) -> Any:
    text = answer.read().decode("utf-8", "replace")
    if "json" in (answer.getheader("Content-Type") or ""):
        with contextlib.suppress(ValueError):
            return json.loads(text)
    return text


def quoted(item: str) -> str:
    """An item as a part of a path."""
    return urllib.parse.quote(item, safe="")


@contextlib.contextmanager
def session(client: Client, password: str) -> Iterator[Client]:
    """Log in, and out again whatever happens in between."""
    client.sid = log_in(client, password)
    try:
        yield client
    finally:
        # without a password there is no session to end; a changed one has ended it already: 401
        with contextlib.suppress(KronosError):
            client.request("DELETE", "auth")
        client.sid = ""


def log_in(client: Client, password: str) -> str:
    """The id of a new session; empty where Pi-hole asks for no password.

    Waits while all seats are taken or it has seen too many logins; a wrong password is tried once.
    """
    deadline = client.waits.clock() + client.waits.seats
    pause = 1.0
    while True:
        reply = client.request("POST", "auth", {"password": password})
        if reply.status != 429:
            return _sid_of(client, reply)
        refused = Refused("the login", reply.status, reply.body)
        if client.waits.clock() + pause > deadline:
            raise KronosError(f"{_TOO_MANY.get(refused.key, str(refused))} (waited {client.waits.seats:.0f} s)")
        client.waits.sleep(pause)
        pause = min(pause * 2, 10.0)


_TOO_MANY = {
    "api_seats_exceeded": "all sessions of Pi-hole's API are taken: log out somewhere, or wait half an hour",
    "rate_limiting": "Pi-hole has seen too many failed logins and refuses every one for the moment",
}


def _sid_of(client: Client, reply: Reply) -> str:
    found = (reply.body.get("session") if isinstance(reply.body, Mapping) else None) or {}
    if reply.status == 200 and found.get("valid"):
        return str(found.get("sid") or "")
    if found.get("totp"):
        raise KronosError("Pi-hole asks for a second factor, which nobody can give here: use an app password")
    if reply.status == 401:
        raise KronosError(f"Pi-hole at {client.url} refuses the password that its secret holds")
    raise Refused("the login", reply.status, reply.body)
