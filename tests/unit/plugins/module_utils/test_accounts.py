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
    "a new user whose group is there": (
        WantedUser("sudo", shell="/bin/bash"),
        ["useradd --create-home --gid sudo --shell /bin/bash sudo"],
    ),
    "a group that comes later": (
        WantedUser("anna", groups=("sudo", "docker")),
        ["groupadd docker", "usermod --append --groups sudo,docker anna"],
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


def test_without_a_password_sudo_refuses(tmp_path: Path) -> None:
    shadow = tmp_path / "shadow"
    shadow.write_text("root:*:1::::::\nanna:$y$x:1::::::\nbob:!:1::::::\n")
    users = [WantedUser(name, types_password=True) for name in ("anna", "bob", "new")] + [WantedUser("root")]
    present = accounts.read_present(users, str(shadow))
    present = Present({**THERE.users, "bob": (7, 7, "/", "/")}, locked=present.locked)
    assert [line.split()[0] for line in accounts.warnings(users, present)] == ["bob", "new"]


def test_a_program_that_refuses_is_one_line() -> None:
    change = accounts.Change(commands=(("useradd", "bob"),))
    with pytest.raises(KronosError, match=r"^useradd bob: cannot lock /etc/passwd$"):
        accounts.apply(change, lambda argv, timeout: Ran(1, "", "cannot lock /etc/passwd\n"))
