# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import stack_flow, stack_report
from ansible_collections.kronos.homelab.plugins.modules import stack as module
from ansible_collections.kronos.homelab.plugins.modules import stack_info
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import TOKEN, demo_host, stack


@pytest.fixture
def host(tmp_path, monkeypatch):
    found = demo_host(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.setattr(
        module, "work", lambda params, check: stack_flow.work(params, check, found.world(), found.layout())
    )
    monkeypatch.setattr(stack_info, "report", lambda name: stack_report.report(name, found.world(), found.layout()))
    return found


def test_check_mode_says_what_the_run_does_and_a_second_run_is_quiet(host, run_module):
    predicted = run_module(module, check=True, name="demo", **stack(host))
    assert not host.boxes
    done = run_module(module, name="demo", **stack(host))
    assert predicted["changed"]
    assert predicted["actions"] == done["actions"]
    # Without the key of fingerprints nothing else can be told apart.
    assert predicted["diff"] == done["diff"]
    assert not run_module(module, name="demo", **stack(host))["changed"]
    assert run_module(stack_info, name="demo")["stacks"]["demo"]["generation"] == 1


def test_a_bad_update_fails_with_everything_that_helps(host, run_module):
    run_module(module, name="demo", **stack(host))
    host.log = f"bad password {TOKEN}\n"
    failed = run_module(module, name="demo", health_timeout=5, **stack(host, web="sick"))
    assert failed["failed"]
    assert (failed["service"], failed["answer"]) == ("web", 'HTTP 503: {"status": "sick"}')
    assert failed["restored"] == {"generation": 1, "healthy": True}
    assert failed["logs"] == ["bad password ********"]
    assert failed["actions"]["web"] == {"action": "recreated", "keys": ["image"]}
    assert "marker" not in str(failed)


def test_neighbours_that_are_sick_become_warnings(host, run_module):
    run_module(module, name="demo", **stack(host))
    host.box("late").definition["image"] = "x:sick"
    done = run_module(module, name="demo", **stack(host, rules="1.1"))
    assert any("late was not changed and is not healthy" in str(one) for one in done["warnings"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"state": "rolled_back"}, "there is no generation to go back to"),
        ({"state": "rolled_back", "generation": 7}, "generation 7 is not there or not whole; kept: none"),
        ({"project": {"services": {"web": {}}}}, "project.services.web.image: missing"),
    ],
)
def test_one_clear_line(host, run_module, options, message):
    failed = run_module(module, name="demo", **options)
    assert failed["failed"]
    assert message in failed["msg"]
    assert not failed.get("exception") or "Traceback" not in str(failed["exception"])
