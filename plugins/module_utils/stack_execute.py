# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One change of one stack: carry out the plan, and go back to the last proven version where that fails.

A version counts as proven, and becomes a generation, only after its services were healthy. Until then
``state.json`` names the version before, so that a run killed anywhere leaves the way back open.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, generations, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.compose import ComposeMissing
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import Engine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, explain
from ansible_collections.kronos.homelab.plugins.module_utils.generations import Generation
from ansible_collections.kronos.homelab.plugins.module_utils.mask import Mask
from ansible_collections.kronos.homelab.plugins.module_utils.stack_apply import Tools, converge
from ansible_collections.kronos.homelab.plugins.module_utils.stack_conclude import (
    Run,
    conclude,
    secret_values,
    service_states,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_health import Unhealthy
from ansible_collections.kronos.homelab.plugins.module_utils.stack_images import pull_all
from ansible_collections.kronos.homelab.plugins.module_utils.stack_plan import (
    CREATED,
    RECREATED,
    STARTED,
    Plan,
    make_plan,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_ports import Port, published, publisher, wanted
from ansible_collections.kronos.homelab.plugins.module_utils.stack_present import Present, read_containers
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import Rendered, external_networks
from ansible_collections.kronos.homelab.plugins.module_utils.stack_state import (
    BROKEN,
    FAILED,
    Journal,
    State,
    load_state,
    save_journal,
    save_state,
)

LONGEST_LINE = 500


class StackFailed(KronosError):
    """The new version did not prove healthy; ``details`` say what happened, as plain data."""

    def __init__(self, message: str, details: Mapping[str, Any]) -> None:
        self.details = dict(details)
        super().__init__(message)


def execute(
    run: Run, rendered: Rendered, present: Present, plan: Plan, target: Generation | None = None
) -> dict[str, Any]:
    """Carry out *plan*; returns ``{generation, sick}``. *target*: the generation to go to, None: a new version.

    Raises KronosError before the first change where it cannot succeed, StackFailed after having gone back.
    """
    tools = run.tools(rendered)
    refuse_impossible(rendered, present, plan, run)
    if target is None:
        _pull(plan, rendered, run)
    else:
        generations.restore_images(target, run.outside.engine, run.outside.run)
    rest = rendered.stack.dependents(plan.gated) - plan.gated
    sick = tools.gate.sick(rendered.stack.services[name] for name in rest) if rest else {}
    atomic.ensure_dir(run.layout.base, mode=0o700, uid=run.layout.uid, gid=run.layout.gid)
    _open_journal(plan, run, "rolled_back" if target else "present")
    try:
        converge(plan, rendered, present, tools, rest - set(sick))
    except (KronosError, OSError) as error:
        raise _go_back(run, rendered, plan, error) from error
    number = _conclude(run, rendered, target)
    others = set(rendered.stack.services) - plan.gated - rest
    sick.update(tools.gate.sick(rendered.stack.services[name] for name in others))
    return {"generation": number, "sick": sick}


def _conclude(run: Run, rendered: Rendered, target: Generation | None) -> int:
    """Going back now would take a healthy version away: the journal stays, and the next run writes down the rest."""
    try:
        return conclude(run, rendered, target.number if target else 0)
    except OSError as error:
        raise KronosError(
            f"stack {rendered.stack.name}: the new version is up and healthy, but cannot be written down: "
            f"{explain(error)}. Mend that and run again"
        ) from error


def refuse_impossible(rendered: Rendered, present: Present, plan: Plan, run: Run) -> None:
    """Raise KronosError for what can be known to fail before anything is touched."""
    refuse_taken(rendered, present, plan, run.outside.port_holder, run.outside.engine)
    touched = plan.those(CREATED, RECREATED)
    for name in sorted(touched):
        for network in external_networks(rendered, name):
            if network not in present.networks:
                raise KronosError(
                    f"stack {rendered.stack.name}: {name} wants the network {network}, which does not exist"
                    ". Nothing was changed"
                )
    if touched:
        refuse_bad_definition(rendered, run.tools(rendered))


def refuse_taken(
    rendered: Rendered, present: Present, plan: Plan, port_holder: Callable[[Port], str], engine: Engine | None
) -> None:
    """Raise KronosError where somebody else has a container name or a port that we need."""
    stack = rendered.stack
    for name, image in present.containers.taken.items():
        raise KronosError(
            f"stack {stack.name}: the container name {stack.services[name].container} belongs to a container that is "
            f"not ours (image {image}): rename or remove that one. Nothing was changed"
        )
    ports = _new_ports(rendered, present, plan)
    listed = engine.containers() if ports and engine else []
    for name, port in ports:
        holder = publisher(port, listed) or port_holder(port)
        if holder:
            raise KronosError(
                f"stack {stack.name}: {name} wants port {port.port}/{port.protocol}, which {holder} has: stop that "
                f"one, or give {name} another port. Nothing was changed"
            )


def _new_ports(rendered: Rendered, present: Present, plan: Plan) -> list[tuple[str, Port]]:
    """(service, port) of what is going to be published and no running container of the stack has yet."""
    containers = present.containers
    ours = [*containers.own.values(), *containers.orphans.values(), *containers.leftovers]
    ours = [one for one in ours if one.status in ("running", "restarting", "paused")]
    if any(one.observed.get("network_mode") == "host" for one in ours):
        return []  # it may be one of these that listens
    taken = published(ours)
    return [
        (name, port)
        for name in sorted(plan.those(CREATED, RECREATED, STARTED))
        for port in wanted(rendered.units[name].definition)
        if (port.protocol, port.port) not in taken
    ]


def refuse_bad_definition(rendered: Rendered, tools: Tools) -> None:
    """Raise KronosError where compose does not accept the project."""
    try:
        tools.compose.check(rendered.project)
    except ComposeMissing as error:
        raise ComposeMissing(f"stack {rendered.stack.name}: {error}. Nothing was changed") from error
    except KronosError as error:
        raise KronosError(f"stack {rendered.stack.name}: {error}. Nothing was changed") from error


def _pull(plan: Plan, rendered: Rendered, run: Run) -> None:
    users: dict[str, list[str]] = {}
    for name, service in rendered.stack.services.items():
        users.setdefault(service.image, []).append(name)
    try:
        pull_all(run.outside.run, plan.pulls, users, run.outside.progress)
    except KronosError as error:
        raise KronosError(f"stack {rendered.stack.name}: {error}. Nothing was changed") from error


def _open_journal(plan: Plan, run: Run, operation: str) -> None:
    pending = {name: plan.actions[name].action for name in plan.gated}
    save_journal(Journal(operation, pending, run.outside.wall()), run.layout)


def _go_back(run: Run, rendered: Rendered, plan: Plan, error: Exception) -> StackFailed:
    """Put the last proven version back and prove it; the failure to report, whatever came of that."""
    failure = _failure(rendered, error, run.mask)
    state = load_state(run.layout)
    number = state.generation if state else 0
    with contextlib.suppress(OSError):  # a full disk must not keep us from going back
        generations.save(Generation(0, rendered, {}), run.layout, run.layout.failed)
    if not number:
        return _leave_stopped(run, rendered, plan, failure)
    try:
        _restore(run, generations.load(number, run.layout), plan.gated, failure)
    except (KronosError, OSError) as second:
        reason = run.mask.text(explain(second))
        with contextlib.suppress(OSError):  # the journal stands, so that the next run tries again
            _mark(run, State(rendered.stack.project, BROKEN, number, state.services if state else {}, failure))
        restored = {"generation": number, "healthy": False, "reason": reason}
        if isinstance(second, OSError):
            ending = f"Generation {number} cannot be put back: {reason}. Mend that and run again"
        else:
            ending = (
                f"Generation {number} was put back and is not healthy either: {reason}. Both are left for inspection: "
                f"the version that failed in {run.layout.failed}"
            )
        return _failed(rendered, plan, failure, restored, ending)
    restored = {"generation": number, "healthy": True}
    return _failed(rendered, plan, failure, restored, f"Generation {number} is back and healthy")


def _restore(run: Run, back: Generation, suspects: set[str], failure: Mapping[str, Any]) -> None:
    """The same steps as ever, towards a version that was proven; *suspects* are proved whatever they need."""
    rendered = back.rendered
    run.outside.progress.going_back(back.number)
    run.mask.add(secret_values(rendered, run.layout))
    generations.restore_images(back, run.outside.engine, run.outside.run)
    present = run.read(rendered)
    plan = make_plan(rendered, replace(present, journal=None), run.layout)
    converge(plan, rendered, present, run.tools(rendered), suspects & set(rendered.stack.services))
    conclude(run, rendered, back.number, failure)


def _leave_stopped(run: Run, rendered: Rendered, plan: Plan, failure: Mapping[str, Any]) -> StackFailed:
    """A first install has nothing to go back to: stop what it started and say so in the state."""
    engine = run.outside.engine
    containers = read_containers(engine, rendered)
    for name in sorted(plan.gated):
        container = containers.own.get(name)
        if container and container.status in ("running", "restarting"):
            engine.stop(container.id)
    _mark(run, State(rendered.stack.project, FAILED, 0, service_states(rendered, containers), failure))
    ending = "There is no version before it to go back to: what this run started is stopped"
    return _failed(rendered, plan, failure, {"generation": 0, "healthy": False}, ending)


def _mark(run: Run, state: State) -> None:
    save_state(state, run.layout)
    receipts.forget("stack", run.layout.stack, root=run.layout.receipts)
    if state.result == FAILED:  # else the journal still says what the next run owes to whom
        atomic.remove(run.layout.journal)


def _failure(rendered: Rendered, error: Exception, mask: Mask) -> dict[str, Any]:
    if isinstance(error, Unhealthy):
        said = {"service": error.service, "reason": error.reason, "answer": error.answer, "logs": error.logs}
    else:
        said = {"service": "", "reason": explain(error), "answer": "", "logs": ""}
    found: dict[str, Any] = mask.data(said)
    found["logs"] = [line[:LONGEST_LINE] for line in found["logs"].splitlines()]
    return {"stack": rendered.stack.name, **found}


def _failed(
    rendered: Rendered, plan: Plan, failure: Mapping[str, Any], restored: Mapping[str, Any], ending: str
) -> StackFailed:
    who = f"{failure['service']} " if failure["service"] else ""
    answer = f" (last answer: {failure['answer']})" if failure["answer"] else ""
    message = f"stack {rendered.stack.name}: {who}{failure['reason']}{answer}. {ending}."
    if failure["logs"]:
        message += "\nLast lines of its log:\n" + "\n".join(f"  {line}" for line in failure["logs"])
    return StackFailed(message, {**failure, "restored": restored, "actions": plan.results(), "changed": True})
