# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller half: what it asks the module, and when it asks twice."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.action import host_check

HELD = {"failed": True, "msg": "held", "holder": {"id": "other"}}
FREE = {"drifted": False}


class Task:
    args = {"digest": "d", "run": "mine", "lease_wait": 60}
    async_val = 0
    check_mode = False


@pytest.mark.parametrize(
    ("answers", "ended", "asked"),
    [
        ([FREE], False, [{"lease_wait": 0}]),
        ([HELD, HELD], False, [{"lease_wait": 0}, {"lease_wait": 60}]),
        ([HELD, FREE], True, [{"lease_wait": 0}, {"lease_wait": 60, "ended_run": "other"}]),
        ([{"failed": True, "msg": "broken"}], True, [{"lease_wait": 0}]),
    ],
)
def test_asks_again_only_where_another_run_holds_the_host(monkeypatch, answers, ended, asked):
    calls = []

    def execute(self, module_name, module_args, task_vars):
        assert module_name == "kronos.homelab.host_check"
        calls.append(module_args)
        return answers[len(calls) - 1]

    monkeypatch.setattr(host_check.ActionBase, "run", lambda self, tmp, task_vars: {})
    monkeypatch.setattr(host_check.ActionModule, "_execute_module", execute)
    monkeypatch.setattr(host_check.time, "time", lambda: 1234.5)
    monkeypatch.setattr(host_check, "has_ended", lambda run: ended and run == "other")
    action = host_check.ActionModule.__new__(host_check.ActionModule)
    action._task = Task()
    assert action.run(None, {}) == answers[len(calls) - 1]
    assert calls == [{"digest": "d", "run": "mine", "controller_time": 1234.5, **more} for more in asked]
