# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that take long."""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.plugin_utils.running import LONG, Running


def test_only_what_takes_long_is_told_with_its_hosts() -> None:
    now = [0.0]
    running = Running(lambda: now[0])
    running.begin("a", "Install")
    running.begin("b", "Install")
    now[0] = LONG - 1
    assert running.look(True) == ""
    running.begin("c", "Other")
    running.begin("d", "Brief")
    now[0] = LONG + 2
    assert running.look(True) == "a, b: Install, 12 s"
    assert running.look(False) == "Install, 12 s"
    running.again("a", "attempt 2 of 3")
    running.end("b")
    running.end("d")
    assert running.look(True) == "a: Install, 12 s (attempt 2 of 3)"
    now[0] += LONG
    assert running.look(True) == "a: Install, 22 s (attempt 2 of 3)", "the eldest, whatever else takes long too"
    running.end("a")
    running.end("a")
    running.again("a", "attempt 3 of 3")
    assert running.look(True) == f"c: Other, {int(LONG) + 3} s"
    running.end("c")
    assert running.look(True) == ""
