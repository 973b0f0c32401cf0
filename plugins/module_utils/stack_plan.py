# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change that leads from the present of a stack to what is wanted. Pure.

Check mode, diff and the real run all come from the one Plan made here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import compose, tree
from ansible_collections.kronos.homelab.plugins.module_utils.container_options import hashes
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import Container
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import Service
from ansible_collections.kronos.homelab.plugins.module_utils.stack_present import Present
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import Rendered, Unit
from ansible_collections.kronos.homelab.plugins.module_utils.stack_state import GOOD, ServiceState

CREATED, RECREATED, RESTARTED, RELOADED = "created", "recreated", "restarted", "reloaded"
STARTED, REMOVED, UNCHANGED = "started", "removed", "unchanged"
UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Action:
    """What happens to one service, and the keys that differ."""

    action: str = UNCHANGED
    keys: tuple[str, ...] = ()

    def result(self) -> dict[str, Any]:
        """As plain data."""
        return {"action": self.action, "keys": list(self.keys)}


@dataclass(frozen=True)
class Plan:
    """Everything that a run will do. ``pulls``: images the host lacks; ``leftovers``: containers (ids) to
    clear away; ``record``: only our own notes need writing."""

    actions: Mapping[str, Action]
    files: tree.TreeChange
    pulls: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    record: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        busy = any(one != Action() for one in self.actions.values())
        return busy or self.files.changed or bool(self.leftovers) or self.record

    def those(self, *actions: str) -> set[str]:
        """The services with one of these actions."""
        return {name for name, one in self.actions.items() if one.action in actions}

    @property
    def gated(self) -> set[str]:
        """The services whose health has to be proved."""
        return {name for name, one in self.actions.items() if one != Action() and one.action != REMOVED}

    def results(self) -> dict[str, dict[str, Any]]:
        """The actions as plain data."""
        return {name: one.result() for name, one in sorted(self.actions.items())}


def make_plan(rendered: Rendered, present: Present, layout: Layout) -> Plan:
    """The plan for *rendered*; raises KronosError where something of another kind is in a file's place."""
    files = tree.plan_tree(rendered.files, rendered.directories, present.strays, present.tree)
    actions = {
        name: _finish(_decide(service, rendered, present, files, layout), name, rendered, present)
        for name, service in rendered.stack.services.items()
    }
    actions = _follow_namespaces(rendered, actions)
    actions.update({_orphan_name(one, rendered): Action(REMOVED) for one in present.containers.orphans.values()})
    new = {name for name, one in actions.items() if one.action in (CREATED, RECREATED)}
    pulls = {rendered.stack.services[name].image for name in new} - set(present.images)
    return Plan(
        actions=dict(sorted(actions.items())),
        files=files,
        pulls=tuple(sorted(pulls)),
        leftovers=tuple(one.id for one in present.containers.leftovers),
        record=_must_record(rendered, present),
    )


def _orphan_name(container: Container, rendered: Rendered) -> str:
    return container.service if container.service not in rendered.stack.services else container.name


def _decide(service: Service, rendered: Rendered, present: Present, files: tree.TreeChange, layout: Layout) -> Action:
    container = present.containers.own.get(service.name)
    if container is None:
        return Action(CREATED)
    unit = rendered.units[service.name]
    keys = _only_by_new_container(service, unit, container, rendered, present)
    if keys:
        return Action(RECREATED, keys)
    held, reloadable = _touched_files(service, present, files, layout)
    down = _down(service, container)
    done = service.kind == "job" and container.status == "exited" and not down
    # In a crash loop the next start reads the new files: only time is to be given.
    if (held and not done) or (reloadable and container.status == "restarting"):
        return Action(RESTARTED, (*held, *reloadable, *down))
    if down:
        return Action(STARTED, down)
    state = _state_of(service.name, present)
    if state is not None and state.reload != unit.reload and not reloadable:
        reloadable = ("files",)
    if reloadable and container.status == "running" and service.kind == "service":
        return Action(RELOADED, reloadable)
    return Action()


