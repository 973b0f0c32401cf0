# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, groups and keys: what is run, what is refused, and who counts as proven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import accounts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.accounts import Present, WantedGroup, WantedUser, plan
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMBM3TG3TXkjYEz4S+e3zD3Zf0n5NnqVqG2Dk8Sx9Z7J anna"
OTHER = KEY.replace("MBM3", "XXXX")
THERE = Present(
    users={"anna": (1001, 1001, "/home/anna", "/bin/bash"), "debian": (1000, 1000, "/home/debian", "/bin/sh")},
    groups={"anna": 1001, "debian": 1000, "sudo": 27},
    members={"sudo": frozenset({"debian"})},
)

PLANS: dict[str, tuple[Any, list[str]]] = {
    "a new group": (WantedGroup("kronos", 1005), ["groupadd --gid 1005 kronos"]),
    "a group that is there": (WantedGroup("sudo"), []),
    "a number that is taken": (WantedGroup("kronos", 1000), []),
    "a new user": (
        WantedUser("bob", groups=("sudo",), shell="/bin/bash"),
        ["useradd --create-home --user-group --shell /bin/bash --groups sudo bob"],
    ),
    "a service account": (
        WantedUser("kronos", 1005, "kronos", system=True, shell="/usr/sbin/nologin"),
        ["useradd --system --no-create-home --uid 1005 --gid kronos --shell /usr/sbin/nologin kronos"],
    ),
    "whose number is taken": (WantedUser("kronos", 1000, system=True), []),
    "as it is": (WantedUser("anna", 1001, shell="/bin/bash"), []),
    "another shell, another group": (
        WantedUser("anna", groups=("sudo",), shell="/bin/zsh"),
        ["usermod --shell /bin/zsh --append --groups sudo anna"],
    ),
}


@pytest.mark.parametrize(("wanted", "commands"), PLANS.values(), ids=PLANS.keys())
def test_plans(wanted: Any, commands: list[str]) -> None:
    users, groups = ([], [wanted]) if isinstance(wanted, WantedGroup) else ([wanted], [])
    change = plan(users, groups, THERE)
    assert [" ".join(command) for command in change.commands] == commands
    assert (change.changed, len(change.diff)) == (bool(commands), len(commands))


REFUSED = [
    (WantedUser("anna", 1005), "has the uid 1001, not 1005"),
    (WantedUser("bob", 1001), "anna has the uid 1001"),
    (WantedGroup("sudo", 28), "has the gid 27, not 28"),
]


@pytest.mark.parametrize(("wanted", "says"), REFUSED)
def test_nobody_is_renumbered(wanted: Any, says: str) -> None:
    users, groups = ([], [wanted]) if isinstance(wanted, WantedGroup) else ([wanted], [])
    with pytest.raises(KronosError, match=says):
        plan(users, groups, THERE)


KEYS = [
    (tree.ABSENT, f"{KEY}\n"),
    (tree.Present("file", content=b"# mine\nfrom-elsewhere"), f"# mine\nfrom-elsewhere\n{KEY}\n"),
    (tree.Present("file", content=f"{OTHER}\n{KEY} with another comment\n".encode()), None),
]


@pytest.mark.parametrize(("found", "wanted"), KEYS)
def test_keys_are_added_and_none_is_taken_away(found: tree.Present, wanted: str | None) -> None:
    present = Present(users=THERE.users, groups=THERE.groups, keys={"anna": found})
    change = plan([WantedUser("anna", keys=(KEY,))], [], present)
    assert change.keys.get("anna") == wanted


@pytest.mark.parametrize(
    "key", ["", "ssh-ed25519", "ssh-dss AAAA", f"{KEY}\n{OTHER}", "-----BEGIN OPENSSH PRIVATE KEY-----"]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(KronosError, match=r"user anna: keys\[0\] is no public SSH key"):
        accounts.check([WantedUser("anna", keys=(key,))], [])
    accounts.check([WantedUser("anna", keys=(KEY,))], [WantedGroup("x")])
    with pytest.raises(KronosError, match="no name for a user or group"):
        accounts.check([WantedUser("-o root")], [])


SAID = "Accepted publickey for anna from 192.0.2.1 port 5 ssh2: ED25519 SHA256:x\nAccepted password for bob from 1\n"


def test_who_has_proven_to_get_in(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def journal(argv: Any, timeout: float = 0) -> Ran:
        asked.append(argv)
        return Ran(0, SAID, "")

    log = tmp_path / "auth.log"
    assert accounts.proven(["anna", "bob"], [], journal, str(log)) == {"anna"}
    assert accounts.proven(["anna"], ["anna", "carl"], journal, str(log)) == {"anna"}
    assert len(asked) == 1  # what was proven once need not be again
    log.write_text("host sshd[1]: Accepted publickey for bob from 192.0.2.9\n")
    assert accounts.proven(["bob"], [], lambda argv, timeout: Ran(1, "", ""), str(log)) == {"bob"}


def test_as_whom_ansible_logs_in() -> None:
    assert accounts.login_user({"SUDO_USER": "anna"}) == "anna"
    assert accounts.login_user({}) == "root"


def test_a_program_that_refuses_is_one_line() -> None:
    change = accounts.Change(commands=(("useradd", "bob"),))
    with pytest.raises(KronosError, match=r"^useradd bob: cannot lock /etc/passwd$"):
        accounts.apply(change, lambda argv, timeout: Ran(1, "", "cannot lock /etc/passwd\n"))
