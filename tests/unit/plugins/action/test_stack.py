# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller half of stack: it shows progress where our callback shows the run, and disturbs nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.action import stack
from ansible_collections.kronos.homelab.plugins.plugin_utils import console, settled

NOTE = {"phase": "health", "names": ["radarr"], "done": 0, "total": 1, "since": 100.0, "said": "", "back_to": 0}
ANSWER = f"100.20 1.00\n{json.dumps(NOTE)}\n".encode()
RESULT = {"changed": True, "actions": {}}


class Connection:
    """Answers as a host does; the copy that asks must be without become."""

    def __init__(self, transport: str = "ssh", fails: bool = False) -> None:
        self.transport = transport
        self.fails = fails
        self.become: Any = "sudo"
        self.asked: list[tuple[Any, bool]] = []

    def set_become_plugin(self, plugin: Any) -> None:
        self.become = plugin

    def exec_command(self, command: str, in_data: Any = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        self.asked.append((self.become, sudoable))
        if self.fails:
            raise OSError("the connection is gone")
        return 0, ANSWER, b""


class Task:
    args = {"name": "media"}

    def get_name(self) -> str:
        return "Converge media"

    async_val = 0
    check_mode = False


class Paper:
    """Stands in for Ansible's Display."""

    verbosity = 0

    def __init__(self) -> None:
        self.said: list[str] = []
        self.event = threading.Event()

    def display(self, msg: str, **_how: Any) -> None:
        self.said.append(msg)
        self.event.set()


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Paper]:
    found = Paper()
    monkeypatch.setattr(stack, "display", found)
    monkeypatch.setattr(stack, "FIRST", 0.0)
    yield found
    console.use(None)


def run(monkeypatch: pytest.MonkeyPatch, connection: Connection, work: Any, **task: Any) -> dict[str, Any]:
    def module(self: Any, tmp: Any, task_vars: Any) -> dict[str, Any]:
        work()
        return RESULT

    monkeypatch.setattr(settled.NormalAction, "run", module)
    action = stack.ActionModule.__new__(stack.ActionModule)
    action._task = type("ThisTask", (Task,), task)()
    action._connection = connection
    found: dict[str, Any] = action.run(None, {"inventory_hostname": "lab1"})
    return found


@pytest.mark.parametrize(("named", "prefix"), [(True, "lab1: "), (False, "")])
def test_progress_is_shown(monkeypatch: pytest.MonkeyPatch, paper: Paper, named: bool, prefix: str) -> None:
    console.use(console.Screen(named=named))
    connection = Connection()
    assert run(monkeypatch, connection, lambda: paper.event.wait(5)) is RESULT
    assert paper.said == [f"{prefix}media: waiting for radarr to be healthy, 0 s"]
    assert connection.asked == [(None, False)]
    assert connection.become == "sudo", "the task's own connection stays as it is"


@pytest.mark.parametrize(
    ("screen", "verbosity", "task"),
    [
        pytest.param(None, 0, {}, id="another callback shows the run"),
        pytest.param(console.Screen(), 3, {}, id="every command is shown"),
        pytest.param(console.Screen(), 0, {"check_mode": True}, id="check mode"),
        pytest.param(console.Screen(), 0, {"async_val": 60}, id="async"),
    ],
)
def test_silent_where_there_is_nothing_to_watch(
    monkeypatch: pytest.MonkeyPatch,
    paper: Paper,
    screen: console.Screen | None,
    verbosity: int,
    task: dict[str, Any],
) -> None:
    console.use(screen)
    paper.verbosity = verbosity
    threads = []
    run(monkeypatch, Connection(), lambda: threads.append(threading.active_count()), **task)
    assert threads == [threading.active_count()]
    assert paper.said == []


@pytest.mark.parametrize(
    ("transport", "asked"),
    [("local", True), ("community.docker.docker", True), ("ansible.netcommon.network_cli", False)],
)
def test_only_connections_that_bear_it_are_asked(transport: str, asked: bool) -> None:
    connection = Connection(transport)
    assert bool(stack.asker(connection)("cat note")) == asked
    assert bool(connection.asked) == asked


def test_a_connection_that_fails_disturbs_nothing(monkeypatch: pytest.MonkeyPatch, paper: Paper) -> None:
    console.use(console.Screen())
    connection = Connection(fails=True)

    def until_asked() -> None:
        ended = threading.Event()
        while not connection.asked:
            ended.wait(0.01)

    assert run(monkeypatch, connection, until_asked) is RESULT
    assert paper.said == []


def test_a_task_that_fails_ends_the_watching(monkeypatch: pytest.MonkeyPatch, paper: Paper) -> None:
    console.use(console.Screen())

    def fail() -> None:
        raise RuntimeError("of the task")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="of the task"):
        run(monkeypatch, Connection(), fail)
    assert threading.active_count() == before
