# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A power cut: the host comes back by itself, and there is nothing left to do for Ansible."""

from __future__ import annotations

from typing import Any

import labtest


def test_everything_comes_back_by_itself_after_a_power_cut(host: Any) -> None:
    assert labtest.site().code == 0
    before = {name: one["Id"] for name, one in labtest.inspect(host).items()}
    labtest.reboot()

    def running() -> bool:
        listed = host.run("docker ps --quiet --no-trunc").stdout.split()
        return sorted(listed) == sorted(before.values())

    labtest.until(running, 60, "the same containers run again")
    labtest.until(lambda: labtest.answers("hello"), 60, "a route answers")
    run = labtest.site(kronos_fast=False)
    assert run.code == 0, run.output
    assert (run.changed, run.actions()) == ([], {})
