# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module says to Ansible."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.shell import run_module

RED = "\x1b[31mred\x1b[0m\r\u202e"
SHOWN = "\\x1b[31mred\\x1b[0m\\x0d\\u202e"


class Detailed(KronosError):
    """An error as the stack module raises it."""

    details = {"logs": [RED], "answer": RED}


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """``say(work)`` gives what a module with that work says."""
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)

    def run(work: Any) -> Any:
        with patch_module_args({"_ansible_check_mode": True}), pytest.raises(SystemExit):
            run_module({}, work)
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def test_a_result_commands_no_terminal(say: Any) -> None:
    said = say(lambda params, check: {"changed": False, "sick": {RED: RED}, "warnings": [RED]})
    assert said["sick"] == {SHOWN: SHOWN}
    assert RED not in json.dumps(said)
    assert json.dumps(SHOWN) in json.dumps(said["warnings"])


def test_a_failure_commands_no_terminal(say: Any) -> None:
    def work(params: Any, check: bool) -> Any:
        raise Detailed(f"it said {RED}")

    said = say(work)
    assert (said["failed"], said["msg"], said["logs"], said["answer"]) == (True, f"it said {SHOWN}", [SHOWN], SHOWN)
