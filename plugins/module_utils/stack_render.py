# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the wanted stack to everything that it is on the host: files, definitions, digests. Pure.

Each service carries the label ``kronos.digest``: over its definition, the files it cannot reload and keyed
fingerprints of its secrets. Compose's own hash knows nothing of the contents of mounted files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import compose, receipts, secret_slots
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import SECRETS_TARGET, Service, Stack
from ansible_collections.kronos.homelab.plugins.module_utils.stack_secrets import fingerprint
from ansible_collections.kronos.homelab.plugins.module_utils.tree import Wanted, WantedDirectory

LABEL_DIGEST = "kronos.digest"
LABEL_STACK = "kronos.stack"
LABEL_SERVICE = "kronos.service"
UNKNOWN = "unknown"

Secrets = Mapping[str, Mapping[str, "str | None"]]


@dataclass(frozen=True)
class Unit:
    """One service, rendered.

    ``digest``: what only a new container can take; ``reload``: over the files that it reloads; ``gate``: over
    how its health is told; ``parts``: what the digest is made of, key → hash, to name what differs.
    """

    digest: str
    reload: str
    gate: str
    parts: Mapping[str, str]
    definition: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Rendered:
    """A whole stack as it is to be on the host."""

    stack: Stack
    units: Mapping[str, Unit]
    files: tuple[Wanted, ...]
    directories: tuple[WantedDirectory, ...]

    @property
    def digest(self) -> str:
        """Over everything."""
        return receipts.digest({name: [unit.digest, unit.reload, unit.gate] for name, unit in self.units.items()})

    @property
    def project(self) -> dict[str, Any]:
        """The compose project, literal values."""
        services = {name: dict(unit.definition) for name, unit in self.units.items()}
        return {"name": self.stack.project, **self.stack.top, "services": services}


def render(stack: Stack, secrets: Secrets, key: bytes, layout: Layout) -> Rendered:
    """*stack* with its secrets; one of None (not made yet, in check mode) equals no fingerprint ever."""
    units = {
        name: _unit(stack, service, secrets.get(name, {}), key, layout) for name, service in stack.services.items()
    }
    bare = Rendered(stack, units, (), ())
    compose_file = Wanted(layout.compose, compose.project_text(bare.project).encode(), 0o600, layout.uid, layout.gid)
    files, directories = [compose_file], _own_directories(layout)
    for name, service in stack.services.items():
        files += _files(service, secrets.get(name, {}), layout)
        directories += _directories(service, units[name], layout)
    unique = {one.path: one for one in directories}
    return Rendered(stack, units, tuple(files), tuple(unique.values()))


def external_networks(rendered: Rendered, name: str) -> list[str]:
    """The networks that a service joins and that are not compose's to make."""
    stack = rendered.stack
    declared = stack.top.get("networks") or {}
    external = {str(one.get("name") or key) for key, one in declared.items() if one and one.get("external")}
    joined = compose.network_names(rendered.units[name].definition, stack.top, stack.project)
    return sorted(set(joined) & external)


def _unit(stack: Stack, service: Service, values: Mapping[str, str | None], key: bytes, layout: Layout) -> Unit:
    definition = _definition(stack, service, layout)
    shown = {one: value for one, value in definition.items() if one not in ("env_file", "networks")}
    parts = {
        **_parts(shown),
        **{f"project.{one}": _hash(value) for one, value in stack.top.items() if one != "networks"},
        "networks": _hash(compose.network_names(definition, stack.top, stack.project)),
    }
    for variable, name in service.secret_environment.items():
        parts[f"environment.{variable}"] = _mark(key, service.name, name, values.get(name))
    for name in service.secret_files.values():
        parts[f"secrets.{name}"] = _mark(key, service.name, name, values.get(name))
    reloaded: dict[str, str] = {}
    for file in service.files:
        marks = [_mark(key, service.name, one, values.get(one)) for one in file.secrets]
        mark = _hash([file.content, file.mode, *([marks] if marks else [])])
        (reloaded if file.reload and service.reload else parts)[f"files.{file.path}"] = mark
    digest = receipts.digest(parts)
    labels = {**definition["labels"], LABEL_DIGEST: digest}
    return Unit(
        digest=digest,
        reload=receipts.digest(reloaded) if reloaded else "",
        gate=_hash([repr(service.probe), repr(service.reload), service.kind, list(service.needs)]),
        parts=parts,
        definition={**definition, "labels": labels},
    )


