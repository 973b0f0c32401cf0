# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller half: when a task on the host is spared."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils import settled

ARGUMENTS = {"name": "media", "project": {"services": {"a": {"image": "x"}}}, "run": "me"}
CALL = settled.call_digest("kronos.homelab.stack", ARGUMENTS, "c1")
FACTS = {"generation": 4}


@pytest.mark.parametrize(
    ("module", "changes", "collection", "same"),
    [
        ("kronos.homelab.stack", {}, "c1", True),
        ("kronos.homelab.stack", {"run": "another"}, "c1", True),
        ("kronos.homelab.stack", {"awaited_secrets": ["a/b"]}, "c1", True),
        ("kronos.homelab.stack", {"project": {"services": {"a": {"image": "y"}}}}, "c1", False),
        ("kronos.homelab.stack", {"keep_generations": 5}, "c1", False),
        ("kronos.homelab.stack", {}, "c2", False),
        ("kronos.homelab.units", {}, "c1", False),
    ],
)
def test_what_makes_another_call(module: str, changes: dict[str, Any], collection: str, same: bool) -> None:
    assert (settled.call_digest(module, {**ARGUMENTS, **changes}, collection) == CALL) is same


@pytest.mark.parametrize(
    ("known", "facts", "answer"),
    [
        ({CALL: FACTS}, {}, {"changed": False, "settled": True, "generation": 4}),
        ({CALL: {}}, {"kronos_disturbed": "a run of yesterday"}, {"changed": False, "settled": True}),
        ({CALL: FACTS}, {"kronos_disturbed": "me"}, None),
        ({"other": FACTS}, {}, None),
        ({}, {}, None),
    ],
    ids=["known", "disturbed long ago", "disturbed by this run", "another call", "nothing known"],
)
def test_the_known_answer(known: Any, facts: Any, answer: Any) -> None:
    assert settled.known_answer(CALL, known, facts, "me") == answer


def act(
    monkeypatch: pytest.MonkeyPatch, below: bool, known: Any, changed: bool, **arguments: Any
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What the action returns, and the arguments that the module got (None: it was not called)."""
    called: list[dict[str, Any]] = []

    def module(self: Any, tmp: Any, task_vars: Any) -> dict[str, Any]:
        called.append(self._task.args)
        return {"changed": changed}

    monkeypatch.setattr(settled.NormalAction, "run", module)
    monkeypatch.setattr(settled.SettledAction, "BELOW", below)
    action = settled.SettledAction.__new__(settled.SettledAction)
    action._task = SimpleNamespace(args={**ARGUMENTS, **arguments}, resolved_action="kronos.homelab.stack")
    action._templar = SimpleNamespace(template=lambda value: value)
    plan = {"run": "me", "collection": "c1"}
    result = action.run(None, {"kronos_plan": plan, settled.KNOWN: known, "ansible_facts": {}})
    return result, called[0] if called else None


def test_a_known_call_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    result, called = act(monkeypatch, True, {CALL: FACTS}, True)
    assert (result, called) == ({"changed": False, "settled": True, "generation": 4}, None)


@pytest.mark.parametrize(("below", "changed", "fact"), [(True, True, "me"), (True, False, None), (False, True, None)])
def test_an_unknown_call_is_made_and_noted(
    monkeypatch: pytest.MonkeyPatch, below: bool, changed: bool, fact: str | None
) -> None:
    result, called = act(monkeypatch, below, None, changed)
    assert called == {**ARGUMENTS, "asked": CALL}
    assert result.get("ansible_facts", {}).get("ansible_kronos_disturbed") == fact


@pytest.mark.parametrize("arguments", [{"run": ""}, {"run": "of another play"}, {"state": "absent"}])
def test_what_is_no_part_of_the_run_is_always_done(monkeypatch: pytest.MonkeyPatch, arguments: Any) -> None:
    known = {settled.call_digest("kronos.homelab.stack", {**ARGUMENTS, **arguments}, "c1"): {}}
    result, called = act(monkeypatch, False, known, True, **arguments)
    assert called == {**ARGUMENTS, **arguments}
    assert result == {"changed": True}


def test_who_is_never_spared_tells_the_others_of_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled.SettledAction, "SPARED", False)
    result, called = act(monkeypatch, True, {CALL: FACTS}, True)
    assert called == ARGUMENTS, "no digest of values leaves the controller"
    assert result == {"changed": True, "ansible_facts": {"ansible_kronos_disturbed": "me"}}
