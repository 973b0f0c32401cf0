# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands of each stack: containers, health, proven versions, and how the last run ended. Changes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import generations
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import DockerMissing, Engine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.mask import Mask
from ansible_collections.kronos.homelab.plugins.module_utils.stack_conclude import secret_values
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import Container, container_of
from ansible_collections.kronos.homelab.plugins.module_utils.stack_flow import World, host_world
from ansible_collections.kronos.homelab.plugins.module_utils.stack_health import Gate
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import NAME
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import LABEL_STACK, Rendered
from ansible_collections.kronos.homelab.plugins.module_utils.stack_state import State, load_journal, load_state

HEALTHY = "healthy"


def report(name: str = "", world: World | None = None, layout: Layout | None = None) -> dict[str, dict[str, Any]]:
    """stack → what stands; *name*: of this one only (empty where there is none of it)."""
    world, layout = world or host_world(), layout or Layout("")
    try:
        engine = world.connect()
    except DockerMissing:
        engine = None
    containers = _containers(engine) if engine else {}
    names = {one.name for one in _folders(layout.stacks)} | set(containers)
    return {
        one: _stack(Layout(**{**layout.__dict__, "stack": one}), containers.get(one, []), engine, world)
        for one in sorted(names)
        if name in ("", one) and NAME.fullmatch(one)  # others are not ours
    }


def _folders(path: str) -> list[os.DirEntry[str]]:
    try:
        return [one for one in os.scandir(path) if one.is_dir() and not one.name.startswith(".")]
    except OSError:
        return []


def _containers(engine: Engine) -> dict[str, list[Container]]:
    found: dict[str, list[Container]] = {}
    for listed in engine.containers():
        stack = (listed.get("Labels") or {}).get(LABEL_STACK)
        document = engine.inspect(listed["Id"]) if stack else None
        if stack and document:
            found.setdefault(stack, []).append(container_of(document))
    return found


def _stack(layout: Layout, containers: list[Container], engine: Engine | None, world: World) -> dict[str, Any]:
    state, mask = load_state(layout), Mask()
    live = _live(layout, state)
    sick: dict[str, str] = {}
    if live:
        mask.add(secret_values(live, layout))
        if engine:
            sick = Gate(engine, world.prober, world.clock, conceal=mask.text).sick(live.stack.services.values())
    services = {one.service or one.name: _service(one) for one in containers}
    for name in live.stack.services if live else ():
        found = services.setdefault(name, {"container": "", "state": "missing"})
        found["health"] = sick.get(name, HEALTHY) if engine else "unknown"
    told: dict[str, Any] = mask.data(
        {
            "project": state.project if state else "",
            "result": state.result if state else "unknown",
            "failure": dict(state.failure) if state and state.failure else None,
            "unfinished": load_journal(layout) is not None,
            "generation": state.generation if state else 0,
            "generations": {str(one): _images(one, layout) for one in generations.numbers(layout)},
            "services": dict(sorted(services.items())),
        }
    )
    return told


def _live(layout: Layout, state: State | None) -> Rendered | None:
    try:
        return generations.load(state.generation, layout).rendered if state and state.generation else None
    except KronosError:
        return None


def _images(number: int, layout: Layout) -> Mapping[str, str]:
    try:
        return {name: image.ref for name, image in generations.load(number, layout).images.items()}
    except KronosError:
        return {}


def _service(container: Container) -> dict[str, Any]:
    return {
        "container": container.name,
        "state": container.says,
        "health": container.health or "unknown",
        "image": str(container.observed.get("image") or container.image),
        "restarts": container.restarts,
        "started": container.started,
        "networks": sorted(container.networks),
    }
