# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of the host: servers that answer or do not, and who has a mount."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import Mount
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import Share
from ansible_collections.kronos.homelab.plugins.module_utils.storage_present import ask_server, users_of


def nfs(*options: str, source: str = "127.0.0.1:/x", kind: str = "nfs") -> Share:
    return Share("a", kind, source, "/mnt/a", mounted=True, options=options)


def test_a_server_that_answers_and_one_that_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ask_server(nfs(f"port={port}")) == ""
    assert ask_server(nfs(f"port={port}")) == f"the server 127.0.0.1 does not answer on port {port}: connection refused"


ERRORS = [
    (socket.gaierror(), nfs(), "the name of the server 127.0.0.1 is known to nobody"),
    (TimeoutError(), nfs(), "the server 127.0.0.1 does not answer on port 2049 within 10 s"),
    (OSError(113, "No route to host"), nfs("port=x", source="//nas/a", kind="cifs"), "on port 445: no route to host"),
]


@pytest.mark.parametrize(("error", "share", "says"), ERRORS)
def test_why_it_does_not(monkeypatch: pytest.MonkeyPatch, error: OSError, share: Share, says: str) -> None:
    asked = {}

    def refuse(address: tuple[str, int], timeout: float) -> None:
        asked["timeout"] = timeout
        raise error

    monkeypatch.setattr(socket, "create_connection", refuse)
    assert ask_server(share).endswith(says)
    assert asked["timeout"] == 10  # however patient the mount itself is


PROCESSES = {
    # pid: (mount namespace, name, lines of its mountinfo)
    "self": ("mnt:[1]", "python", ""),
    "1": ("mnt:[1]", "systemd", "1 1 0:50 / /mnt/a rw - nfs4 nas:/x rw"),
    "20": ("mnt:[2]", "jellyfin", "1 1 0:50 /films /media rw - nfs4 nas:/x rw"),
    "21": ("mnt:[2]", "ffmpeg", "1 1 0:50 /films /media rw - nfs4 nas:/x rw"),
    "30": ("mnt:[3]", "systemd-logind", "1 1 0:50 / /mnt/a rw - nfs4 nas:/x rw"),
    # about to become services of systemd 257 and of an older one
    "31": ("mnt:[5]", "(timedated)", "1 1 0:50 / /run/systemd/mount-rootfs/mnt/a rw - nfs4 nas:/x rw"),
    "32": ("mnt:[6]", "(timedated)", "1 1 0:50 / /run/systemd/unit-root/mnt/a rw - nfs4 nas:/x rw"),
    "40": ("mnt:[4]", "other", "1 1 0:51 / /media rw - nfs4 nas:/y rw"),
}


def test_who_has_a_mount_or_a_part_of_it(tmp_path: Path) -> None:
    for pid, (space, name, info) in PROCESSES.items():
        folder = tmp_path / pid
        (folder / "ns").mkdir(parents=True)
        os.symlink(space, folder / "ns" / "mnt")
        (folder / "comm").write_text(f"{name}\n")
        (folder / "mountinfo").write_text(f"{info}\n")
    (tmp_path / "50").mkdir()  # it has ended
    assert users_of(Mount("/mnt/a", "/", "nas:/x", "nfs4", "0:50"), str(tmp_path)) == ("jellyfin",)
    assert users_of(Mount("/mnt/a", "/film", "nas:/x", "nfs4", "0:50"), str(tmp_path)) == ()
    (tmp_path / "self" / "mountinfo").write_text("1 1 0:50 /films /mnt/b rw - nfs4 nas:/x rw\n")
    assert users_of(Mount("/mnt/a", "/", "nas:/x", "nfs4", "0:50"), str(tmp_path)) == ()  # it may as well be of /mnt/b
