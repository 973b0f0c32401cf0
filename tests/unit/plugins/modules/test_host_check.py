# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import conditions, host_state, lease, leftovers, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import EngineHangs, EngineMissing
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.modules import host_check


class NoDocker:
    def containers(self):
        raise EngineMissing("sock", "none", False)


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    monkeypatch.setattr(lease, "FOLDER", str(tmp_path / "run"))
    monkeypatch.setattr(host_state, "STACKS", str(tmp_path / "stacks"))
    monkeypatch.setattr(leftovers, "sweep", lambda: None)
    monkeypatch.setattr(host_check, "Engine", NoDocker)
    # what is judged there has tests of its own; the machine of the tests may be anything
    monkeypatch.setattr(conditions, "refuse", lambda run, controller_time: None)
    monkeypatch.setattr(conditions, "unusable", lambda places: [])
    return tmp_path


def test_a_whole_run(host, run_module):
    first = run_module(host_check, digest="d", run="one", owner="me")
    assert (first["drifted"], first["fresh"], first["lease"], first["changed"]) == (True, True, "taken", False)
    assert run_module(host_check, digest="d", run="one", state="converged")["changed"] is False
    assert lease.read() is None
    second = run_module(host_check, digest="d", run="two")
    assert (second["drifted"], second["reasons"], second["lease"]) == (False, [], "taken")
    assert run_module(host_check, digest="e", run="two")["reasons"] == ["the plan or the collection has changed"]
    run_module(host_check, state="released", run="two")
    assert lease.read() is None


def test_check_mode_takes_and_writes_nothing(host, run_module):
    seen = run_module(host_check, check=True, digest="d", run="one")
    assert (seen["drifted"], seen["lease"]) == (True, "")
    for state in ("converged", "released"):
        run_module(host_check, check=True, digest="d", run="one", state=state)
    assert list(host.iterdir()) == []


def test_a_host_that_another_run_holds(host, run_module):
    lease.take("one", "somebody")
    failed = run_module(host_check, digest="d", run="two", lease_wait=0)
    assert failed["failed"]
    assert failed["holder"]["id"] == "one"
    assert "another run holds this host: somebody, begun 0 s ago" in failed["msg"]
    seen = run_module(host_check, check=True, digest="d", run="two")
    assert seen["notices"] == ["another run holds this host: somebody"]
    assert run_module(host_check, state="converged", digest="d", run="two")["failed"]
    run_module(host_check, state="released", run="two")
    assert lease.read()["id"] == "one"
    taken = run_module(host_check, digest="d", run="two", ended_run="one", lease_wait=0)
    assert taken["lease"] == "taken over"


@pytest.mark.parametrize("check", [False, True])
def test_a_host_that_is_in_no_state_for_a_run_is_left_alone(host, run_module, monkeypatch, check):
    def refuse(run, controller_time):
        raise KronosError(f"no clock like {controller_time}")

    monkeypatch.setattr(conditions, "refuse", refuse)
    failed = run_module(host_check, check=check, digest="d", run="one", controller_time=5.5)
    assert (failed["failed"], failed["msg"]) == (True, "no clock like 5.5")
    assert list(host.iterdir()) == []


@pytest.mark.parametrize("check", [False, True])
def test_a_full_disk_stops_a_run_that_would_write_and_no_other(host, run_module, monkeypatch, check):
    run_module(host_check, digest="d", run="one")
    run_module(host_check, digest="d", run="one", state="converged")
    seen = []
    monkeypatch.setattr(conditions, "unusable", lambda places: seen.extend(places) or ["/srv is full", "/etc as well"])
    settled = run_module(host_check, check=check, digest="d", run="two", places=["/srv"], release_settled=True)
    assert (settled["drifted"], settled["notices"]) == (False, ["/srv is full", "/etc as well"])
    due = run_module(host_check, check=check, digest="e", run="two", places=["/srv"])
    assert (due["failed"], due["msg"]) == (True, "/srv is full; /etc as well. Nothing was changed")
    assert lease.read() is None
    assert {"/srv", "/opt/kronos/stacks", "/etc/kronos", "/var/lib/kronos"} <= set(seen)


def test_a_docker_that_hangs_keeps_no_lease(host, run_module, monkeypatch):
    class Hangs:
        def containers(self):
            raise EngineHangs("sock", 30)

    monkeypatch.setattr(host_check, "Engine", Hangs)
    failed = run_module(host_check, digest="d", run="one")
    assert (failed["failed"], lease.read()) == (True, None)
    assert failed["msg"].startswith("Docker hangs: no answer at sock within 30 s.")


def test_holding_only(host, run_module):
    assert run_module(host_check, check=True, state="held", run="one")["lease"] == ""
    assert lease.read() is None
    held = run_module(host_check, state="held", run="one")
    assert (held["changed"], held["lease"], held["run"], lease.read()["id"]) == (False, "taken", "one", "one")
    assert run_module(host_check, state="held", run="two", lease_wait=0)["holder"]["id"] == "one"
    run_module(host_check, state="released", run="one")
    assert lease.read() is None


@pytest.mark.parametrize("state", ["checked", "held"])
def test_what_a_dead_run_left_at_work_is_waited_for_and_swept_after(host, run_module, monkeypatch, state):
    done = []
    monkeypatch.setattr(leftovers, "sweep", lambda: done.append("swept"))
    monkeypatch.setattr(lease, "TURN_WAIT", 0)
    lease.take("one", "somebody")
    with lease.turn("one"):
        failed = run_module(host_check, state=state, run="two", ended_run="one")
    assert failed["msg"].startswith(f"process {os.getpid()} of one still works on this host")
    assert (done, lease.read()) == ([], None)
    run_module(host_check, state=state, run="two")
    assert done == ["swept"]


def test_another_value_of_a_given_secret_makes_a_run_due(host, run_module, monkeypatch):
    run_module(host_check, digest="d", run="one", state="converged")
    monkeypatch.setattr(host_check.secret_marks, "differing", lambda given, salt: [f"{given} {salt}"])
    due = run_module(host_check, digest="d", run="two", given={"vault": {"token": "f00"}}, salt="5")
    assert due["drifted"]
    assert len(due["reasons"]) == 1
