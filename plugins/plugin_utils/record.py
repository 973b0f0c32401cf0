# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service record: one file or inventory entry from which everything about a service is derived."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.model import (
    Duration,
    EnvironmentName,
    HostName,
    ImageName,
    Key,
    Line,
    Name,
    Strict,
    wrong,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import did_you_mean
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_oidc import Oidc
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_parts import (
    Alert,
    Backup,
    EnvironmentValue,
    External,
    Health,
    Limits,
    Metric,
    PublishedPort,
    Reload,
    Secret,
    SecretReference,
    Tile,
    User,
    Volume,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_route import Route, Stream
from pydantic import AfterValidator, Field

# The engine's names: https://github.com/moby/moby/blob/master/oci/caps
CAPABILITIES = frozenset(
    [
        "ALL",
        "AUDIT_CONTROL",
        "AUDIT_READ",
        "AUDIT_WRITE",
        "BLOCK_SUSPEND",
        "BPF",
        "CHECKPOINT_RESTORE",
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
        "FSETID",
        "IPC_LOCK",
        "IPC_OWNER",
        "KILL",
        "LEASE",
        "LINUX_IMMUTABLE",
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "MKNOD",
        "NET_ADMIN",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_RAW",
        "PERFMON",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYSLOG",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_CHROOT",
        "SYS_MODULE",
        "SYS_NICE",
        "SYS_PACCT",
        "SYS_PTRACE",
        "SYS_RAWIO",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "WAKE_ALARM",
    ]
)


def _capability(value: str) -> str:
    name = value.removeprefix("CAP_")
    if name not in CAPABILITIES:
        raise wrong("the name of a Linux capability such as CHOWN" + did_you_mean(name, CAPABILITIES))
    return name


class Service(Strict):
    """One service of the home server."""

    name: Name = Field(description="Name of the service, its container and its record file.")
    stack: Name = Field(description="The compose project it belongs to; default: the role's name, own for your own.")
    summary: Line = Field("", description="One line about it, shown on the dashboard.")
    enabled: bool = Field(True, description="false stops and removes it, keeping its data.")
    purge: bool = Field(False, description="With enabled: false, also delete its data after a last backup.")
    kind: Literal["service", "job"] = Field("service", description="job: it runs once and must exit 0.")
    image: ImageName | None = Field(None, description="Image with a pinned tag; latest is refused.")
    external: External | None = Field(None, description="It runs elsewhere; no container is made.")
    zone: Name = Field(
        "apps", description="Zone: edge, apps, media, management, storage, data, or one of kronos_zones."
    )
    network: Literal["zone", "host"] = Field("zone", description="host: the host's own network; needs reasons.network.")
    joins_zones: bool = Field(
        False, description="Joins the serving side of every zone: a proxy or a monitoring server."
    )
    addressed: bool = Field(
        False, description="Has an address of its own for neighbours that cannot go by names, such as a DNS server."
    )
    user: User | None = Field(None, description="Who the container runs as; null: what the image says.")
    hostname: HostName | None = Field(None, description="Host name inside the container.")
    init: bool = Field(True, description="Run the engine's small init as process 1; false for s6 images.")
    read_only: bool = Field(False, description="The container cannot write to its own root.")
    environment: dict[EnvironmentName, EnvironmentValue] = Field(
        default_factory=dict, description="Variables: plain values, or {secret: name}."
    )
    secrets: dict[Key, Secret] = Field(default_factory=dict, description="Secrets that the service uses, by name.")
    volumes: list[Volume] = Field(default_factory=list, description="What is mounted where.")
    tmpfs: list[Annotated[Line, Field(pattern="^/")]] = Field(
        default_factory=list, description="Folders in memory, such as /tmp or /tmp:size=64m."
    )
    devices: list[Annotated[Line, Field(pattern="^/dev/")]] = Field(
        default_factory=list, description="Devices of the host; they need reasons.devices."
    )
    command: str | list[str] | None = Field(None, description="Instead of the image's command.")
    entrypoint: str | list[str] | None = Field(None, description="Instead of the image's entry point.")
    routes: list[Route] = Field(default_factory=list, description="Web addresses of the service.")
    oidc: Oidc | None = Field(None, description="It logs people in by itself, through the login (OpenID Connect).")
    ports: list[PublishedPort] = Field(default_factory=list, description="Ports on the host's own address.")
    streams: list[Stream] = Field(default_factory=list, description="TCP and UDP ports that the proxy passes on.")
    needs: list[Name] = Field(default_factory=list, description="Services that must be healthy first.")
    talks_to: list[Line] = Field(
        default_factory=list, description="Services it may reach; name@host for one of another host."
    )
    health: Health | None = Field(None, description="How to tell that it works; null: it runs without restarts.")
    reload: Reload | None = Field(None, description="How it takes changed files without a restart.")
    metrics: list[Metric] = Field(default_factory=list, description="What Prometheus scrapes.")
    alerts: list[Alert] = Field(default_factory=list, description="Alert rules beside the usual ones.")
    backup: Backup | None = Field(None, description="What is kept of it, and how often.")
    tile: Tile | None = Field(None, description="Its tile on the dashboard.")
    capabilities: list[Annotated[str, AfterValidator(_capability)]] = Field(
        default_factory=list, description="Linux capabilities it keeps; all others are dropped."
    )
    limits: Limits = Field(default_factory=Limits, description="Memory and processes.")
    stop_grace: Duration = Field("30s", description="Time it gets to stop by itself.")
    sysctls: dict[str, str | int] = Field(default_factory=dict, description="Kernel settings of its own namespace.")
    compose: dict[str, Any] = Field(
        default_factory=dict, description="Other compose keys; those that weaken it need a reason."
    )
    reasons: dict[str, Line] = Field(
        default_factory=dict,
        description="Why it is less closed: network, devices, capabilities, read_only, compose.<key>, volumes.<target>",
    )
    proven: Literal["lab", "documented"] = Field("documented", description="How far this record was proven.")

    def reason(self, key: str) -> str:
        """The stated reason for an exception, or the empty text."""
        return self.reasons.get(key, "").strip()

    def secret_environment(self) -> dict[str, str]:
        """Variables whose value is a secret: variable -> secret name."""
        return {key: item.secret for key, item in self.environment.items() if isinstance(item, SecretReference)}
