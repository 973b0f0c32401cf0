# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of a run, and whether that run is over."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.run_id import has_ended, run_id


def test_a_run_has_one_name_and_it_says_who_and_where() -> None:
    assert run_id(os.getpid()) == run_id(os.getpid())
    assert re.fullmatch(rf"[^@:]+@[^@:]+:{os.getpid()}:\d+\.[0-9a-f]+", run_id(os.getpid()))


def test_a_living_run_has_not_ended_and_a_dead_one_has() -> None:
    child = subprocess.Popen(["sleep", "60"])
    run = run_id(child.pid)
    assert not has_ended(run)
    child.kill()
    child.wait()
    assert has_ended(run)


def test_a_number_that_another_process_got_since() -> None:
    who, pid, start = run_id(os.getpid()).split(":")
    ticks, boot = start.split(".")
    assert has_ended(f"{who}:{pid}:{int(ticks) - 1}.{boot}")


@pytest.mark.parametrize(
    "run",
    ["", "x", "root@elsewhere:1:2.abc", "root@elsewhere:4999999:2.abc", "me@{node}:4999999:7", "@{node}:4999999:7.a"],
)
def test_what_cannot_be_known(run: str) -> None:
    assert not has_ended(run.format(node=os.uname().nodename))
