# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `kronos.homelab.stack` does for each of its states: read, plan, and apply unless in check mode."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import (
    atomic,
    docker_api,
    generations,
    lease,
    probe,
    receipts,
    settled,
)
from ansible_collections.kronos.homelab.plugins.module_utils.compose import ComposeMissing
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import DockerMissing, Engine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.mask import Mask
from ansible_collections.kronos.homelab.plugins.module_utils.progress import SILENT, STOP, Progress
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner, Runner
from ansible_collections.kronos.homelab.plugins.module_utils.stack_conclude import (
    Outside,
    Run,
    secret_values,
    write_receipt,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import Container
from ansible_collections.kronos.homelab.plugins.module_utils.stack_diff import diff_of, removal_diff
from ansible_collections.kronos.homelab.plugins.module_utils.stack_execute import (
    execute,
    refuse_bad_definition,
    refuse_taken,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_health import Clock
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import NAME, Stack, parse
from ansible_collections.kronos.homelab.plugins.module_utils.stack_plan import (
    CREATED,
    RECREATED,
    REMOVED,
    Plan,
    make_plan,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_ports import Port, holder
from ansible_collections.kronos.homelab.plugins.module_utils.stack_present import (
    Containers,
    Present,
    mount_replaced,
    read_containers,
    read_present,
    taken_off,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import Rendered, render
from ansible_collections.kronos.homelab.plugins.module_utils.stack_secrets import (
    fingerprint_key,
    foreseen,
    missing,
    read_secrets,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_state import load_state, locked


@dataclass(frozen=True)
class World:
    """How to reach Docker, programs, time and other namespaces; unit tests put fakes in its place."""

    connect: Callable[[], Engine]
    runner: Callable[[int], Runner]
    prober: probe.Prober
    clock: Clock
    wall: Callable[[], float]
    replaced: Callable[[int, str, str], bool]
    port_holder: Callable[[Port], str]


def host_world() -> World:
    """The real one."""
    return World(
        connect=docker_api.connect,
        runner=lambda lock: HostRunner(keep=(lock,) if lock >= 0 else ()),
        prober=probe.ask,
        clock=Clock(time.monotonic, time.sleep),
        wall=time.time,
        replaced=mount_replaced,
        port_holder=holder,
    )


def work(
    params: Mapping[str, Any], check: bool, world: World | None = None, layout: Layout | None = None
) -> dict[str, Any]:
    """The module's work; its result has no secret, and neither has any error that it raises."""
    if not NAME.fullmatch(params["name"]):  # it becomes part of paths, and `absent` removes them
        raise KronosError(f"stack {params['name']!r}: lower-case letters, digits and `-` are wanted in a name")
    world, layout, mask = world or host_world(), layout or Layout(params["name"]), Mask()
    states = {"present": _present, "absent": _absent, "rolled_back": _rolled_back}
    try:
        with _opened(params, check, world, layout, mask) as run:
            result: dict[str, Any] = mask.data(states[params["state"]](params, check, run))
            return result
    except (KronosError, OSError):
        raise
    except Exception as error:
        # A fault of ours must not show a value that it stumbled over.
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = mask.text(f"{type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})")
        raise KronosError(f"stack {params['name']}: unexpected: {reason}") from None


@dataclass(frozen=True)
class _Open(Run):
    """A Run whose Docker may be missing (check mode on a fresh host)."""

    docker: bool = True


@contextmanager
def _opened(params: Mapping[str, Any], check: bool, world: World, layout: Layout, mask: Mask) -> Iterator[_Open]:
    """The lock (not in check mode, which only looks) and the connection to Docker."""
    owner = params.get("run") or "a task on its own"
    with contextlib.ExitStack() as stack:
        lock, progress = -1, SILENT
        if not check:
            sleep = world.clock.sleep
            lock = stack.enter_context(locked(layout, owner, clock=world.clock.now, sleep=sleep))
            progress = Progress(layout.progress)
            stack.callback(progress.end)
        engine: Any = None
        try:
            engine = world.connect()
        except DockerMissing:
            if not check and params["state"] != "absent":
                raise
        alive = _alive(str(params.get("run") or ""))
        outside = Outside(
            engine=engine,
            run=world.runner(lock),
            prober=world.prober,
            clock=world.clock,
            alive=alive,
            wall=world.wall,
            replaced=world.replaced,
            port_holder=world.port_holder,
            progress=progress,
        )
        yield _Open(layout, outside, mask, int(params.get("keep_generations") or 5), engine is not None)


def _alive(run: str) -> Callable[[], None]:
    """A sign of life in a long wait. Another run's lease is no reason to stop halfway through a change."""

    def renew() -> None:
        with contextlib.suppress(KronosError, OSError):
            lease.renew(run)

    return renew


def _present(params: Mapping[str, Any], check: bool, run: _Open) -> dict[str, Any]:
    stack = parse(params["name"], params["project"] or {}, params["services"] or {}, params["health_timeout"] or 120)
    values = read_secrets(stack, run.layout)
    run.mask.add(value for found in values.values() for value in found.values() if value)
    if check:
        awaited, returning = (params.get(f"{one}_secrets") or () for one in ("awaited", "returning"))
        values = foreseen(values, awaited, returning, run.layout)
    lacking = missing(values, run.layout)
    if lacking and not check:
        raise KronosError(
            f"stack {stack.name}: secrets are missing: {', '.join(lacking)} (module kronos.homelab.secret makes them)"
        )
    rendered = render(stack, values, fingerprint_key(run.layout, create=not check), run.layout)
    present = _read(run, rendered)
    if check:
        present = taken_off(present, params.get("renewed_networks") or ())
    plan = make_plan(rendered, present, run.layout)
    result = _result(plan, rendered, present, run.layout)
    if check:
        _refuse_in_check(run, rendered, present, plan)
        return result
    if not plan.changed:
        write_receipt(rendered, present.containers, present.images, run.layout)
        return result
    return _told(result, execute(run, rendered, present, plan))


def _rolled_back(params: Mapping[str, Any], check: bool, run: _Open) -> dict[str, Any]:
    state = load_state(run.layout)
    number = params.get("generation") or generations.before(state.generation if state else 0, run.layout)
    if not number:
        raise KronosError(f"stack {run.layout.stack}: there is no generation to go back to")
    target = generations.load(number, run.layout)
    rendered = target.rendered
    run.mask.add(secret_values(rendered, run.layout))
    present = _read(run, rendered)
    # References mean again what they meant then, wherever a tag points today.
    then = {**present.images, **{image.ref: image.id for image in target.images.values()}}
    present = replace(present, images=then)
    plan = make_plan(rendered, present, run.layout)
    if state and state.generation != number:
        plan = replace(plan, record=True)
    result = {**_result(plan, rendered, present, run.layout), "generation": number}
    if check or not plan.changed:
        return result
    return _told(result, execute(run, rendered, present, plan, target))


def _absent(params: Mapping[str, Any], check: bool, run: _Open) -> dict[str, Any]:
    """Remove the stack's containers and folder; data directories and networks stay."""
    layout, engine = run.layout, run.outside.engine
    state = load_state(layout)
    project = (params["project"] or {}).get("name") or (state.project if state else f"kronos-{layout.stack}")
    nothing = Rendered(Stack(layout.stack, str(project), {}), {}, (), ())
    containers = read_containers(engine, nothing) if run.docker else Containers()
    standing = os.path.lexists(layout.base)
    if standing and not run.docker and not check:
        raise DockerMissing(f"stack {layout.stack}: Docker does not answer, so its containers cannot be removed")
    noted = receipts.read("stack", layout.stack, root=layout.receipts) is not None
    ours = {one.service or one.name: one for one in containers.orphans.values()}
    result = {
        "changed": bool(ours) or standing or noted,
        "actions": {name: {"action": REMOVED, "keys": []} for name in sorted(ours)},
        "diff": removal_diff(containers, layout.base if standing else ""),
        "generation": 0,
    }
    if check or not result["changed"]:
        return result
    run.outside.progress.begin(STOP, ours)
    for container in containers.orphans.values():
        if container.status == "paused":
            engine.unpause(container.id)
        if container.status in ("running", "restarting", "paused"):
            engine.stop(container.id)
        engine.remove(container.id)
    if run.docker:
        generations.forget_images(layout, engine)
    settled.forget(("stack", layout.stack), root=layout.receipts)
    atomic.remove(layout.base)
    return result


def _read(run: _Open, rendered: Rendered) -> Present:
    engine = run.outside.engine if run.docker else None
    return read_present(engine, rendered, run.layout, run.outside.replaced)


def _result(plan: Plan, rendered: Rendered, present: Present, layout: Layout) -> dict[str, Any]:
    return {
        "changed": plan.changed,
        "actions": plan.results(),
        "diff": diff_of(plan, rendered, present, layout),
        "generation": present.state.generation if present.state else 0,
        "foreign": sorted(present.containers.foreign),
        **_sick({name: one.says for name, one in present.containers.own.items() if _ailing(one)}),
    }


def _ailing(container: Container) -> bool:
    return container.status == "restarting" or container.health == "unhealthy"


def _sick(found: Mapping[str, str]) -> dict[str, Any]:
    """Services that are not healthy and that no change accounts for."""
    said = [f"{name} was not changed and is not healthy: {reason}" for name, reason in sorted(found.items())]
    return {"sick": dict(found), "warnings": said}


def _told(result: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a change, with what was sick before and still is."""
    return {**result, "generation": outcome["generation"], **_sick(outcome["sick"])}


def _refuse_in_check(run: _Open, rendered: Rendered, present: Present, plan: Plan) -> None:
    """What a run would refuse, as far as a host that may not have everything yet can tell."""
    refuse_taken(rendered, present, plan, run.outside.port_holder, run.outside.engine)
    if run.docker and plan.those(CREATED, RECREATED):
        with contextlib.suppress(ComposeMissing):  # the role that installs it has only been predicted
            refuse_bad_definition(rendered, run.tools(rendered))
