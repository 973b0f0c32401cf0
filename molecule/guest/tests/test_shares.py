# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real file server: mounted, written to, killed under a service; test_vlan.py has the boot without it."""

from __future__ import annotations

from typing import Any

import labtest
from guesttest import ask, converge, hidden, lines, started, state


def test_it_is_mounted_and_written_to(host: Any, nas: Any) -> None:
    mount = host.mount_point("/mnt/films")
    assert (mount.exists, mount.filesystem) == (True, "nfs4")
    assert nas.check_output("stat -c '%a %u:%g' /srv/films/library/written") == "2775 1000:1000"
    begun = lines(nas)
    labtest.until(lambda: lines(nas) > begun, 30, "the service writes")
    (found,) = [share for share in ask("storage_info", write=True)["shares"] if share["name"] == "films"]
    assert (found["mounted"], found["writable"], found["error"]) == (True, True, "")


def test_a_server_that_is_killed_under_a_writing_service(host: Any, nas: Any) -> None:
    before = started(host, "bystander")
    nas.check_output("systemctl stop nfs-server")
    labtest.until(lambda: state(host, "keeper") == "exited", 240, "the service of the share is stopped")
    assert (state(host, "bystander"), started(host, "bystander")) == ("running", before)
    if labtest.FULL:
        run = converge()
        assert run.code != 0
        assert any("share films" in failure for failure in run.failures), run.output
        assert state(host, "keeper") == "exited"
    nas.check_output("systemctl start nfs-server")
    labtest.until(lambda: state(host, "keeper") == "running", 240, "the service is back")
    begun = lines(nas)
    labtest.until(lambda: lines(nas) > begun, 60, "it writes again")
    assert hidden(host) == ""
    assert (state(host, "bystander"), started(host, "bystander")) == ("running", before)
    if labtest.FULL:
        run = converge()
        assert (run.code, run.changed) == (0, []), run.output
