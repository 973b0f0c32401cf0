# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few questions to the Docker engine over its socket, with the standard library alone.

For what has to be quick, or has to work before the SDK is installed. Paths without a version speak the
engine's newest API (https://docs.docker.com/reference/api/engine/), so that old and new engines answer
alike.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

SOCKET = "/var/run/docker.sock"


class EngineMissing(KronosError):
    """No Docker engine answers at the socket.

    ``installed`` says whether one seems to be there, only stopped.
    """

    def __init__(self, path: str, reason: str, installed: bool) -> None:
        self.installed = installed
        super().__init__(f"Docker does not answer at {path}: {reason}")


class EngineHangs(KronosError):
    """An engine is there and takes the question, but gives no answer: no state to conclude anything from."""

    def __init__(self, path: str, waited: float) -> None:
        super().__init__(
            f"Docker hangs: no answer at {path} within {waited:.0f} s. Let it finish if the host has just been "
            "started, else: systemctl restart docker (with live-restore, containers keep running)"
        )


class EngineError(KronosError):
    """The engine refused a request; ``status`` is the HTTP status of its answer."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(f"Docker: {message}")


class Engine:
    """The engine behind a socket: one connection, kept for all requests.

    A question is answered within *timeout* seconds or never; for what changes something, *patience* may be longer.
    """

    def __init__(self, path: str = SOCKET, timeout: float = 30, patience: float = 0) -> None:
        self._connection = _SocketConnection(path, timeout)
        self._timeout = timeout
        self._patience = patience or timeout

    def get(self, path: str, **query: Any) -> Any:
        """The answer to GET, from JSON. Raises EngineMissing, EngineHangs, EngineError."""
        return self.ask("GET", path, query=query)

    def find(self, path: str) -> Any:
        """The answer to GET, from JSON; None for what is not there. Raises EngineMissing, EngineError."""
        try:
            return self.get(path)
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """The answer to any request, from JSON (text where it is none).

        Values of *query* that are no text go as JSON.
        """
        return _parsed(self.fetch(method, path, body, query).decode(errors="replace"))

    def fetch(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> bytes:
        """The answer to any request, as it came (the log of a container is no text). Raises as ``ask`` does."""
        status, data = self._request(method, path + _encoded(query or {}), body)
        if status >= 400:
            text = data.decode(errors="replace")
            answer = _parsed(text)
            message = answer.get("message", text) if isinstance(answer, dict) else text
            raise EngineError(status, str(message).strip())
        return data

    def containers(self) -> list[dict[str, Any]]:
        """Every container, running or not, as ``GET /containers/json`` lists them."""
        return list(self.get("/containers/json", all="true"))

    def networks(self) -> list[dict[str, Any]]:
        """Every network, as ``GET /networks`` lists them."""
        return list(self.get("/networks"))

    def answers(self) -> bool:
        """Whether the engine answers a ping now."""
        try:
            return str(self.get("/_ping")) == "OK"
        except KronosError:
            return False

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _request(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        data = None if body is None else json.dumps(body)
        headers = {"Host": "docker"} if data is None else {"Host": "docker", "Content-Type": "application/json"}
        timeout = self._timeout if method == "GET" else self._patience
        try:
            self._connection.limit(timeout)
            self._connection.request(method, path, data, headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except socket.timeout as error:
            self._connection.close()
            raise EngineHangs(self._connection.path, timeout) from error
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            absent = isinstance(error, FileNotFoundError)
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            reason = "there is no such socket" if absent else said.lower()
            raise EngineMissing(self._connection.path, reason, installed=not absent) from error


def is_ours(container: Mapping[str, Any]) -> bool:
    """Whether a listed container was made by this collection, from its labels."""
    labels = container.get("Labels") or {}
    return "kronos.digest" in labels or str(labels.get("com.docker.compose.project", "")).startswith("kronos-")


def name_of(container: Mapping[str, Any]) -> str:
    """The name of a listed container."""
    names = container.get("Names") or [str(container["Id"])[:12]]
    return str(names[0]).lstrip("/")


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self.path = path

    def limit(self, timeout: float) -> None:
        """Let the next request take this long."""
        self.timeout = timeout
        if self.sock:
            self.sock.settimeout(timeout)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def _encoded(query: Mapping[str, Any]) -> str:
    pairs = {key: value if isinstance(value, str) else json.dumps(value) for key, value in query.items()}
    return f"?{urlencode(pairs)}" if pairs else ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
