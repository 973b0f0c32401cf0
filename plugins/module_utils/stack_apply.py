# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out a plan: the steps that bring containers and files to what is wanted, and prove them healthy.

Nothing here knows of going back; ``stack_run`` does, with these same steps towards the version before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.kronos.homelab.plugins.module_utils import tree
from ansible_collections.kronos.homelab.plugins.module_utils.compose import Compose
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import Engine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.probe import Prober, meets
from ansible_collections.kronos.homelab.plugins.module_utils.progress import RELOAD, SILENT, START, STOP, Progress
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import container_of
from ansible_collections.kronos.homelab.plugins.module_utils.stack_health import Gate, Unhealthy
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import HttpProbe, Service
from ansible_collections.kronos.homelab.plugins.module_utils.stack_plan import (
    CREATED,
    RECREATED,
    RELOADED,
    REMOVED,
    RESTARTED,
    STARTED,
    Plan,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_present import Present
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import Rendered

RELOAD_TIMEOUT = 15.0


@dataclass(frozen=True)
class Tools:
    """What the steps act with."""

    engine: Engine
    compose: Compose
    gate: Gate
    prober: Prober
    progress: Progress = SILENT


def converge(plan: Plan, rendered: Rendered, present: Present, tools: Tools, watched: Iterable[str]) -> None:
    """Carry out *plan*, then prove its services healthy, and those of *watched* (unchanged ones that need them).

    Raises Unhealthy where a service does not prove healthy, KronosError or OSError where a step fails.
    """
    tools.progress.begin(STOP, present.containers.orphans)
    _make_room(plan, rendered, present, tools.engine)
    tree.apply(plan.files)
    waves = rendered.stack.waves(plan.those(CREATED, RECREATED, STARTED, RESTARTED))
    proved: set[str] = set()
    for number, wave in enumerate(waves):
        tools.progress.begin(START, wave)
        _start_wave(wave, plan, rendered, present, tools)
        later = {need for each in waves[number + 1 :] for name in each for need in _needs(name, rendered)}
        first = (set(wave) & later) - proved
        tools.gate.wait(rendered.stack.services[name] for name in sorted(first))
        proved |= first
    tools.progress.begin(RELOAD, plan.those(RELOADED))
    for name in sorted(plan.those(RELOADED)):
        reload(rendered.stack.services[name], tools)
    rest = (plan.gated | set(watched)) - proved
    tools.gate.wait(rendered.stack.services[name] for name in sorted(rest))


def _needs(name: str, rendered: Rendered) -> Iterable[str]:
    return rendered.stack.services[name].needs


def _make_room(plan: Plan, rendered: Rendered, present: Present, engine: Engine) -> None:
    """Stop what is no longer wanted (it is removed at the very end), and clear what would stand in the way."""
    names = {service.container for service in rendered.stack.services.values()}
    for container in present.containers.leftovers:
        engine.remove(container.id)
    for container in present.containers.orphans.values():
        if container.status == "paused":
            engine.unpause(container.id)
        if container.name in names:
            engine.remove(container.id)
        elif container.status in ("running", "restarting", "paused"):
            engine.stop(container.id)
    for name, action in plan.actions.items():
        own = present.containers.own.get(name)
        if own is None or action.action == REMOVED:
            continue
        if own.status == "paused":  # compose can do nothing with one
            engine.unpause(own.id)
        elif own.status in ("dead", "removing") and action.action == RECREATED:
            engine.remove(own.id)


def _start_wave(wave: list[str], plan: Plan, rendered: Rendered, present: Present, tools: Tools) -> None:
    new = [name for name in wave if plan.actions[name].action in (CREATED, RECREATED)]
    if new:
        try:
            tools.compose.up(new)
        except KronosError as error:
            raise _blame(new, rendered, tools, error) from error
    for name in wave:
        container = present.containers.own.get(name)
        if container is None or name in new:
            continue
        if plan.actions[name].action == RESTARTED:
            tools.engine.restart(container.id)
        elif container.status != "paused":
            tools.engine.start(container.id)


def _blame(names: list[str], rendered: Rendered, tools: Tools, error: KronosError) -> Unhealthy:
    """compose's failure, with the services of *names* that do not run."""
    down = []
    for name in names:
        document = tools.engine.inspect(rendered.stack.services[name].container)
        if document is None or container_of(document).status != "running":
            down.append(name)
    guilty = down or names
    logs = tools.gate.logs(rendered.stack.services[guilty[0]])
    return Unhealthy(", ".join(guilty), f"cannot be started: {error}", logs=logs)


def reload(service: Service, tools: Tools) -> None:
    """Let a running service take its new files, and prove that it did; raises Unhealthy."""
    wanted = service.reload
    if wanted is None:
        return
    if wanted.signal:
        tools.engine.signal(service.container, wanted.signal)
    if wanted.http:
        _reload_by_http(service, wanted.http, tools)
    if wanted.check:
        tools.gate.hold(service, wanted.check, RELOAD_TIMEOUT)


def _reload_by_http(service: Service, probe: HttpProbe, tools: Tools) -> None:
    document = tools.engine.inspect(service.container)
    pid = container_of(document).pid if document else 0
    if not pid:
        raise Unhealthy(service.name, "is not running: nothing to reload", logs=tools.gate.logs(service))
    answer = tools.prober({service.name: (pid, probe)})[service.name]
    if meets(probe, answer):
        logs = tools.gate.logs(service)
        raise Unhealthy(service.name, "does not take its new files", answer.says, logs)
