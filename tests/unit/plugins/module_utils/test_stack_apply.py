# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.probe import Answer
from ansible_collections.kronos.homelab.plugins.module_utils.stack_execute import StackFailed
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import HEALTH, demo_host, stack


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    return demo_host(tmp_path)


def reloading(host, content, reload):
    wanted = stack(host)
    wanted["services"]["rules"]["files"][0]["content"] = content
    wanted["services"]["rules"]["reload"] = reload
    return wanted


RELOADS = [
    ({"signal": "HUP"}, [("signal", "rules", "HUP")]),
    ({"http": {"port": 8080, "path": "/-/reload"}}, [("reload", "rules")]),
    ({"watch": True}, []),
    ({"watch": True, "check": HEALTH}, []),
]


@pytest.mark.parametrize(("reload", "asked"), RELOADS, ids=range(len(RELOADS)))
def test_ways_to_reload(host, reload, asked):
    host.converge(**reloading(host, "r: 1\n", reload))
    begun = host.box("rules").begun
    host.calls.clear()
    done = host.converge(**reloading(host, "r: 2\n", reload))
    assert done["actions"]["rules"] == {"action": "reloaded", "keys": ["files.rules/r.yml"]}
    assert [one for one in host.calls if one[0] in ("signal", "reload", "up", "restart")] == asked
    assert host.box("rules").begun == begun, "it was not restarted"


def content(host):
    with open(f"{host.layout().files('rules')}/rules/r.yml", encoding="utf-8") as stream:
        return stream.read()


REFUSED = [
    {"http": {"port": 8080, "path": "/-/reload"}},
    {"signal": "HUP", "check": {"http": {"port": 8080, "path": "/check"}}},
]


@pytest.mark.parametrize("reload", REFUSED, ids=["by http", "by check"])
def test_files_that_a_service_refuses_are_taken_back(host, reload, monkeypatch):
    host.converge(**reloading(host, "r: 1\n", reload))

    def judge(box, probe):
        wrong = content(host) == "r: bad\n" and probe.path in ("/-/reload", "/check")
        return Answer(400, "line 1: bad rule") if wrong else Answer(200, '{"status": "ok"}')

    monkeypatch.setattr(host, "_answer", judge)
    with pytest.raises(StackFailed) as failure:
        host.converge(**reloading(host, "r: bad\n", reload))
    assert failure.value.details["reason"] == "does not take its new files"
    assert failure.value.details["answer"] == "HTTP 400: line 1: bad rule"
    assert failure.value.details["restored"] == {"generation": 1, "healthy": True}
    assert content(host) == "r: 1\n"
    assert not host.converge(**reloading(host, "r: 1\n", reload))["changed"]


def test_a_service_in_a_crash_loop_is_restarted_with_the_files_that_mend_it(host):
    reload = {"signal": "HUP"}
    host.converge(**reloading(host, "r: 1\n", reload))
    host.box("rules").definition["image"] = "x:exits"
    host.now += 60
    check = host.converge(check=True, **reloading(host, "r: 2\n", reload))
    assert check["actions"]["rules"] == {"action": "restarted", "keys": ["files.rules/r.yml"]}
