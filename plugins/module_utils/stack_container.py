# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker says of one container, in the few terms that the stack engine compares. Pure.

Field names of the answers: https://docs.docker.com/reference/api/engine/ (``ContainerInspect``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.container_options import addresses_of, options_of
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import LABEL_DIGEST, LABEL_STACK

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"


@dataclass(frozen=True)
class Container:
    """One container as it stands.

    ``networks``: name → id; ``addresses``: name → the IPv4 address that it was given for good there, where it was;
    ``observed``: its options by compose's names, unhashed.
    """

    id: str
    name: str
    service: str
    status: str
    image: str = ""
    digest: str = ""
    stack: str = ""
    exit_code: int = 0
    restarts: int = 0
    pid: int = 0
    started: str = ""
    health: str = ""
    health_said: str = field(default="", repr=False)
    networks: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    observed: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def says(self) -> str:
        """Its state in words."""
        if self.status in ("exited", "dead"):
            return f"{self.status} ({self.exit_code})"
        return f"{self.status}, {self.health}" if self.health else self.status


def container_of(document: Mapping[str, Any]) -> Container:
    """The Container in a ``ContainerInspect`` answer."""
    config, state = document.get("Config") or {}, document.get("State") or {}
    labels = config.get("Labels") or {}
    attached = (document.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=str(document.get("Id", "")),
        name=str(document.get("Name", "")).lstrip("/"),
        service=str(labels.get(SERVICE, "")),
        status="paused" if state.get("Paused") else str(state.get("Status", "")),
        image=str(document.get("Image", "")),
        digest=str(labels.get(LABEL_DIGEST, "")),
        stack=str(labels.get(LABEL_STACK, "")),
        exit_code=int(state.get("ExitCode") or 0),
        restarts=int(document.get("RestartCount") or 0),
        pid=int(state.get("Pid") or 0),
        started=str(state.get("StartedAt", "")),
        health=str((state.get("Health") or {}).get("Status", "")).replace("none", ""),
        health_said=_last_health(state),
        networks={name: str((one or {}).get("NetworkID", "")) for name, one in attached.items()},
        addresses=addresses_of(attached),
        observed=options_of(document),
    )


def _last_health(state: Mapping[str, Any]) -> str:
    log = (state.get("Health") or {}).get("Log") or [{}]
    return str(log[-1].get("Output", ""))
