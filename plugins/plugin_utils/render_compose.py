# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose project of one stack: https://github.com/compose-spec/compose-spec/blob/main/spec.md.

Values are literal: whoever writes the file escapes `$`. Secrets, env files and labels are the stack module's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import (
    Data,
    Plan,
    RenderError,
    merged,
    services_of,
)

SECRETS_FOLDER = "/run/secrets"
HEALTH_INTERVAL = 10
HEALTH_RETRIES = 3


def compose_project(plan: Plan, stack: str) -> Data:
    """Return the compose project of `stack` as plain data, in a fixed order.

    Networks are named and external: they outlive the stacks that join them.
    Raises RenderError when the plan has no such stack.
    """
    services = services_of(plan, stack)
    networks = sorted({network for service in services.values() for network in service["networks"]})
    return {
        "name": plan["stacks"][stack]["project"],
        "services": {name: _service(plan, service, services) for name, service in services.items()},
        "networks": {name: {"name": name, "external": True} for name in networks},
    }


def _service(plan: Plan, service: Mapping[str, Any], siblings: Mapping[str, Any]) -> Data:
    definition: Data = {
        "container_name": service["name"],
        "image": service["image"],
        "restart": _restart(plan, service),
        "init": service["init"],
        "security_opt": ["no-new-privileges:true"],
        "cap_drop": ["ALL"],
        "logging": {"driver": "journald", "options": {"tag": service["name"]}},
        "stop_grace_period": service["stop_grace"],
        **_identity(service),
        **_limits(service["limits"]),
        **_reach(plan, service, siblings),
        "volumes": [_mount(mount) for mount in service["mounts"]],
        "healthcheck": _healthcheck(plan, service),
        "cap_add": sorted(service["capabilities"]),
        "read_only": service["read_only"],
        **{key: service.get(key) for key in ("hostname", "command", "entrypoint")},
        **{key: service[key] for key in ("tmpfs", "devices", "sysctls")},
    }
    stated = {key: value for key, value in definition.items() if key == "init" or _says_something(value)}
    result: Data = merged(stated, service["compose"])
    return result


def _says_something(value: Any) -> bool:
    """Leave out what equals saying nothing, so that the file shows only what matters."""
    return value not in (None, False, [], {}, "")


def _identity(service: Mapping[str, Any]) -> Data:
    """Who the container runs as, and its environment; s6 images (`puid`) start as root and drop by themselves."""
    user = service["user"]
    environment = dict(service["environment"])
    for variable, secret in service["secret_files"].items():
        environment[variable] = f"{SECRETS_FOLDER}/{secret}"
    result: Data = {}
    if user and user["how"] == "puid":
        environment = {"PUID": str(user["uid"]), "PGID": str(user["gid"]), **environment}
    elif user:
        result["user"] = f"{user['uid']}:{user['gid']}"
    result["environment"] = dict(sorted(environment.items()))
    return result


def _limits(limits: Mapping[str, Any]) -> Data:
    return {"mem_limit": limits["memory"], "pids_limit": limits["pids"], "cpus": limits.get("cpus")}


def _restart(plan: Plan, service: Mapping[str, Any]) -> str:
    """Return the restart policy; what needs a guarded share is started by the share's unit instead."""
    if service["kind"] == "job":
        return "no"
    return "on-failure" if guards_of(plan, service) else "unless-stopped"


def guards_of(plan: Plan, service: Mapping[str, Any]) -> list[str]:
    """Names of the guarded shares that the service uses."""
    mounted = [mount["source"] for mount in service["mounts"] if mount["kind"] == "storage"]
    return [
        name
        for name, share in sorted(plan["storage"].items())
        if share["guarded"] and any(_within(source, share["path"]) for source in mounted)
    ]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _reach(plan: Plan, service: Mapping[str, Any], siblings: Mapping[str, Any]) -> Data:
    """Networks, published ports and start order."""
    needs = {name: {"condition": _condition(siblings[name])} for name in service["needs"] if name in siblings}
    if service["network"] == "host":
        return {"network_mode": "host", "depends_on": needs}
    if "network_mode" in service["compose"]:
        return {"depends_on": needs}  # it joins another container's network, none of ours
    if not service["networks"]:
        raise RenderError(f"services.{service['name']}.networks: at least one network is wanted")
    ports = [port for declared in service["published"] for port in _ports(plan, declared)]
    networks: Data = {name: {} for name in service["networks"]}
    if len(networks) > 1:
        # Connected first, the one network with a way out gives the default gateway.
        networks[service["networks"][0]]["priority"] = 1000
    for name, address in service["addresses"].items():
        networks[name]["ipv4_address"] = address
    login = plan.get("login")
    if login and service["name"] == plan["settings"]["ingress"]:
        # Services ask the login by the name that browsers know, and by the certificate of that name.
        networks = {name: {**options, "aliases": [login["host"]]} for name, options in networks.items()}
    return {"networks": networks, "ports": ports, "depends_on": needs}


def _condition(needed: Mapping[str, Any]) -> str:
    return "service_completed_successfully" if needed["kind"] == "job" else "service_started"


def _ports(plan: Plan, declared: Mapping[str, Any]) -> list[Data]:
    """Return the port on every IPv4 address, and on IPv6 only where the settings ask for it; or on the one stated."""
    addresses = ["0.0.0.0", "::"] if plan["settings"]["ipv6"] else ["0.0.0.0"]
    if declared.get("address"):
        addresses = [declared["address"]]
    return [
        {
            "target": declared["target"],
            "published": str(declared["port"]),
            "host_ip": address,
            "protocol": declared["protocol"],
        }
        for address in addresses
    ]


def _mount(mount: Mapping[str, Any]) -> Data:
    # A missing source is an error, never a new empty folder: an unmounted share must not be written below.
    bind: Data = {"create_host_path": False}
    if mount["source"] == "/":
        bind["propagation"] = "rslave"  # a view of the whole host has to follow what is mounted later
    result: Data = {"type": "bind", "source": mount["source"], "target": mount["target"]}
    if mount["read_only"]:
        result["read_only"] = True
    return {**result, "bind": bind}


def _healthcheck(plan: Plan, service: Mapping[str, Any]) -> Data | None:
    """Return the check of `health.command`; HTTP checks are made by the stack module from outside the image."""
    health = service["health"] or {}
    command = health.get("command")
    if not command:
        return {"disable": True} if health.get("image_check") is False else None
    test = ["CMD-SHELL", command] if isinstance(command, str) else ["CMD", *command]
    grace = health.get("timeout") or plan["settings"]["health_timeout"]
    return {
        "test": test,
        "interval": f"{HEALTH_INTERVAL}s",
        "timeout": f"{HEALTH_INTERVAL}s",
        "retries": HEALTH_RETRIES,
        "start_period": f"{grace}s",
    }
