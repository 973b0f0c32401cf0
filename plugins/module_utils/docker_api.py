# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The little that the stack engine asks of Docker.

Answers are the Engine API's own documents (https://docs.docker.com/reference/api/engine/). They are fetched over the
socket with the standard library: importing Docker's SDK costs four times the whole look at a stack that needs nothing.
"""

from __future__ import annotations

import json
import os
import signal
import struct
from typing import Any, Protocol
from urllib.parse import quote

from ansible_collections.kronos.homelab.plugins.module_utils import docker_socket
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import EngineError, EngineMissing
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

# Stopping takes as long as the container's own grace period.
PATIENCE = 900.0
LOG_HEADER = struct.Struct(">BxxxL")


class DockerMissing(KronosError):
    """No Docker answers; in check mode that is an empty present."""


class DockerRefused(KronosError):
    """Docker answered with an error."""


class Engine(Protocol):
    """What the stack engine needs of Docker; unit tests put a fake in its place."""

    def containers(self) -> list[dict[str, Any]]:
        """Every container of the host, as ``GET /containers/json?all=1`` lists it."""

    def inspect(self, container: str) -> dict[str, Any] | None:
        """``GET /containers/{id or name}/json``; None where it is gone."""

    def image(self, ref: str) -> dict[str, Any] | None:
        """``GET /images/{ref or id}/json``; None where the host has no such image."""

    def tags(self, repository: str) -> list[str]:
        """Every ``repository:tag`` that the host has of one repository."""

    def networks(self) -> dict[str, str]:
        """Name → id of every network."""

    def start(self, container: str) -> None:
        """Start a stopped container."""

    def stop(self, container: str) -> None:
        """Stop a container within its own grace period."""

    def restart(self, container: str) -> None:
        """Stop and start a container."""

    def unpause(self, container: str) -> None:
        """Let a paused container go on."""

    def signal(self, container: str, name: str) -> None:
        """Send a signal (``HUP``) to a container's first process."""

    def remove(self, container: str) -> None:
        """Remove a container, running or not; one that is gone already is fine."""

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Give the image (id) one more name."""

    def untag(self, ref: str) -> None:
        """Take a name from an image; the image goes with its last name unless a container uses it."""

    def logs(self, container: str, lines: int) -> str:
        """The last lines that a container wrote."""


def connect(path: str = docker_socket.SOCKET) -> DockerEngine:
    """The Engine of the host's Docker; raises DockerMissing in one line where it does not answer."""
    engine = DockerEngine(docker_socket.Engine(path, patience=PATIENCE))
    engine.ping()
    return engine


class DockerEngine:
    """The Engine of the host's Docker, over its socket."""

    def __init__(self, socket: docker_socket.Engine) -> None:
        self._socket = socket

    def ping(self) -> None:
        """Raise DockerMissing unless Docker answers."""
        self._ask("GET", "/_ping")

    def containers(self) -> list[dict[str, Any]]:
        return list(self._ask("GET", "/containers/json", all="true"))

    def inspect(self, container: str) -> dict[str, Any] | None:
        return _document(self._find("GET", f"/containers/{_quoted(container)}/json"))

    def image(self, ref: str) -> dict[str, Any] | None:
        return _document(self._find("GET", f"/images/{_quoted(ref)}/json"))

    def tags(self, repository: str) -> list[str]:
        wanted = json.dumps({"reference": [repository]})
        listed = self._ask("GET", "/images/json", filters=wanted)
        return sorted(ref for one in listed for ref in one.get("RepoTags") or () if ref.startswith(f"{repository}:"))

    def networks(self) -> dict[str, str]:
        return {str(one["Name"]): str(one["Id"]) for one in self._ask("GET", "/networks")}

    def start(self, container: str) -> None:
        self._ask("POST", f"/containers/{_quoted(container)}/start")

    def stop(self, container: str) -> None:
        self._ask("POST", f"/containers/{_quoted(container)}/stop")

    def restart(self, container: str) -> None:
        self._ask("POST", f"/containers/{_quoted(container)}/restart")

    def unpause(self, container: str) -> None:
        self._ask("POST", f"/containers/{_quoted(container)}/unpause")

    def signal(self, container: str, name: str) -> None:
        # Not by the engine's kill call: whatever the signal, it marks the container as stopped by hand, and then
        # no restart policy brings it back after a crash or a reboot (tried).
        number = getattr(signal, f"SIG{name[3:] if name.startswith('SIG') else name}", None)
        if not isinstance(number, signal.Signals):
            raise DockerRefused(f"{container}: there is no signal {name}")
        state = (self.inspect(container) or {}).get("State") or {}
        if not state.get("Running") or not state.get("Pid"):
            raise DockerRefused(f"{container} does not run: no signal {name} sent")
        os.kill(int(state["Pid"]), number)

    def remove(self, container: str) -> None:
        self._find("DELETE", f"/containers/{_quoted(container)}", force="true")

    def tag(self, image: str, repository: str, tag: str) -> None:
        self._ask("POST", f"/images/{_quoted(image)}/tag", repo=repository, tag=tag)

    def untag(self, ref: str) -> None:
        self._find("DELETE", f"/images/{_quoted(ref)}")

    def logs(self, container: str, lines: int) -> str:
        query = {"stdout": "true", "stderr": "true", "tail": str(lines)}
        try:
            data = self._socket.fetch("GET", f"/containers/{_quoted(container)}/logs", query=query)
        except (EngineError, EngineMissing) as error:
            raise DockerRefused(_line(error)) from error
        return unframed(data).decode("utf-8", "replace")

    def _find(self, method: str, path: str, **query: str) -> Any:
        """As ``_ask``; None for what is not there."""
        try:
            return self._ask(method, path, **query)
        except DockerRefused as error:
            if isinstance(error.__cause__, EngineError) and error.__cause__.status == 404:
                return None
            raise

    def _ask(self, method: str, path: str, **query: str) -> Any:
        try:
            return self._once(method, path, query)
        except DockerMissing:
            if method != "GET":
                raise
        # Docker was restarted and left us with a dead connection: looking twice does no harm.
        return self._once(method, path, query)

    def _once(self, method: str, path: str, query: dict[str, str]) -> Any:
        try:
            return self._socket.ask(method, path, query=query)
        except EngineMissing as error:
            raise DockerMissing(f"{_line(error)} (role `docker` installs and starts it)") from error
        except EngineError as error:
            raise DockerRefused(_line(error)) from error


def unframed(data: bytes) -> bytes:
    """The output in a log: without a terminal, Docker puts a header of stream and length before each piece."""
    pieces, at = [], 0
    while at + LOG_HEADER.size <= len(data):
        stream, length = LOG_HEADER.unpack_from(data, at)
        if stream > 2 or data[at + 1 : at + 4] != b"\0\0\0":
            return data  # with a terminal there are no headers
        at += LOG_HEADER.size
        pieces.append(data[at : at + length])
        at += length
    return b"".join(pieces)


def _document(value: Any) -> dict[str, Any] | None:
    return dict(value) if value else None


def _quoted(name: str) -> str:
    """A name or reference within a path: slashes stay, they are part of image names."""
    return quote(name, safe="/:@")


def _line(error: KronosError) -> str:
    return " ".join(str(error).split())[:500]
