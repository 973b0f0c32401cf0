# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import host_state, lease, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import EngineMissing
from ansible_collections.kronos.homelab.plugins.modules import host_check


class NoDocker:
    def containers(self):
        raise EngineMissing("sock", "none", False)


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    monkeypatch.setattr(lease, "FOLDER", str(tmp_path / "run"))
    monkeypatch.setattr(host_state, "STACKS", str(tmp_path / "stacks"))
    monkeypatch.setattr(host_check, "Engine", NoDocker)
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