def _only_by_new_container(
    service: Service, unit: Unit, container: Container, rendered: Rendered, present: Present
) -> tuple[str, ...]:
    """What differs that Docker cannot change in a container that exists."""
    keys: list[str] = []
    state = _state_of(service.name, present)
    if unit.digest != container.digest:
        known = state is not None and state.digest == container.digest
        keys += (differing(state.parts, unit.parts) if state and known else []) or ["definition"]
    elif state is not None and state.observed and state.digest == container.digest:
        keys += differing(state.observed, hashes(container.observed))
    current = present.images.get(service.image)
    if current is not None and current != container.image:
        keys.append("image")
    if container.name != service.container:
        keys.append("container_name")
    if not _attached(unit, container, rendered, present):
        keys.append("networks")
    if container.status in ("dead", "removing"):
        keys.append("state")
    keys += [f"volumes.{target}" for target in present.replaced.get(service.name, ())]
    return tuple(sorted(set(keys)))


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ, or that only one of the two has."""
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def _attached(unit: Unit, container: Container, rendered: Rendered, present: Present) -> bool:
    """Whether it hangs in exactly the networks it should, and in those that bear their names today."""
    if unit.definition.get("network_mode"):
        return True
    names = compose.network_names(unit.definition, rendered.stack.top, rendered.stack.project)
    if set(names) != set(container.networks):
        return False
    wanted = compose.fixed_addresses(unit.definition, rendered.stack.top, rendered.stack.project)
    if dict(container.addresses) != wanted:
        return False
    # A stopped container's entry may be empty until it is started.
    return all(container.networks[name] in ("", present.networks.get(name)) for name in names)


def _down(service: Service, container: Container) -> tuple[str, ...]:
    """("state",) where it should be up, or should have run through, and did not."""
    if service.kind == "job" and container.status == "exited":
        return () if container.exit_code == 0 else ("state",)
    return ("state",) if container.status in ("created", "exited", "paused") else ()


def _touched_files(
    service: Service, present: Present, files: tree.TreeChange, layout: Layout
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys of the repaired files that the running service may have read: it cannot, and it can reload them.

    A mode or owner put right alone is nothing that a process which runs has noticed.
    """
    root, secrets = f"{layout.files(service.name)}/", f"{layout.secrets(service.name)}/"
    reloads = {f"{root}{file.path}" for file in service.files if file.reload and service.reload}
    written = {one.path for one in files.files if _content_differs(one, present)}
    gone = {path for path in files.absent if present.tree[path].kind != "directory"}
    held: list[str] = []
    reloadable: list[str] = []
    for path in sorted(written | gone):
        if path.startswith(root):
            near = path in gone and any(os.path.dirname(path) == os.path.dirname(one) for one in reloads)
            (reloadable if path in reloads or near else held).append(f"files.{path[len(root) :]}")
        elif path.startswith(secrets) and path in written:
            held.append(f"secrets.{path[len(secrets) :]}")
    return tuple(held), tuple(reloadable)


def _content_differs(wanted: tree.Wanted, present: Present) -> bool:
    found = present.tree[wanted.path]
    return found.kind != "file" or found.content != wanted.content


def _finish(action: Action, name: str, rendered: Rendered, present: Present) -> Action:
    """Add what an interrupted or failed run owes, and a changed idea of health."""
    journal, state = present.journal, present.state
    if action != Action():
        return action
    owed = (journal.pending.get(name) if journal else None) or ""
    if owed in (RESTARTED, RELOADED):
        return Action(owed, (UNFINISHED,))
    unknown = journal is not None and journal.operation == "unknown"
    if owed or unknown or (state is not None and state.result != GOOD):
        return Action(UNCHANGED, (UNFINISHED,))
    known = _state_of(name, present)
    if known is not None and known.gate != rendered.units[name].gate:
        return Action(UNCHANGED, ("health",))
    return action


def _follow_namespaces(rendered: Rendered, actions: Mapping[str, Action]) -> dict[str, Action]:
    """A container inside another one's network must be made anew with it."""
    found = dict(actions)
    for name, unit in rendered.units.items():
        for key in ("network_mode", "ipc", "pid"):
            kind, _colon, host = str(unit.definition.get(key) or "").partition(":")
            shared = found.get(host) if kind == "service" else None
            if shared and shared.action in (CREATED, RECREATED) and found[name].action != CREATED:
                found[name] = Action(RECREATED, (*found[name].keys, key))
    return found


def _must_record(rendered: Rendered, present: Present) -> bool:
    """Whether only our notes are behind: lost, or left by a run that was killed."""
    state = present.state
    if state is None or present.journal is not None or state.result != GOOD or not present.proven:
        return True
    return set(state.services) != set(rendered.units)


def _state_of(name: str, present: Present) -> ServiceState | None:
    return present.state.services.get(name) if present.state else None
