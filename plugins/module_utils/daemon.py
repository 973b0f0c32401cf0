# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's own configuration.

``daemon.json`` merged, authorities of registries, the service. Pure but for ``read_files``.

What others wrote into ``daemon.json`` stays. What we wrote earlier and no longer want goes: the receipt remembers our
keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

CONFIG = "/etc/docker/daemon.json"
CERTIFICATES = "/etc/docker/certs.d"
UNIT = "docker.service"
REGISTRY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
# What dockerd takes over on SIGHUP (https://docs.docker.com/reference/cli/dockerd/#configuration-reload-behavior).
RELOADABLE = frozenset(
    (
        "authorization-plugins",
        "debug",
        "default-runtime",
        "features",
        "insecure-registries",
        "labels",
        "live-restore",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "registry-mirrors",
        "runtimes",
        "shutdown-timeout",
    )
)


@dataclass(frozen=True)
class Paths:
    """Where Docker's files are."""

    config: str = CONFIG
    certificates: str = CERTIFICATES


@dataclass(frozen=True)
class Service:
    """How the service stands. ``outdated``: it runs since before daemon.json was last written."""

    enabled: bool = False
    active: bool = False
    outdated: bool = False
    installed: bool = True


@dataclass(frozen=True)
class Wish:
    """What is asked for: our keys of daemon.json (None removes one), and registry → authority (PEM)."""

    config: Mapping[str, Any]
    authorities: Mapping[str, str]


@dataclass(frozen=True)
class DaemonChange:
    """Everything that has to happen. ``service`` is start, restart, reload or empty; ``keys`` those that differ."""

    files: tree.TreeChange
    wanted: tuple[tree.Wanted, ...] = field(repr=False)
    removed: tuple[str, ...]
    keys: tuple[str, ...]
    enable: bool
    service: str
    before: tree.Present = field(repr=False)
    text: bytes = field(repr=False)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.files.changed or self.enable or self.service)

    @property
    def diff(self) -> list[dict[str, str]]:
        """Files as text, and what happens to the service."""
        entries = list(self.files.diff)
        if self.enable or self.service in ("start", "restart"):
            words = [self.service and f"{self.service}ed", "enabled" if self.enable else ""]
            after = " and ".join(word for word in words if word)
            entries.append({"before_header": UNIT, "after_header": UNIT, "before": "", "after": f"{after}\n"})
        return entries


def parse(config: Mapping[str, Any], mirror_ca: Mapping[str, str]) -> Wish:
    """Options of the module, checked.

    A registry may carry a path (``host:5000/mirror``), which Docker's folder does not have.
    """
    authorities = {}
    for registry, text in mirror_ca.items():
        if not text or not text.strip():
            continue
        host = registry.split("/")[0]
        if not REGISTRY.fullmatch(host):
            raise KronosError(f"mirror_ca: {registry!r} is no host name of a registry")
        if "-----BEGIN CERTIFICATE-----" not in text:
            raise KronosError(f"mirror_ca.{host}: a certificate in PEM is wanted")
        authorities[host] = text.strip() + "\n"
    return Wish(config, authorities)


def paths_of(wish: Wish, left: Mapping[str, Any], paths: Paths) -> list[str]:
    """Every file that the plan needs to know; *left* is the ``left`` of the last receipt."""
    ours = [path for path in left.get("files") or {} if path.startswith(f"{paths.certificates}/")]
    return sorted({paths.config, *(_authority(host, paths) for host in wish.authorities), *ours})


def plan(
    wish: Wish, left: Mapping[str, Any], present: Mapping[str, tree.Present], service: Service, paths: Paths
) -> DaemonChange:
    """The change that leads to what is wished. Pure. Raises KronosError where daemon.json cannot be understood."""
    before = present[paths.config]
    found = _parsed(before.content, paths.config) if before.kind == "file" else {}
    merged = merge(_without(found, left.get("config") or {}, wish.config), wish.config)
    keys = tuple(key for key in sorted({*found, *merged}) if found.get(key) != merged.get(key))
    wanted = [tree.Wanted(_authority(host, paths), text.encode()) for host, text in sorted(wish.authorities.items())]
    # Equal settings stay as somebody wrote them.
    text = rendered(merged) if keys else before.content or b""
    if text:
        wanted.append(tree.Wanted(paths.config, text))
    kept = {each.path for each in wanted}
    removed = [path for path in paths_of(wish, left, paths) if path not in kept and path != paths.config]
    return DaemonChange(
        files=tree.plan_tree(wanted, [], removed, present),
        wanted=tuple(wanted),
        removed=tuple(removed),
        keys=keys,
        enable=not service.enabled,
        service=_service(service, keys),
        before=before,
        text=text,
    )


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """*over* into *base*: dicts key by key, lists and all else replaced, None removes the key. Neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            inner = merged.get(key)
            merged[key] = merge(inner if isinstance(inner, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def rendered(config: Mapping[str, Any]) -> bytes:
    """The text of daemon.json."""
    return json.dumps(config, indent=2).encode() + b"\n"


def left_before(wish: Wish, change: DaemonChange, left: Mapping[str, Any]) -> dict[str, Any]:
    """What the receipt says while the change is in flight.

    Every key that is or was ours, so that a kill forgets none.
    """
    return {**tree.receipt_of(change.wanted, []), "config": {**(left.get("config") or {}), **wish.config}}


def left_after(wish: Wish, change: DaemonChange) -> dict[str, Any]:
    """What the receipt says once the service runs with these settings."""
    state = {"units": {UNIT: "active"}, "applied": receipts.sha256(change.text)}
    return {**tree.receipt_of(change.wanted, []), "config": dict(wish.config), **state}


def _authority(host: str, paths: Paths) -> str:
    return f"{paths.certificates}/{host}/ca.crt"


def _parsed(content: bytes | None, path: str) -> dict[str, Any]:
    if not (content or b"").strip():
        return {}
    try:
        config = json.loads(content or b"")
    except ValueError as error:
        raise KronosError(f"{path} is no valid JSON ({error}); correct it first, nothing was changed") from error
    if not isinstance(config, dict):
        raise KronosError(f"{path} holds no JSON object; correct it first, nothing was changed")
    return config


def _without(found: Mapping[str, Any], ours: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """*found* without the keys that we wrote earlier, still stand as we wrote them, and are no longer wanted."""
    return {key: value for key, value in found.items() if key in wanted or ours.get(key) is None or value != ours[key]}


def _service(service: Service, keys: tuple[str, ...]) -> str:
    if not service.active:
        return "start"
    if service.outdated or set(keys) - RELOADABLE:
        return "restart"
    return "reload" if keys else ""
