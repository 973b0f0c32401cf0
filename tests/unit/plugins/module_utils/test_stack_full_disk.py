# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update on a disk that fills up somewhere in the middle."""

from __future__ import annotations

import os

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, explain
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import demo_host, stack
from ansible_collections.kronos.homelab.tests.unit.fakes.docker_host import count_writes


def test_a_disk_that_fills_up_anywhere_takes_no_service_down(tmp_path, monkeypatch):
    """From one write on, the disk takes nothing more: for every such write of an update."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    outcomes = []
    for point in range(60):
        host = demo_host(tmp_path / str(point))
        host.converge(**stack(host))
        update = stack(host, web="1.1", late="1.1")
        update["services"]["web"]["files"][0]["content"] = "a: 2\n"
        update["services"]["rules"]["files"] = [{"path": "rules/r.yml", "content": "new\n"}]
        with monkeypatch.context() as patched:
            count_writes(host, patched)
            host.events, host.full_at = 0, point
            try:
                host.converge(**update)
                outcomes.append("done")
            except (KronosError, OSError) as error:
                outcomes.append(explain(error))
        host.full_at = -1
        assert set(host.running()) == {"web", "rules", "late"}, (point, outcomes[-1])
        if outcomes[-1] == "done":
            break
        assert "no space is left" in outcomes[-1], (point, outcomes[-1])
        version = "1.1" if "the new version is up and healthy" in outcomes[-1] else "1.0"
        assert host.running() == {"web": version, "rules": "1.0", "late": version}, (point, outcomes[-1])
        host.converge(**update)
        assert host.running() == {"web": "1.1", "rules": "1.0", "late": "1.1"}, point
        assert not host.converge(**update)["changed"]
    assert outcomes[-1] == "done"
    assert any("Generation 1 cannot be put back" in one for one in outcomes)
    assert any("the new version is up and healthy" in one for one in outcomes)
