# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has proven to get in with a key, and as whom we are in: every doubt leaves a way open."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import logins
from ansible_collections.kronos.homelab.plugins.module_utils.logins import Login
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran

KEY = "Accepted publickey for {} from 192.0.2.{} port 5 ssh2: ED25519 SHA256:x\n"
WORD = "Accepted password for {} from 192.0.2.{} port 5 ssh2\n"
ELSEWHERE = Login("root", "192.0.2.1 port 5")

PROOFS: dict[str, tuple[str, list[str], Login, set[str]]] = {
    # what the journal says, who is known, as whom we are in: who is proven of anna and root
    "with a key": (KEY.format("anna", 1), [], ELSEWHERE, {"anna"}),
    "with a password": (WORD.format("anna", 1), [], ELSEWHERE, set()),
    "once before the journal begins": ("", ["anna", "carl"], ELSEWHERE, {"anna"}),
    "by password since": (WORD.format("anna", 1), ["anna"], ELSEWHERE, set()),
    "first one, then the other": (KEY.format("anna", 1) + WORD.format("anna", 1), [], ELSEWHERE, set()),
    "first the other, then one": (WORD.format("anna", 1) + KEY.format("anna", 1), [], ELSEWHERE, {"anna"}),
    "of another name": (KEY.format("ann", 1), [], ELSEWHERE, set()),
    "a backup came with a key while we are in by password": (
        WORD.format("root", 1) + KEY.format("root", 2),
        ["root"],
        Login("root", "192.0.2.1 port 5"),
        set(),
    ),
    "we came with a key": (KEY.format("root", 1) + KEY.format("root", 2), [], ELSEWHERE, {"root"}),
    "we were let in by something else": (
        "Accepted keyboard-interactive/pam for root from 192.0.2.1 port 5 ssh2\n",
        ["root"],
        ELSEWHERE,
        set(),
    ),
}


@pytest.mark.parametrize(("said", "known", "now", "wanted"), PROOFS.values(), ids=PROOFS.keys())
def test_who_has_proven_to_get_in(said: str, known: list[str], now: Login, wanted: set[str], tmp_path: Path) -> None:
    asked: list[Any] = []

    def journal(argv: Any, timeout: float = 0) -> Ran:
        asked.append(argv)
        return Ran(0, "".join(reversed(said.splitlines(keepends=True))), "")

    assert logins.proven(["anna", "root"], known, now, journal, str(tmp_path / "none")) == wanted  # type: ignore[arg-type]
    assert {"_UID=0", "--reverse"} <= set(asked[0])  # what others write under sshd's name is no proof


def test_without_a_journal_the_log_tells(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("host sshd[1]: " + KEY.format("bob", 9))
    assert logins.proven(["bob"], [], ELSEWHERE, lambda argv, timeout: Ran(1, "", ""), str(log)) == {"bob"}  # type: ignore[arg-type]


OURSELVES = pwd.getpwuid(os.getuid()).pw_name
SU = {"self": (40, "python3"), "40": (30, "-bash"), "30": (20, "su"), "20": (10, "sshd-session: bob@pts/0")}

ANCESTORS: dict[str, tuple[dict[str, tuple[int, str]], str, dict[str, str], Login]] = {
    # processes {pid: (parent, command line)}, loginuid, environment
    "root by SSH": (
        {"self": (9, "x"), "9": (1, "sshd: root@notty")},
        "4294967295",
        {},
        Login("root", "192.0.2.7 port 9"),
    ),
    "bob by su": (SU, "0", {"SUDO_USER": "carl"}, Login("bob")),
    "a process with a bracket in its name": (
        {"self": (9, "x"), "9": (1, "sshd: a-b [priv]")},
        "",
        {},
        Login("a-b", "192.0.2.7 port 9"),
    ),
    "a local login": ({"self": (9, "x"), "9": (1, "login")}, str(os.getuid()), {"SUDO_USER": "carl"}, Login(OURSELVES)),
    "sudo without a trace of a login": (
        {"self": (9, "x"), "9": (1, "tmux")},
        "4294967295",
        {"SUDO_USER": "carl"},
        Login("carl"),
    ),
    "the daemon itself is no session": (
        {"self": (9, "x"), "9": (1, "sshd: /usr/sbin/sshd -D [listener]")},
        "",
        {},
        Login("root"),
    ),
    "nothing to go by": ({}, "", {}, Login("root")),
}


@pytest.mark.parametrize(("tree", "counted", "environment", "wanted"), ANCESTORS.values(), ids=ANCESTORS.keys())
def test_as_whom_we_are_in(
    tree: dict[str, tuple[int, str]], counted: str, environment: dict[str, str], wanted: Login, tmp_path: Path
) -> None:
    for pid, (parent, title) in tree.items():
        folder = tmp_path / pid
        folder.mkdir()
        (folder / "stat").write_text(f"1 (a) b) S {parent} 1 1")
        (folder / "cmdline").write_text(f"{title}\0")
        (folder / "environ").write_text("A=1\0SSH_CONNECTION=192.0.2.7 9 192.0.2.2 22\0" if pid == "self" else "A=1\0")
    (tmp_path / "self").mkdir(exist_ok=True)
    (tmp_path / "self" / "loginuid").write_text(counted)
    assert logins.present(environment, str(tmp_path)) == wanted