def _definition(stack: Stack, service: Service, layout: Layout) -> dict[str, Any]:
    """The service as compose gets it, but for the label of its digest."""
    definition = dict(service.definition)
    environment = as_mapping(definition.get("environment"))
    volumes = list(definition.get("volumes") or ())
    if service.secret_files:
        environment.update({variable: f"{SECRETS_TARGET}/{name}" for variable, name in service.secret_files.items()})
        volumes.append(
            {
                "type": "bind",
                "source": layout.secrets(service.name),
                "target": SECRETS_TARGET,
                "read_only": True,
                "bind": {"create_host_path": False},
            }
        )
    if service.secret_environment:
        definition["env_file"] = [layout.env(service.name)]
        environment = {k: v for k, v in environment.items() if k not in service.secret_environment}
    if environment:
        definition["environment"] = dict(sorted(environment.items()))
    if volumes:
        definition["volumes"] = volumes
    ours = {LABEL_STACK: stack.name, LABEL_SERVICE: service.name}
    definition["labels"] = {**as_mapping(definition.get("labels")), **ours}
    return definition


def as_mapping(value: Any) -> dict[str, Any]:
    """compose's two spellings of environment and labels, as one."""
    if isinstance(value, Mapping):
        return dict(value)
    return {one.partition("=")[0]: one.partition("=")[2] for one in value or ()}


def _parts(definition: Mapping[str, Any]) -> dict[str, str]:
    """Hashes by key, environment and labels variable by variable."""
    parts = {}
    for key, value in definition.items():
        if key in ("environment", "labels"):
            parts.update({f"{key}.{name}": _hash(each) for name, each in as_mapping(value).items()})
        elif value is not None:
            parts[key] = _hash(value)
    return parts


def _files(service: Service, values: Mapping[str, str | None], layout: Layout) -> list[Wanted]:
    root, found = layout.files(service.name), []
    for file in service.files:
        path = os.path.join(root, file.path)
        if file.secrets:
            known = {name: values.get(name) or "" for name in file.secrets}
            found.append(_private(path, secret_slots.fill(file.content, known), service, layout))
        else:
            # The service's group may read what is not for everybody.
            found.append(Wanted(path, file.content.encode(), file.mode, layout.uid, service.gid or layout.gid))
    if service.secret_environment:
        lines = {variable: values.get(name) or "" for variable, name in service.secret_environment.items()}
        content = compose.env_text(lines).encode()
        found.append(Wanted(layout.env(service.name), content, 0o600, layout.uid, layout.gid, secret=True))
    for name in sorted(set(service.secret_files.values())):
        found.append(
            _private(os.path.join(layout.secrets(service.name), name), values.get(name) or "", service, layout)
        )
    return found


def _private(path: str, content: str, service: Service, layout: Layout) -> Wanted:
    """A file that nobody but the service reads."""
    gid = service.gid or layout.gid
    if service.drops:  # root without its capabilities reads only what is its own
        return Wanted(path, content.encode(), 0o440, layout.uid, gid, secret=True)
    return Wanted(path, content.encode(), 0o400, service.uid or layout.uid, gid, secret=True)


def _own_directories(layout: Layout) -> list[WantedDirectory]:
    own = {"": 0o700, "env": 0o700, "files": 0o755, "secrets": 0o711}
    return [
        WantedDirectory(os.path.join(layout.base, name).rstrip("/"), mode, layout.uid, layout.gid)
        for name, mode in own.items()
    ]


def _directories(service: Service, unit: Unit, layout: Layout) -> list[WantedDirectory]:
    """Folders of rendered files (those mounted exist even when empty), of secrets, and of data."""
    root = layout.files(service.name)
    folders = {root} if service.files else set()
    folders |= {source for source, _target in compose.bind_mounts(unit.definition) if source.startswith(f"{root}/")}
    for file in service.files:
        folder = os.path.dirname(file.path)
        while folder:
            folders.add(os.path.join(root, folder))
            folder = os.path.dirname(folder)
    if any(folder != root for folder in folders):
        folders.add(root)
    found = [WantedDirectory(path, 0o755, layout.uid, layout.gid) for path in sorted(folders)]
    if service.secret_files:
        found.append(WantedDirectory(layout.secrets(service.name), 0o711, layout.uid, layout.gid))
    return found + [WantedDirectory(one.path, one.mode, one.uid, one.gid) for one in service.directories]


def _mark(key: bytes, service: str, name: str, value: str | None) -> str:
    return UNKNOWN if value is None else fingerprint(key, service, name, value)


def _hash(value: Any) -> str:
    return receipts.digest(value)[:24]
