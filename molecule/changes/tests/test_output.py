# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user reads where our callback shows the runs."""

from __future__ import annotations

import re
from typing import Any

import labtest
import pytest

# Answers only after some seconds, so that there is something to wait for.
SLOW = {"hello": {"entrypoint": ["sh", "-c", "sleep 10; exec python3 /init"]}}
WAITING = r"own: waiting for hello to be healthy, \d+ s"


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "kronos.homelab.summary")


def test_a_slow_change_tells_what_it_waits_for_and_a_run_with_nothing_to_do_is_quiet(host: Any, quiet: None) -> None:
    run = labtest.site(kronos_services_zz=SLOW)
    try:
        lines = run.output.splitlines()
        (changed,) = [number for number, line in enumerate(lines) if line.startswith("own: hello recreated (")]
        waiting = [number for number, line in enumerate(lines) if re.match(WAITING, line)]
        assert waiting, run.output
        assert max(waiting) < changed, "progress comes before what it led to"
        (title,) = [number for number, line in enumerate(lines) if line.startswith("service ")]
        assert title > changed, "the table stands once, at the end"
        assert re.fullmatch(rf"{labtest.HOST}: converged, 1 change, .* s", lines[-1]), lines[-1]
        assert "TASK" not in run.output
        assert "\x1b" not in run.output
        assert host.run("ls /run/kronos-progress/*").rc != 0, "no note outlives its task"

        lines = labtest.site(kronos_services_zz=SLOW).output.splitlines()
        assert lines[1] == labtest.HOST, "nothing stands before the table"
        assert re.fullmatch(rf"{labtest.HOST}: converged, no changes, .* s", lines[-1]), lines[-1]
    finally:
        labtest.site()
