# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves for the next one: the state, the journal of an operation in flight, and the lock.

``state.json`` is the last finished truth: which generation is live, and for each service what its container
looked like when it was proven. ``journal.json`` exists from before the first change to after the last one, so
that a run that was killed is finished by the next.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, kernel_lock
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout

GOOD, FAILED, BROKEN = "good", "failed", "broken"


@dataclass(frozen=True)
class ServiceState:
    """One service as it was proven; ``observed`` is what Docker said of its container, key → hash."""

    digest: str
    reload: str = ""
    gate: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    definition: Mapping[str, Any] = field(default_factory=dict, repr=False)
    observed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """``result``: good, failed (a first install that never was healthy), broken (nor was the version before)."""

    project: str
    result: str = GOOD
    generation: int = 0
    services: Mapping[str, ServiceState] = field(default_factory=dict)
    failure: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Journal:
    """An operation in flight: what it meant to do to which service."""

    operation: str
    pending: Mapping[str, str]
    begun: float


def load_state(layout: Layout) -> State | None:
    """The state; None where there is none or it cannot be understood."""
    data = read_json(layout.state)
    try:
        if data is None or data["schema"] != 1:
            return None
        services = {name: ServiceState(**known(ServiceState, one)) for name, one in data["services"].items()}
        return State(**{**known(State, data), "services": services})
    except (KeyError, TypeError, AttributeError):
        return None


def save_state(state: State, layout: Layout) -> None:
    """Write the state in one step."""
    write_json(layout.state, {"schema": 1, **asdict(state)}, layout)


def load_journal(layout: Layout) -> Journal | None:
    """The operation that a killed run left; None is the rule."""
    data = read_json(layout.journal)
    if data is None:
        # Whatever cannot be read stands for an operation of unknown extent.
        return Journal("unknown", {}, 0) if os.path.lexists(layout.journal) else None
    try:
        return Journal(str(data["operation"]), dict(data["pending"]), float(data["begun"]))
    except (KeyError, TypeError, ValueError):
        return Journal("unknown", {}, 0)


def save_journal(journal: Journal, layout: Layout) -> None:
    """Note an operation before its first change."""
    write_json(layout.journal, asdict(journal), layout)


def read_json(path: str) -> dict[str, Any] | None:
    """A JSON object; None where there is none or it cannot be understood."""
    try:
        with open(path, encoding="utf-8") as stream:
            data = json.load(stream)
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def write_json(path: str, data: Mapping[str, Any], layout: Layout) -> None:
    """Write a JSON object in one step, 0600."""
    text = json.dumps(data, indent=1, sort_keys=True) + "\n"
    atomic.write_file(path, text.encode(), mode=0o600, uid=layout.uid, gid=layout.gid)


@contextmanager
def locked(
    layout: Layout,
    owner: str,
    wait: float = 600,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[int]:
    """Hold the stack's lock; gives its file descriptor.

    A program that inherits the descriptor holds the lock with us: when this process is killed, the next run
    waits for the ``docker compose up`` that it left behind, which may be stopping a container that takes its time.
    Raises KronosError naming the holder after *wait* seconds.
    """

    def refusal(holder: dict[str, Any]) -> str:
        who = f"{holder.get('owner') or 'unknown'}, process {holder.get('pid', '?')}"
        return f"stack {layout.stack}: another run works on it ({who}) and did not end within {wait:.0f} s"

    with kernel_lock.held(layout.lock, {"owner": owner}, wait, refusal, clock=clock, sleep=sleep) as handle:
        yield handle


def known(kind: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """What of *data* the dataclass *kind* has fields for; other versions of the collection may write more."""
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in data.items() if name in names}
