# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which compose keys a record may use, which weaken a container and need a reason, which are derived."""

from __future__ import annotations

import re
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
    "provider": "it runs a program of the host",
    "develop": "it runs programs and copies files of the host",
    "label_file": "it reads a file of the host",
    "memswap_limit": "it may exhaust the host's swap",
    "restart": "the restart policy is derived",
    "logging": "logs may grow without bound",
    "oom_kill_disable": "it may exhaust the host's memory",
    "oom_score_adj": "it may exhaust the host's memory",
    "post_start": "hooks may run privileged",
    "pre_stop": "hooks may run privileged",
    "deploy": "it may change limits and devices",
}

# What of these every container has from us: to empty it weakens as much as to change it.
GIVEN = frozenset(("security_opt", "logging", "restart"))

_COMPOSE_KEY = re.compile(r"[a-z][a-z0-9_]*|x-[A-Za-z0-9._-]+")

# Capabilities that give away most of what dropping the others protects.
STRONG_CAPABILITIES = frozenset(("ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_PTRACE", "BPF", "DAC_READ_SEARCH"))

UNSTATED = "the record states none"


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
        if key in WEAKENING and (key in GIVEN or not is_off(service.compose[key])):
            yield f"compose.{key}", ("compose", key), f"compose.{key} ({WEAKENING[key]})"


def is_off(value: Any) -> bool:
    """Tell whether a compose value switches nothing on: ``privileged: false``."""
    return value is None or value is False or value in ([], {}, "")


def exceptions_of(service: Service) -> list[dict[str, str]]:
    """Every way in which a container is less closed than it could be, with the reason that the record states.

    Secrets in the plain environment, what needs a reason, kept capabilities, and a root that it can write to.
    """
    if service.external is not None:
        return []
    found = {
        f"environment.{variable}": str(service.secrets[name].plain_env)
        for variable, name in service.secret_environment().items()
        if not is_file_variable(variable)
    }
    needed = {key for key, _path, _found in needed_reasons(service)}
    needed |= {"capabilities"} if service.capabilities else set()
    needed |= set() if service.read_only else {"read_only"}
    found |= {key: service.reason(key) or UNSTATED for key in needed}
    return [{"service": service.name, "what": what, "reason": found[what]} for what in sorted(found)]


def is_file_variable(variable: str) -> bool:
    """Tell whether a variable names a file with the value (``X_FILE``), as many images accept."""
    return variable.endswith("_FILE")


def labels_of(compose: Mapping[str, Any]) -> list[str] | None:
    """The keys of compose labels, given as a mapping of plain values or as a list of key=value; None: neither."""
    labels = compose.get("labels") or {}
    if isinstance(labels, Mapping):
        sound = all(not isinstance(value, (Mapping, list)) for value in labels.values())
        return [str(key) for key in labels] if sound else None
    if isinstance(labels, list) and all(isinstance(item, str) for item in labels):
        return [item.partition("=")[0] for item in labels]
    return None


def is_compose_key(key: str) -> bool:
    """Tell whether compose takes this for a key: ``<<`` would merge what stands there into the service itself."""
    return _COMPOSE_KEY.fullmatch(key) is not None
