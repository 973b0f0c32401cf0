# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stack module must know about the services of one stack beside their compose project."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import did_you_mean
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import (
    Data,
    Plan,
    RenderError,
    merged,
    services_of,
)

DEFAULT_MODE = "0644"
_MODE = re.compile(r"0?[0-7]{3}")
_FILE_KEYS = {"path", "content", "mode", "reload", "secrets"}


def stack_services(
    plan: Plan,
    stack: str,
    files: Mapping[str, list[Mapping[str, Any]]] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Data]:
    """Return {service: what to check, mount, write and reload} for every service of `stack`.

    `files`: {service: [{path, content, mode, reload, secrets}]}; a path starts with the name of one of the service's
    `files` volumes; `secrets` names those of the service for which the content has slots. `overrides`: {service:
    part of the result}, for what only another renderer knows (the check that proves a reload). Both may name
    services that are disabled; other unknown names are an error.
    """
    services = services_of(plan, stack)
    for argument, given in (("files", files or {}), ("overrides", overrides or {})):
        _check_names(argument, given, services, plan["disabled"])
    return {
        name: merged(_service(plan, service, services, (files or {}).get(name, ())), (overrides or {}).get(name, {}))
        for name, service in services.items()
    }


def _check_names(argument: str, given: Iterable[str], services: Iterable[str], disabled: Iterable[str]) -> None:
    for name in given:
        if name not in services and name not in disabled:
            raise RenderError(f"{argument}.{name}: no such service in the stack{did_you_mean(name, services)}")


def _asked(health: Mapping[str, Any] | None) -> Data | None:
    """Return what the module asks itself; the image's own check is compose's matter."""
    return {key: value for key, value in health.items() if key != "image_check"} if health else None


def _service(
    plan: Plan, service: Mapping[str, Any], siblings: Mapping[str, Any], files: Iterable[Mapping[str, Any]]
) -> Data:
    health = service["health"] or {}
    return {
        "kind": service["kind"],
        "needs": [name for name in service["needs"] if name in siblings],
        "user": service["user"],
        "health": _asked(service["health"]),
        "health_timeout": health.get("timeout") or plan["settings"]["health_timeout"],
        "reload": service["reload"],
        "secret_environment": service["secret_environment"],
        "secret_files": service["secret_files"],
        "directories": service["directories"],
        "files": [_file(plan, service, index, file) for index, file in enumerate(files)],
    }


def slot(name: str) -> str:
    """Return what stands for a secret within double quotes of a rendered file, and in plain YAML from yaml_text."""
    return f"<kronos-secret:{name}|quoted>"


def raw_slot(name: str) -> str:
    """Return what stands for a secret in a rendered file without quotes."""
    return f"<kronos-secret:{name}>"


def _file(plan: Plan, service: Mapping[str, Any], index: int, file: Mapping[str, Any]) -> Data:
    """Return the file with its defaults; it must lie in a folder that the service mounts."""
    where = f"files.{service['name']}[{index}]"
    unknown = sorted(set(file) - _FILE_KEYS)
    if unknown:
        raise RenderError(f"{where}.{unknown[0]}: unknown key{did_you_mean(unknown[0], _FILE_KEYS)}")
    path, content, mode = file.get("path"), file.get("content"), file.get("mode", DEFAULT_MODE)
    if not isinstance(path, str) or not _is_plain_path(path):
        raise RenderError(f"{where}.path: {path!r} is no relative path below a folder of the service")
    folders = _folders(service)
    if path.split("/")[0] not in folders:
        raise RenderError(f"{where}.path: {path!r} lies in none of the service's files volumes {folders}")
    if not isinstance(content, str):
        raise RenderError(f"{where}.content: text is wanted, found {type(content).__name__}")
    if not isinstance(mode, str) or not _MODE.fullmatch(mode):
        raise RenderError(f'{where}.mode: {mode!r} is no quoted octal mode such as "0644"')
    result = {"path": path, "content": content, "mode": mode, "reload": _is_reloaded(service, file, where)}
    held = file.get("secrets") or []
    known = {secret["name"] for secret in plan["secrets"] if secret["service"] == service["name"]}
    for name in held:
        if name not in known:
            raise RenderError(f"{where}.secrets: {service['name']} has no secret {name!r}{did_you_mean(name, known)}")
    return {**result, "secrets": sorted(set(held))} if held else result


def _is_reloaded(service: Mapping[str, Any], file: Mapping[str, Any], where: str) -> bool:
    """Tell whether a change of the file is taken by a reload; else it takes a restart."""
    reload = file.get("reload", False)
    if not isinstance(reload, bool):
        raise RenderError(f"{where}.reload: true or false is wanted, found {reload!r}")
    if reload and service["reload"] is None:
        raise RenderError(f"{where}.reload: the record of {service['name']} says no way to reload")
    return reload


def _is_plain_path(path: str) -> bool:
    parts = path.split("/")
    return len(parts) > 1 and posixpath.normpath(path) == path and ".." not in parts and parts[0] != ""


def _folders(service: Mapping[str, Any]) -> list[str]:
    """Return the names of the folders below files/<service>/ that the service mounts."""
    return sorted(posixpath.basename(m["source"]) for m in service["mounts"] if m["kind"] == "files")
