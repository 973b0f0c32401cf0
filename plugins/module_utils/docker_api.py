# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at Docker, through the SDK of the host's distribution.

Its high-level objects cost one more request each, so only its low-level client is used: the answers are the
Engine API's own documents (https://docs.docker.com/reference/api/engine/).
"""

from __future__ import annotations

import os
import signal
from typing import Any, Protocol

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

TIMEOUT = 60


class DockerMissing(KronosError):
    """The SDK is not installed, or no Docker answers; in check mode that is an empty present."""


class DockerRefused(KronosError):
    """Docker answered with an error, or not in time."""


def connect(timeout: int = TIMEOUT) -> Any:
    """A ``docker.DockerClient`` for the local Docker, speaking the engine's own API version.

    Raises DockerMissing in one line where the SDK or the daemon is absent.
    """
    try:
        import docker
        import docker.errors
    except ImportError as error:
        raise DockerMissing(
            "Python's Docker library is missing on the host (Debian: python3-docker; role `docker` installs it)"
        ) from error
    try:
        # Without "auto" the SDK of Debian 12 speaks API 1.41, which Docker 29 refuses.
        return docker.from_env(version="auto", timeout=timeout)
    except docker.errors.DockerException as error:
        raise DockerMissing(f"Docker does not answer on the host: {_short(error)}") from error


class Engine(Protocol):
    """What the stack engine needs of Docker; unit tests put a fake in its place."""

    def containers(self) -> list[dict[str, Any]]:
        """Every container of the host, as ``GET /containers/json?all=1`` lists it."""

    def inspect(self, container: str) -> dict[str, Any] | None:
        """``GET /containers/{id or name}/json``; None where it is gone."""

    def image(self, ref: str) -> dict[str, Any] | None:
        """``GET /images/{ref or id}/json``; None where the host has no such image."""

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


class DockerEngine:
    """The Engine of the host's Docker."""

    def __init__(self, client: Any) -> None:
        self._api = client.api

    def containers(self) -> list[dict[str, Any]]:
        return _plain_list(self._call(self._api.containers, all=True))

    def inspect(self, container: str) -> dict[str, Any] | None:
        return _document(self._found(self._api.inspect_container, container))

    def image(self, ref: str) -> dict[str, Any] | None:
        return _document(self._found(self._api.inspect_image, ref))

    def networks(self) -> dict[str, str]:
        return {str(one["Name"]): str(one["Id"]) for one in self._call(self._api.networks)}

    def start(self, container: str) -> None:
        self._call(self._api.start, container)

    def stop(self, container: str) -> None:
        self._call(self._api.stop, container, timeout=self._grace(container))

    def restart(self, container: str) -> None:
        self._call(self._api.restart, container, timeout=self._grace(container))

    def unpause(self, container: str) -> None:
        self._call(self._api.unpause, container)

    def signal(self, container: str, name: str) -> None:
        # Not by the engine's kill call: whatever the signal, it marks the container as stopped by hand, and then
        # no restart policy brings it back after a crash or a reboot (tried).
        state = (self.inspect(container) or {}).get("State") or {}
        if not state.get("Running") or not state.get("Pid"):
            raise DockerRefused(f"{container} does not run: no signal {name} sent")
        os.kill(int(state["Pid"]), signal.Signals[f"SIG{name.removeprefix('SIG')}"])

    def remove(self, container: str) -> None:
        self._found(self._api.remove_container, container, force=True)

    def tag(self, image: str, repository: str, tag: str) -> None:
        self._call(self._api.tag, image, repository, tag)

    def untag(self, ref: str) -> None:
        self._found(self._api.remove_image, ref)

    def logs(self, container: str, lines: int) -> str:
        answer = self._call(self._api.logs, container, stdout=True, stderr=True, tail=lines)
        return bytes(answer).decode("utf-8", "replace")

    def _grace(self, container: str) -> int:
        """The SDK stops after 10 s, whatever grace the container was given; and it must wait as long."""
        known = self.inspect(container) or {}
        return int((known.get("Config") or {}).get("StopTimeout") or 10)

    def _found(self, method: Any, *args: Any, **options: Any) -> Any:
        import docker.errors

        try:
            return self._call(method, *args, **options)
        except DockerRefused as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise

    def _call(self, method: Any, *args: Any, **options: Any) -> Any:
        import docker.errors
        import requests.exceptions

        try:
            return method(*args, **options)
        except docker.errors.DockerException as error:
            raise DockerRefused(f"Docker: {_short(error)}") from error
        except requests.exceptions.RequestException as error:
            raise DockerRefused(f"Docker does not answer: {_short(error)}") from error


def _plain_list(value: Any) -> list[dict[str, Any]]:
    return list(value)


def _document(value: Any) -> dict[str, Any] | None:
    return dict(value) if value else None


def _short(error: BaseException) -> str:
    """The engine's own sentence, without the SDK's wrapping and in one line."""
    said = getattr(error, "explanation", None) or str(error)
    return " ".join(str(said).split())[:500]
