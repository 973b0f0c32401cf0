# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run works with, and what it writes down once a version is proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, generations, receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.compose import Compose, env_values
from ansible_collections.kronos.homelab.plugins.module_utils.container_options import hashes
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import Engine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.generations import Generation
from ansible_collections.kronos.homelab.plugins.module_utils.mask import Mask
from ansible_collections.kronos.homelab.plugins.module_utils.probe import Prober
from ansible_collections.kronos.homelab.plugins.module_utils.progress import SILENT, Progress
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner
from ansible_collections.kronos.homelab.plugins.module_utils.stack_apply import Tools
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import Container
from ansible_collections.kronos.homelab.plugins.module_utils.stack_health import Clock, Gate
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_ports import Port
from ansible_collections.kronos.homelab.plugins.module_utils.stack_present import (
    Containers,
    Present,
    own_mounts,
    read_containers,
    read_images,
    read_present,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import Rendered
from ansible_collections.kronos.homelab.plugins.module_utils.stack_slots import slotted, values_of
from ansible_collections.kronos.homelab.plugins.module_utils.stack_state import (
    GOOD,
    ServiceState,
    State,
    load_state,
    save_state,
)

# what a prediction has to know of the containers of a Docker that is stopped
KNOWN = ("image", "ports", "network_mode")


@dataclass(frozen=True)
class Outside:
    """Everything that a run needs of the world; unit tests put fakes in its place."""

    engine: Engine
    run: Runner
    prober: Prober
    clock: Clock
    alive: Callable[[], None]
    wall: Callable[[], float]
    replaced: Callable[[int, str, str], bool]
    port_holder: Callable[[Port], str]
    progress: Progress = SILENT


@dataclass(frozen=True)
class Run:
    """One run: what it works on and how many generations it keeps."""

    layout: Layout
    outside: Outside
    mask: Mask
    keep: int = 5

    def tools(self, rendered: Rendered) -> Tools:
        """What the steps act with."""
        outside = self.outside
        compose = Compose(outside.run, self.layout.base, rendered.stack.project)
        gate = Gate(outside.engine, outside.prober, outside.clock, outside.alive, outside.progress, self.mask.text)
        return Tools(outside.engine, compose, gate, outside.prober, outside.progress)

    def read(self, rendered: Rendered) -> Present:
        """The present, as far as it concerns *rendered*."""
        return read_present(self.outside.engine, rendered, self.layout, self.outside.replaced)


def conclude(run: Run, rendered: Rendered, number: int = 0, failure: Mapping[str, Any] | None = None) -> int:
    """The version is proven: write our notes and tidy up; gives its generation.

    *number* is its generation where it has been one before. *failure*: what led back to it.
    """
    engine, layout = run.outside.engine, run.layout
    containers = read_containers(engine, rendered)
    for orphan in containers.orphans.values():
        engine.remove(orphan.id)
    number = number or _keep(run, rendered, containers)
    state = State(rendered.stack.project, GOOD, number, service_states(rendered, containers), failure)
    save_state(state, layout)
    generations.tag_images(number, engine, layout)
    generations.prune(layout, number, run.keep, engine)
    if failure is None:
        generations.discard(layout.failed)
    write_receipt(rendered, containers, read_images(engine, rendered), layout)
    atomic.remove(layout.journal)
    return number


def _keep(run: Run, rendered: Rendered, containers: Containers) -> int:
    """The number of the generation of this version: the live or the newest one where it is the same, else a new one.

    The newest is not the live one after a rollback, or where a run was killed before it wrote the state.
    """
    engine, layout = run.outside.engine, run.layout
    running = {name: one.image for name, one in containers.own.items()}
    fresh = Generation(0, rendered, generations.images_of(rendered, running, engine))
    kept = generations.numbers(layout)
    state = load_state(layout)
    live = [state.generation] if state and state.generation in kept else []
    for number in dict.fromkeys([*live, *kept[-1:]]):
        try:
            if generations.load(number, layout).identity == fresh.identity:
                return number
        except KronosError:
            continue
    fresh = replace(fresh, number=(kept[-1] if kept else 0) + 1)
    generations.save(fresh, layout)
    return fresh.number


def service_states(rendered: Rendered, containers: Containers) -> dict[str, ServiceState]:
    """What the state keeps of each service."""
    found = {}
    for name, unit in rendered.units.items():
        container = containers.own.get(name)
        observed = hashes(container.observed) if container and container.digest == unit.digest else {}
        found[name] = ServiceState(
            unit.digest, unit.reload, unit.gate, dict(unit.parts), dict(unit.definition), observed
        )
    return found


def write_receipt(rendered: Rendered, containers: Containers, images: Mapping[str, str], layout: Layout) -> bool:
    """Note what stands now; nothing is written where the same is noted already."""
    left = tree.receipt_of(rendered.files, rendered.directories)
    state = load_state(layout)
    for path in (layout.state, layout.note(state.generation if state else 0)):
        left["files"][path] = receipts.file_state(path)
    left["whole"] = layout.whole
    left["images"] = dict(images)
    left["containers"] = {one.name: _noted(one) for one in containers.own.values()}
    running = [name for name, one in containers.own.items() if one.status == "running"]
    sources = {source for name in running for source, _target in own_mounts(rendered, name, layout)}
    left["mounts"] = {source: receipts.inode(source) for source in sorted(sources)}
    return receipts.write("stack", layout.stack, rendered.digest, left, root=layout.receipts)


def _noted(container: Container) -> dict[str, Any]:
    return {
        "id": container.id,
        "image": container.image,
        "state": container.status,
        "networks": sorted(container.networks),
        "addresses": dict(container.addresses),
        "options": receipts.digest(container.observed),
        "digest": container.digest,
        "known": {key: container.observed[key] for key in KNOWN if key in container.observed},
        **({"exit_code": container.exit_code} if container.status == "exited" else {}),
    }


def secret_values(rendered: Rendered, layout: Layout) -> list[str]:
    """The secret values in the files of a version."""
    found, slots = [], slotted(rendered.stack, layout)
    for file in rendered.files:
        if file.path in slots:
            found += values_of(slots[file.path], file.content)
        elif file.secret:
            text = file.content.decode("utf-8", "replace")
            found += env_values(text) if file.path.endswith(".env") else [text]
    return found
