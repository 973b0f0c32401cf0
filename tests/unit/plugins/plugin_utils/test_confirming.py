# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Confirming over a new connection, with a host that hears, is deaf, or goes back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.kronos.homelab.plugins.plugin_utils import confirming

REQUEST = {"what": "firewall", "token": "abc", "seconds": 30}
REFUSED = AnsibleConnectionFailure("Failed to connect\nssh: connect to host 192.0.2.1 port 22: Connection timed out")


class World:
    """A clock, and a link that answers from a list; the last answer is given again and again."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.time = 0.0
        self.log = []
        self.clock = confirming.Clock(lambda: self.time, self.sleep)

    def sleep(self, seconds):
        self.time += seconds

    def renew(self):
        self.log.append("renew")

    def command(self, text):
        self.log.append(text.removeprefix(confirming.PROGRAM).strip())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            self.time += 10
            raise answer
        return answer


def test_a_new_connection_carries_the_token():
    world = World((0, "firewall: confirmed"))
    assert confirming.confirm(world, REQUEST, world.clock) == ""
    assert world.log == ["renew", "confirm firewall --token abc"]


def test_a_connection_that_comes_late_is_in_time():
    world = World(REFUSED, REFUSED, (0, "firewall: confirmed"))
    assert confirming.confirm(world, REQUEST, world.clock) == ""
    assert world.log.count("renew") == 3


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([REFUSED] * 3 + [(0, "firewall: put back")], "Connection timed out). The old state is back"),
        ([REFUSED], "it does not answer yet"),
        ([(3, "firewall: nothing waits"), (0, "firewall: put back")], "came too late. The old state is back"),
        ([REFUSED, (3, "firewall: nothing waits"), (0, "firewall: put back")], "timed out). The old state is back"),
        ([(4, "another change")] * 30 + [(0, "firewall: put back")], "another change. The old state is back"),
    ],
)
def test_what_did_not_get_through_is_told_in_one_line(answers, said):
    world = World(*answers)
    trouble = confirming.confirm(world, REQUEST, world.clock)
    assert trouble.startswith("firewall: ")
    assert trouble.endswith(said)
    assert "\n" not in trouble
    assert world.time <= REQUEST["seconds"] + confirming.BACK_WITHIN + 15


@pytest.mark.parametrize(
    ("said", "outcome"),
    [("firewall: confirmed", ""), ("firewall: put back", "nobody ran `kronos-confirm` in time. The old state is back")],
)
def test_on_the_host_itself_a_person_confirms(said, outcome):
    world = World((0, "firewall: waits to be confirmed"), (0, "firewall: waits to be confirmed"), (0, said))
    trouble = confirming.wait_for_person(world, REQUEST, world.clock)
    assert trouble.endswith(outcome)
    assert bool(trouble) == bool(outcome)


class Action:
    """An action plugin on a connection that works."""

    def __init__(self, transport, said):
        self.warnings, self.resets, self.said = [], 0, said
        self._connection = SimpleNamespace(transport=transport, reset=self.reset)
        self._display = SimpleNamespace(warning=self.warnings.append)

    def reset(self):
        self.resets += 1

    def _low_level_execute_command(self, text):
        return {"rc": 0, "stdout": self.said, "stderr": ""}


def test_nothing_is_asked_where_nothing_was_applied():
    action = Action("ssh", "")
    assert confirming.settle(action, {"changed": False}) == {"changed": False}
    assert action.resets == 0


@pytest.mark.parametrize(("transport", "resets"), [("ssh", 1), ("ansible.builtin.ssh", 1), ("local", 0)])
def test_the_token_is_not_shown(transport, resets):
    action = Action(transport, "firewall: confirmed")
    assert confirming.settle(action, {"changed": True, "confirm": REQUEST}) == {"changed": True, "confirmed": True}
    assert action.resets == resets
    assert bool(action.warnings) == (transport == "local")
