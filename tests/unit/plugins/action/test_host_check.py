# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller half: what it asks the module, and when it asks twice."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from ansible_collections.kronos.homelab.plugins.action import host_check

HELD = {"failed": True, "msg": "held", "holder": {"id": "other"}}
FREE = {"drifted": False}


OTHERS = {"failed": True, "msg": "held", "holder": {"id": "third", "owner": "somebody"}}


def ask(monkeypatch, answers, dead=(), result=None, **args):
    """What the action returns, what it asked the module, and what it told."""
    calls, told = [], []

    def execute(self, module_name, module_args, task_vars):
        assert module_name == "kronos.homelab.host_check"
        assert module_args.pop("controller_time") == 1234.5
        calls.append(module_args)
        return answers[len(calls) - 1]

    monkeypatch.setattr(host_check.ActionBase, "run", lambda self, tmp, task_vars: {})
    monkeypatch.setattr(host_check.ActionModule, "_execute_module", execute)
    monkeypatch.setattr(host_check.time, "time", lambda: 1234.5)
    monkeypatch.setattr(host_check, "has_ended", lambda run: run in dead)
    monkeypatch.setattr(host_check, "run_id", lambda pid: f"run of {pid}")
    action = host_check.ActionModule.__new__(host_check.ActionModule)
    action._task = SimpleNamespace(args=args, async_val=0, check_mode=False)
    action._display = SimpleNamespace(display=told.append)
    returned = action.run(None, {"inventory_hostname": "atlas"})
    assert returned == (result or answers[len(calls) - 1])
    return calls, told


@pytest.mark.parametrize(
    ("answers", "dead", "wait", "asked"),
    [
        ([FREE], [], 25, [(0, "")]),
        ([HELD, HELD, HELD, HELD], [], 25, [(0, ""), (10, ""), (10, ""), (5, "")]),
        ([HELD], [], 0, [(0, "")]),
        ([HELD, FREE], [], 25, [(0, ""), (10, "")]),
        ([HELD, FREE], ["other"], 25, [(0, ""), (25, "other")]),
        ([HELD, OTHERS, FREE], ["third"], 25, [(0, ""), (10, ""), (15, "third")]),
        ([{"failed": True, "msg": "broken"}], ["other"], 25, [(0, "")]),
    ],
    ids=["free", "never free", "no patience", "free in time", "dead", "the next one died meanwhile", "another failure"],
)
def test_waits_for_the_living_and_takes_over_from_the_dead(monkeypatch, answers, dead, wait, asked):
    calls, told = ask(monkeypatch, answers, dead, digest="d", run="mine", lease_wait=str(wait))
    wanted = [{"lease_wait": seconds, **({"ended_run": ended} if ended else {})} for seconds, ended in asked]
    assert calls == [{"digest": "d", "run": "mine", **one} for one in wanted]
    waited = len(calls) > 1 and "ended_run" not in calls[1]
    assert told == (["atlas: waiting up to 25 s for another run to end: other"] if waited else [])


@pytest.mark.parametrize(
    ("args", "run"),
    [
        ({"state": "held"}, f"run of {os.getppid()}"),
        ({"state": "released", "run": ""}, f"run of {os.getppid()}"),
        ({"state": "held", "run": "mine"}, "mine"),
        ({}, None),
    ],
)
def test_a_playbook_without_a_plan_is_a_run_as_well(monkeypatch, args, run):
    calls, _told = ask(monkeypatch, [FREE], **args)
    assert calls[0].get("run") == run


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"module_stderr": "visitor is not in the sudoers file.\n"}, "visitor is not in the sudoers file."),
        ({"module_stderr": "", "module_stdout": "a\n\nb\nc\nd\n"}, "b / c / d."),
        ({"module_stderr": "", "rc": 137}, "exit code 137, not a word."),
    ],
)
def test_a_host_that_cannot_start_the_module_says_why(monkeypatch, answer, said):
    told = {"failed": True, "msg": f"no task can be run on the host: {said} Nothing was changed"}
    ask(monkeypatch, [{"failed": True, "msg": "Module result deserialization failed", **answer}], result=told)


def test_the_host_gets_marks_of_secrets_and_no_secret(monkeypatch):
    monkeypatch.setattr(host_check.secrets, "token_hex", lambda size: "salt")
    calls, _told = ask(monkeypatch, [FREE], given={"vault": {"token": "marker-4711"}})
    assert calls[0]["salt"] == "salt"
    assert calls[0]["given"] == host_check.marks({"vault": {"token": "marker-4711"}}, "salt")
    assert "marker-4711" not in str(calls)
