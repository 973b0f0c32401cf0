# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers and published ports in plain words, from what Docker lists and inspects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import is_ours, name_of


def ours(listed: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The containers of this collection."""
    return [container for container in listed if is_ours(container)]


def containers(listed: Iterable[Mapping[str, Any]], details: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Our containers: name, service, stack, state, health, exit_code, pid, restarts. *details*: inspections, by id."""
    found = [_container(each, details.get(str(each["Id"]), {})) for each in ours(listed)]
    return sorted(found, key=lambda container: str(container["name"]))


def published(listed: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Ports that any container publishes on the host."""
    found = [
        {
            "container": name_of(container),
            "address": port.get("IP") or "0.0.0.0",
            "port": int(port["PublicPort"]),
            "protocol": str(port["Type"]),
        }
        for container in listed
        for port in container.get("Ports") or []
        if port.get("PublicPort")
    ]
    return sorted(found, key=lambda port: (port["port"], port["protocol"], port["address"]))


def _container(listed: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    labels = listed.get("Labels") or {}
    state = details.get("State") or {}
    return {
        "name": name_of(listed),
        "service": labels.get("com.docker.compose.service") or name_of(listed),
        "stack": labels.get("kronos.stack") or labels.get("com.docker.compose.project", "")[len("kronos-") :],
        "state": str(listed.get("State", "")),
        "health": str((state.get("Health") or {}).get("Status", "")),
        "exit_code": int(state.get("ExitCode") or 0),
        "pid": int(state.get("Pid") or 0),
        "restarts": int(details.get("RestartCount") or 0),
    }
