# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import stack_state
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_state import Journal, ServiceState, State


@pytest.fixture
def layout(tmp_path):
    (tmp_path / "own").mkdir()
    return Layout("own", stacks=str(tmp_path), run=str(tmp_path / "run"), uid=os.geteuid(), gid=os.getegid())


def test_state_and_journal_come_back(layout):
    state = State("kronos-own", "good", 3, {"web": ServiceState("d", "r", "g", {"a": "b"}, {"image": "x"}, {"c": "d"})})
    stack_state.save_state(state, layout)
    assert stack_state.load_state(layout) == state
    assert oct(os.stat(layout.state).st_mode & 0o777) == "0o600"
    journal = Journal("present", {"web": "created"}, 5.0)
    stack_state.save_journal(journal, layout)
    assert stack_state.load_journal(layout) == journal


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 2}', '{"schema": 1, "services": []}', "null"])
def test_what_cannot_be_understood(layout, text):
    for path in (layout.state, layout.journal):
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
    assert stack_state.load_state(layout) is None
    assert stack_state.load_journal(layout) == Journal("unknown", {}, 0)


def test_nothing_there(layout):
    assert stack_state.load_state(layout) is None
    assert stack_state.load_journal(layout) is None


def test_a_later_version_may_write_more(layout):
    stack_state.write_json(layout.state, {"schema": 1, "project": "p", "services": {}, "new": 1}, layout)
    assert stack_state.load_state(layout) == State("p")


def test_the_lock_waits_then_names_its_holder(layout):
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    with stack_state.locked(layout, "root@controller:1:2"):
        with (
            pytest.raises(KronosError, match=rf"\(root@controller:1:2, process {os.getpid()}\) .* within 600 s"),
            stack_state.locked(layout, "other", clock=lambda: now[0], sleep=sleep),
        ):
            pass
        assert now[0] >= 600
    with stack_state.locked(layout, "next") as handle:
        assert os.get_inheritable(handle) is False
        with open(layout.lock, encoding="utf-8") as stream:
            assert json.load(stream)["owner"] == "next"


def test_a_program_that_inherits_the_lock_holds_it(layout):
    from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner

    with stack_state.locked(layout, "first") as handle:
        HostRunner(keep=(handle,))(["sh", "-c", "sleep 1 >/dev/null 2>&1 </dev/null & exec >&- 2>&-"])
    with pytest.raises(KronosError, match="first"), stack_state.locked(layout, "second", wait=0):
        pass
    with stack_state.locked(layout, "second", wait=5):
        pass
