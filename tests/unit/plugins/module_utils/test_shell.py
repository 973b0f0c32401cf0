# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module does around its own work."""

from __future__ import annotations

import json
import os

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kronos.homelab.plugins.module_utils import lease, receipts, settled, shell
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

RED = "\x1b[31mred\x1b[0m\r\u202e"
SHOWN = "\\x1b[31mred\\x1b[0m\\x0d\\u202e"


class Detailed(KronosError):
    """An error as the stack module raises it."""

    details = {"logs": [RED], "answer": RED}


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    monkeypatch.setattr(lease, "FOLDER", str(tmp_path / "run"))
    monkeypatch.setattr(lease, "TURN_WAIT", 0)


@pytest.fixture
def ran(capsys):
    """``ran(run, check, renew)`` gives the result of a module whose work is to say whose turn it is."""

    def run_it(run, check=False, renew=True):
        def work(params, check_mode):
            with open(os.path.join(lease.FOLDER, "work.lock"), encoding="utf-8") as stream:
                return {"changed": True, "turn": stream.read()}

        with patch_module_args({"run": run, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            shell.run_module({}, work, renew=renew)
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run_it


def test_a_module_of_a_run_has_its_turn_and_renews_the_lease(ran):
    assert json.loads(ran("one")["turn"]) == {"pid": os.getpid(), "run": "one"}
    assert lease.read()["id"] == "one"
    assert "another run holds this host: one" in ran("two")["msg"]
    assert ran("")["msg"].endswith("needs its option `run`")


def test_a_module_on_its_own_has_its_turn_and_no_lease(ran):
    assert json.loads(ran("")["turn"])["run"] == ""
    assert lease.read() is None
    with lease.turn(""):
        assert "still works on this host" in ran("one")["msg"]


@pytest.mark.parametrize(("check", "renew"), [(True, True), (False, False)])
def test_who_only_looks_needs_no_turn(ran, check, renew):
    with lease.turn("other"):
        assert json.loads(ran("one", check, renew)["turn"])["run"] == "other"
    assert lease.read() is None


def test_who_is_not_root_and_of_no_run_changes_only_what_is_his(ran, monkeypatch):
    with lease.turn("other"):
        monkeypatch.setattr(shell.os, "geteuid", lambda: 1000)
        assert json.loads(ran("")["turn"])["run"] == "other"


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("user", [0, 1000])
def test_who_needs_root_says_so_at_once(monkeypatch, capsys, user, check):
    worked = []

    def work(params, check_mode):
        worked.append(params)
        return {"changed": False}

    monkeypatch.setattr(shell.os, "geteuid", lambda: user)
    monkeypatch.setattr(shell, "_begin", lambda run, stack: None)
    with patch_module_args({"_ansible_check_mode": check}), pytest.raises(SystemExit):
        shell.run_module({}, work, root=True)
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (len(worked), said.get("msg")) == ((1, None) if user == 0 else (0, shell.NEEDS_ROOT))
    assert "become: true" in shell.NEEDS_ROOT


@pytest.fixture
def say(capsys, monkeypatch):
    """``say(work)`` gives what a module with that work says."""
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)

    def run(work):
        with patch_module_args({"_ansible_check_mode": True}), pytest.raises(SystemExit):
            shell.run_module({}, work)
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def test_a_result_commands_no_terminal(say):
    said = say(lambda params, check: {"changed": False, "sick": {RED: RED}, "warnings": [RED]})
    assert said["sick"] == {SHOWN: SHOWN}
    assert RED not in json.dumps(said)
    assert json.dumps(SHOWN) in json.dumps(said["warnings"])


def test_a_failure_commands_no_terminal(say):
    def work(params, check):
        raise Detailed(f"it said {RED}")

    said = say(work)
    assert (said["failed"], said["msg"], said["logs"], said["answer"]) == (True, f"it said {SHOWN}", [SHOWN], SHOWN)


@pytest.mark.parametrize(
    ("asked", "check", "fails", "noted"),
    [
        ("call", False, False, {"call": {"generation": 4}}),
        ("", False, False, None),
        ("call", True, False, None),
        ("call", False, True, None),
    ],
    ids=["of a run", "on its own", "check mode", "failed"],
)
def test_a_call_that_ended_well_is_noted(monkeypatch, tmp_path, capsys, asked, check, fails, noted):
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    receipts.write("stack", "media", "d", {})

    def work(params, check_mode):
        if fails:
            raise KronosError("no")
        return {"changed": True, "generation": 4, "actions": {}}

    leaves = shell.Leaves(lambda params: ("stack", "media"), ("generation", "not returned"))
    with patch_module_args({"asked": asked, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        shell.run_module({}, work, leaves=leaves)
    capsys.readouterr()
    found = receipts.read(settled.KIND, "stack--media")
    assert (found["left"]["calls"] if found else None) == noted
