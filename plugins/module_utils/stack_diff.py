# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as Ansible shows it: files before and after, and each service with the keys that differ. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import compose
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import Container
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import RenderedFile
from ansible_collections.kronos.homelab.plugins.module_utils.stack_plan import (
    CREATED,
    REMOVED,
    UNCHANGED,
    Action,
    Plan,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_present import Containers, Present
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import Rendered, as_mapping
from ansible_collections.kronos.homelab.plugins.module_utils.stack_slots import shown, slotted
from ansible_collections.kronos.homelab.plugins.module_utils.stack_state import ServiceState

_DIGEST = re.compile(r'kronos\.digest: "[0-9a-f]+"')
NONE = "(none)"
HIDDEN = "(hidden)"


def diff_of(plan: Plan, rendered: Rendered, present: Present, layout: Layout) -> list[dict[str, str]]:
    """Every difference, services first; secrets never show."""
    wanted = slotted(rendered.stack, layout)
    found = [
        _service_diff(name, action, rendered, present) for name, action in plan.actions.items() if action != Action()
    ]
    found += [_told(_without_digests(entry), wanted, present) for entry in plan.files.diff]
    if plan.leftovers:
        gone = "".join(f"{one.name}\n" for one in present.containers.leftovers)
        found.append(_entry("leftover containers", "leftover containers (removed)", gone, ""))
    if not found and plan.record:
        found.append(_entry("state.json", "state.json", "behind\n", "current\n"))
    return found


def _told(entry: dict[str, str], wanted: Mapping[str, RenderedFile], present: Present) -> dict[str, str]:
    """A file's entry; of one with secrets in it the text around them, where its content differs."""
    path = entry["after_header"]
    if path not in wanted or "content, hidden" not in entry["after"]:
        return entry
    before, after = shown(path, wanted, present.slotted, present.tree[path].content)
    return {**entry, "before": before, "after": after}


def _without_digests(entry: Mapping[str, str]) -> dict[str, str]:
    """A file's entry; what the digests of compose.yml stand for is told per service."""
    if not entry["after_header"].endswith("/compose.yml"):
        return dict(entry)
    return {key: _DIGEST.sub('kronos.digest: "..."', text) for key, text in entry.items()}


def _service_diff(name: str, action: Action, rendered: Rendered, present: Present) -> dict[str, str]:
    container = present.containers.own.get(name) or _orphan(name, present)
    said = f"service {name} ({action.action}{': ' if action.keys else ''}{', '.join(action.keys)})"
    before = [f"state: {container.says}", f"image: {_image(container)}"] if container else []
    after = [f"state: {_state_after(action, container)}"]
    if action.action == REMOVED:
        return _entry(f"service {name}", said, _text(before), "")
    after.append(f"image: {rendered.stack.services[name].image}")
    if container is None:
        return _entry(f"service {name}", said, "", _text(after))
    for key in action.keys:
        old, new = _values(key, name, container, rendered, present)
        if key != "image" and not (old is None and new is None):
            before.append(f"{key}: {old if old is not None else NONE}")
            after.append(f"{key}: {new if new is not None else NONE}")
    if action.action == UNCHANGED:
        after[0] = f"{before[0]}, health to be proved"
    return _entry(f"service {name}", said, _text(before), _text(after))


def _orphan(name: str, present: Present) -> Container | None:
    found = present.containers.orphans
    return next((one for one in found.values() if name in (one.service, one.name)), None)


def _image(container: Container) -> str:
    return str(container.observed.get("image") or container.image)


def _state_after(action: Action, container: Container | None) -> str:
    if action.action == CREATED or container is None:
        return "running"
    return f"running ({action.action})"


def _values(
    key: str, name: str, container: Container, rendered: Rendered, present: Present
) -> tuple[str | None, str | None]:
    """What *key* was and will be, as text; None where it has no value of its own to show."""
    unit, service = rendered.units[name], rendered.stack.services[name]
    state = present.state.services.get(name) if present.state else None
    known = state if state is not None and state.digest == container.digest else None
    kind, _dot, rest = key.partition(".")
    if kind == "files" or key in ("state", "unfinished", "health", "definition"):
        return None, None
    if kind == "secrets" or (kind == "environment" and rest in service.secret_environment):
        return f"{HIDDEN} before", f"{HIDDEN} after"
    if key == "container_name":
        return container.name, service.container
    if key == "networks":
        names = compose.network_names(unit.definition, rendered.stack.top, rendered.stack.project)
        wanted = compose.fixed_addresses(unit.definition, rendered.stack.top, rendered.stack.project)
        return _joined(container.networks, container.addresses), _joined(names, wanted)
    if kind == "volumes" and rest:
        return "a folder that was replaced", "the folder of that name"
    return _before(key, kind, rest, container, unit.definition, known), _shown(_look(unit.definition, kind, rest, key))


def _joined(networks: Iterable[str], addresses: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({addresses[name]})" if name in addresses else name for name in sorted(networks))


def _before(
    key: str,
    kind: str,
    rest: str,
    container: Container,
    definition: Mapping[str, Any],
    known: ServiceState | None,
) -> str | None:
    if container.digest == (definition.get("labels") or {}).get("kronos.digest"):
        # Changed by hand: Docker's word counts. A variable that we never set may be anybody's secret.
        if kind == "environment" and _look(definition, kind, rest, key) is None:
            return HIDDEN if key in container.observed else None
        return _shown(container.observed.get(key))
    return _shown(_look(known.definition, kind, rest, key)) if known else "(unknown)"


def _look(definition: Mapping[str, Any], kind: str, rest: str, key: str) -> Any:
    if kind in ("environment", "labels"):
        return as_mapping(definition.get(kind)).get(rest)
    return definition.get(key)


def _shown(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _entry(before_header: str, after_header: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": before_header, "after_header": after_header, "before": before, "after": after}


def removal_diff(containers: Containers, folder: str) -> list[dict[str, str]]:
    """The differences when the whole stack goes."""
    found = [
        _entry(
            f"service {one.service}",
            f"service {one.service} (removed)",
            _text([f"state: {one.says}", f"image: {_image(one)}"]),
            "",
        )
        for one in containers.orphans.values()
    ]
    return [*found, _entry(folder, f"{folder} (removed)", "directory\n", "")] if folder else found
