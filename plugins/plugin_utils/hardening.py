# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which compose keys a record may use, which weaken a container and need a reason, which are derived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service

# compose key -> the record's own key for it. Source: the compose specification, services.
OWN_KEYS = {
    "image": "image",
    "build": "image",
    "environment": "environment",
    "env_file": "environment and secrets",
    "secrets": "secrets",
    "configs": "volumes with files",
    "ports": "ports",
    "expose": "routes or ports",
    "networks": "zone and talks_to",
    "depends_on": "needs",
    "links": "talks_to",
    "external_links": "talks_to",
    "container_name": "name",
    "hostname": "hostname",
    "command": "command",
    "entrypoint": "entrypoint",
    "user": "user",
    "init": "init",
    "read_only": "read_only",
    "tmpfs": "tmpfs",
    "healthcheck": "health.command",
    "cap_drop": "capabilities",
    "mem_limit": "limits.memory",
    "pids_limit": "limits.pids",
    "cpus": "limits.cpus",
    "stop_grace_period": "stop_grace",
    "sysctls": "sysctls",
    "extends": "an override in kronos_services",
    "profiles": "enabled",
    "scale": "a service of its own",
}

WEAKENING = {
    "privileged": "it gives the container the whole host",
    "pid": "it shares the processes of the host or of another container",
    "ipc": "it shares memory outside the container",
    "uts": "it shares the host's name",
    "cgroup": "it shares the host's control groups",
    "cgroup_parent": "it leaves the limits",
    "userns_mode": "it changes the mapping of users",
    "network_mode": "it leaves the zone",
    "cap_add": "capabilities are named in the key capabilities",
    "security_opt": "it may switch off no-new-privileges and profiles",
    "devices": "it opens devices; see the key devices",
    "device_cgroup_rules": "it opens devices",
    "gpus": "it opens devices",
    "group_add": "it adds groups",
    "volumes": "it mounts what volumes does not show",
    "volumes_from": "it mounts what another container has",
    "runtime": "it changes the runtime",
    "credential_spec": "it hands out credentials",
    "use_api_socket": "it hands out the engine's socket",
    "restart": "the restart policy is derived",
    "logging": "logs may grow without bound",
    "oom_kill_disable": "it may exhaust the host's memory",
    "oom_score_adj": "it may exhaust the host's memory",
    "post_start": "hooks may run privileged",
    "pre_stop": "hooks may run privileged",
    "deploy": "it may change limits and devices",
}

# Capabilities that give away most of what dropping the others protects.
STRONG_CAPABILITIES = frozenset(("ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_PTRACE", "BPF", "DAC_READ_SEARCH"))


def needed_reasons(service: Service) -> Iterator[tuple[str, tuple[Any, ...], str]]:
    """What in the record needs a reason: (key in reasons, key path, what was found)."""
    if service.network == "host":
        yield "network", ("network",), "network: host"
    if service.devices:
        yield "devices", ("devices",), f"devices {', '.join(service.devices)}"
    for index, volume in enumerate(service.volumes):
        if volume.host is not None:
            yield f"volumes.{volume.target}", ("volumes", index), f"the host's {volume.host}"
    for index, capability in enumerate(service.capabilities):
        if capability in STRONG_CAPABILITIES:
            yield "capabilities", ("capabilities", index), f"the strong capability {capability}"
    for key in service.compose:
        if key in WEAKENING and not is_off(service.compose[key]):
            yield f"compose.{key}", ("compose", key), f"compose.{key} ({WEAKENING[key]})"


def is_off(value: Any) -> bool:
    """Tell whether a compose value switches nothing on: ``privileged: false``."""
    return value is None or value is False or value in ([], {}, "")


def exceptions_of(service: Service) -> list[dict[str, str]]:
    """The stated exceptions of a service, for the generated tables: plain environment secrets and reasons."""
    secrets = service.secret_environment()
    found = [
        {"service": service.name, "what": f"environment.{variable}", "reason": str(service.secrets[name].plain_env)}
        for variable, name in sorted(secrets.items())
        if not is_file_variable(variable)
    ]
    found += [
        {"service": service.name, "what": what, "reason": reason} for what, reason in sorted(service.reasons.items())
    ]
    return found


def is_file_variable(variable: str) -> bool:
    """Tell whether a variable names a file with the value (``X_FILE``), as many images accept."""
    return variable.endswith("_FILE")


def labels_of(compose: Mapping[str, Any]) -> list[str]:
    """The keys of compose labels, given as a mapping or as a list of key=value."""
    labels = compose.get("labels") or {}
    if isinstance(labels, Mapping):
        return [str(key) for key in labels]
    return [str(item).partition("=")[0] for item in labels] if isinstance(labels, list) else []
