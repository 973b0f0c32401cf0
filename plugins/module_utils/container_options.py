# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a container by compose's names, as Docker tells them. Pure.

Field names of the answers: https://docs.docker.com/reference/api/engine/ (``ContainerInspect``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import receipts

# compose's name of an option → where Docker keeps it. What a hand can change, by `docker update` or by a
# `docker compose up` of an edited file, while our label stays.
_CONFIG = {
    "image": "Image",
    "user": "User",
    "command": "Cmd",
    "entrypoint": "Entrypoint",
    "working_dir": "WorkingDir",
    "healthcheck": "Healthcheck",
    "stop_grace_period": "StopTimeout",
    "stop_signal": "StopSignal",
    "domainname": "Domainname",
    "tty": "Tty",
    "stdin_open": "OpenStdin",
}
_HOST = {
    "volumes": "Binds",
    "mounts": "Mounts",
    "ports": "PortBindings",
    "restart": "RestartPolicy",
    "cap_add": "CapAdd",
    "cap_drop": "CapDrop",
    "devices": "Devices",
    "privileged": "Privileged",
    "read_only": "ReadonlyRootfs",
    "security_opt": "SecurityOpt",
    "tmpfs": "Tmpfs",
    "mem_limit": "Memory",
    "memswap_limit": "MemorySwap",
    "mem_reservation": "MemoryReservation",
    "cpus": "NanoCpus",
    "cpu_shares": "CpuShares",
    "cpu_quota": "CpuQuota",
    "cpu_period": "CpuPeriod",
    "cpuset": "CpusetCpus",
    "blkio_config": "BlkioWeight",
    "oom_score_adj": "OomScoreAdj",
    "pids_limit": "PidsLimit",
    "sysctls": "Sysctls",
    "init": "Init",
    "logging": "LogConfig",
    "extra_hosts": "ExtraHosts",
    "dns": "Dns",
    "dns_search": "DnsSearch",
    "dns_opt": "DnsOptions",
    "group_add": "GroupAdd",
    "pid": "PidMode",
    "ipc": "IpcMode",
    "uts": "UTSMode",
    "cgroup": "CgroupnsMode",
    "cgroup_parent": "CgroupParent",
    "runtime": "Runtime",
    "userns_mode": "UsernsMode",
    "shm_size": "ShmSize",
    "ulimits": "Ulimits",
    "network_mode": "NetworkMode",
}


def hashes(observed: Mapping[str, Any]) -> dict[str, str]:
    """What the state keeps of options: enough to name what differs, and no value."""
    return {key: receipts.digest(value)[:16] for key, value in sorted(observed.items())}


def addresses_of(attached: Mapping[str, Any]) -> dict[str, str]:
    """Network → IPv4 address that was asked for, from ``NetworkSettings.Networks`` of an inspect or a list."""
    stated = {name: ((one or {}).get("IPAMConfig") or {}).get("IPv4Address") for name, one in attached.items()}
    return {name: str(address) for name, address in stated.items() if address}


def options_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that a hand can change, by compose's names, unhashed."""
    config, host = document.get("Config") or {}, document.get("HostConfig") or {}
    found: dict[str, Any] = {}
    for variable in config.get("Env") or ():
        name, _equals, value = str(variable).partition("=")
        found[f"environment.{name}"] = value
    for name, value in (config.get("Labels") or {}).items():
        if not name.startswith("com.docker.compose."):
            found[f"labels.{name}"] = value
    found.update({key: config.get(where) for key, where in _CONFIG.items()})
    found.update({key: _ordered(host.get(where)) for key, where in _HOST.items()})
    # Docker's own choice is the beginning of the id, another one in each container.
    hostname = str(config.get("Hostname") or "")
    found["hostname"] = None if str(document.get("Id", "")).startswith(hostname) else hostname
    # The id of the container whose network is shared changes with that container, which is looked at itself.
    if str(found["network_mode"]).startswith("container:"):
        found["network_mode"] = "container"
    # Newer engines answer with more fields; those that say nothing are no difference.
    return {key: value for key, value in found.items() if value not in (None, "", 0, False, [], {})}


def _ordered(value: Any) -> Any:
    """Lists in these places have no order of their own."""
    return sorted(value, key=repr) if isinstance(value, list) else value
