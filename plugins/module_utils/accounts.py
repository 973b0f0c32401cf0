# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and groups of the host, and their SSH keys. Read, plan (pure), apply.

Nobody is ever removed, locked or renumbered: a wish that would need that is an error.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner, must

NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
SHADOW = "/etc/shadow"
KEY = re.compile(r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]{40,}( [^\n\r]*)?")


@dataclass(frozen=True)
class WantedGroup:
    """A group; *gid* None: whatever the system gives it."""

    name: str
    gid: int | None = None


@dataclass(frozen=True)
class WantedUser:
    """A user. ``keys`` and ``groups`` are added to those that the user has. ``types_password``: sudo asks for it."""

    name: str
    uid: int | None = None
    group: str = ""
    groups: tuple[str, ...] = ()
    shell: str = ""
    home: str = ""
    system: bool = False
    keys: tuple[str, ...] = ()
    types_password: bool = False


@dataclass(frozen=True)
class Present:
    """Who is there. ``users``: {name: (uid, gid, home, shell)}; ``members``: group → users; ``keys``: user → text;
    ``locked``: who has no password, so that nobody can type it."""

    users: Mapping[str, tuple[int, int, str, str]] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keys: Mapping[str, tree.Present] = field(default_factory=dict)
    locked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Change:
    """Commands to run, then the keys to write, with the diff of both."""

    commands: tuple[tuple[str, ...], ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    diff: tuple[dict[str, str], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.commands or self.keys)


def check(users: Sequence[WantedUser], groups: Sequence[WantedGroup]) -> None:
    """Raise KronosError for names and keys that are none."""
    for name in [*(user.name for user in users), *(group.name for group in groups)]:
        if not NAME.fullmatch(name):
            raise KronosError(f"no name for a user or group: {name!r}")
    for user in users:
        for index, key in enumerate(user.keys):
            if not KEY.fullmatch(key.strip()):
                raise KronosError(f"user {user.name}: keys[{index}] is no public SSH key (ssh-ed25519 AAAA… comment)")


def read_present(users: Iterable[WantedUser], shadow: str = SHADOW) -> Present:
    """Users and groups as the system names them, and the keys of those that are wanted."""
    entries = {one.pw_name: (one.pw_uid, one.pw_gid, one.pw_dir, one.pw_shell) for one in pwd.getpwall()}
    listed = grp.getgrall()
    wanted = [user.name for user in users if user.keys and user.name in entries]
    files = {name: tree.read_present([keys_path(entries[name][2])]).popitem()[1] for name in wanted}
    return Present(
        users=entries,
        groups={one.gr_name: one.gr_gid for one in listed},
        members={one.gr_name: frozenset(one.gr_mem) for one in listed},
        keys=files,
        locked=frozenset(_locked(shadow)),
    )


def _locked(shadow: str) -> Iterator[str]:
    """Users whose password is none that could be typed: https://manpages.debian.org/shadow.5"""
    try:
        with open(shadow, encoding="utf-8", errors="replace") as stream:
            entries = [line.split(":") for line in stream]
    except OSError:
        return
    yield from (entry[0] for entry in entries if len(entry) > 1 and entry[1].startswith(("!", "*")))


def warnings(users: Iterable[WantedUser], present: Present) -> list[str]:
    """What the user of the collection should know of these users, though it is no mistake."""
    return [
        f"{user.name} has no password, so sudo lets {user.name} do nothing: set one on the host (passwd {user.name}), "
        "or let sudo ask for none (host_admin.passwordless)"
        for user in users
        if user.types_password and (user.name not in present.users or user.name in present.locked)
    ]


def keys_path(home: str) -> str:
    """Where sshd looks for the keys of who lives there."""
    return f"{home}/.ssh/authorized_keys"


def plan(users: Sequence[WantedUser], groups: Sequence[WantedGroup], present: Present) -> Change:
    """The change that leads to these users and groups. Pure. Raises KronosError for a number that another one has."""
    commands: list[tuple[str, ...]] = []
    diff: list[dict[str, str]] = []
    for group in [*groups, *_further_groups(users, groups)]:
        commands += _group(group, present)
    made = {*present.groups, *(group.name for group in groups)}
    for user in users:
        commands += _user(user, present, made)
    for command in commands:
        said = " ".join(command)
        diff.append({"before_header": command[-1], "after_header": command[-1], "before": "", "after": f"{said}\n"})
    keys: dict[str, str] = {}
    for user in users:
        text = _keys(user, present)
        if text is not None:
            old = _old_keys(user, present)
            keys[user.name] = text
            header = f"SSH keys of {user.name}"
            diff.append({"before_header": header, "after_header": header, "before": old, "after": text})
    return Change(tuple(commands), keys, tuple(diff))


def apply(change: Change, run: Runner) -> None:
    """Carry it out; raises KronosError with the words of the program that refuses."""
    for command in change.commands:
        must(run, command)
    for name, text in change.keys.items():
        entry = pwd.getpwnam(name)
        path = keys_path(entry.pw_dir)
        folder = tree.WantedDirectory(os.path.dirname(path), 0o700, entry.pw_uid, entry.pw_gid)
        if not os.path.isdir(entry.pw_dir):
            raise KronosError(f"user {name}: there is no home {entry.pw_dir} for the SSH keys")
        file = tree.Wanted(path, text.encode(), 0o600, entry.pw_uid, entry.pw_gid)
        tree.apply(tree.TreeChange(files=(file,), directories=(folder,)))


def left(users: Sequence[WantedUser], present: Present, proven: Iterable[str]) -> dict[str, Any]:
    """What the receipt says of users that stand as wanted."""
    kept = {user.name: list(present.users[user.name]) for user in users if user.name in present.users}
    paths = [keys_path(present.users[user.name][2]) for user in users if user.keys and user.name in present.users]
    return {
        "files": {path: receipts.file_state(path) for path in paths},
        "users": kept,
        "proven": sorted(proven),
    }


def _group(group: WantedGroup, present: Present) -> list[tuple[str, ...]]:
    if group.name in present.groups:
        if group.gid not in (None, present.groups[group.name]):
            raise KronosError(f"group {group.name} has the gid {present.groups[group.name]}, not {group.gid}")
        return []
    holder = next((name for name, gid in present.groups.items() if gid == group.gid), None)
    if holder is not None:
        return []  # whoever has the number owns what it owns
    number = ("--gid", str(group.gid)) if group.gid is not None else ()
    return [("groupadd", *number, group.name)]


def _further_groups(users: Sequence[WantedUser], groups: Sequence[WantedGroup]) -> list[WantedGroup]:
    """Groups that users are to be in and that nobody declares: that of Docker comes with Docker, which comes later."""
    declared = {group.name for group in groups}
    return [
        WantedGroup(name) for name in dict.fromkeys(n for user in users for n in user.groups) if name not in declared
    ]


def _user(user: WantedUser, present: Present, groups: Container[str]) -> list[tuple[str, ...]]:
    found = present.users.get(user.name)
    if found is None:
        holder = next((name for name, entry in present.users.items() if entry[0] == user.uid), None)
        if holder is not None and user.system:
            return []
        if holder is not None:
            raise KronosError(f"user {user.name}: {holder} has the uid {user.uid}")
        return [("useradd", *_new(user, groups), user.name)]
    if user.uid not in (None, found[0]):
        raise KronosError(f"user {user.name} has the uid {found[0]}, not {user.uid}")
    changes: list[str] = []
    if user.shell and user.shell != found[3]:
        changes += ["--shell", user.shell]
    missing = [name for name in user.groups if user.name not in present.members.get(name, ())]
    if missing:
        changes += ["--append", "--groups", ",".join(missing)]
    return [("usermod", *changes, user.name)] if changes else []


def _new(user: WantedUser, groups: Container[str]) -> list[str]:
    words: list[str] = ["--system", "--no-create-home"] if user.system else ["--create-home"]
    words += ["--uid", str(user.uid)] if user.uid is not None else []
    own = user.group or (user.name if user.name in groups else "")
    words += ["--gid", own] if own else ["--user-group"]
    words += ["--shell", user.shell] if user.shell else []
    words += ["--home-dir", user.home] if user.home else []
    return words + (["--groups", ",".join(user.groups)] if user.groups else [])


def _old_keys(user: WantedUser, present: Present) -> str:
    found = present.keys.get(user.name)
    return (found.content or b"").decode("utf-8", "replace") if found and found.kind == "file" else ""


def _keys(user: WantedUser, present: Present) -> str | None:
    """The whole file with the wanted keys added; None where all are in it."""
    if not user.keys:
        return None
    old = _old_keys(user, present)
    there = {tuple(line.split()[:2]) for line in old.splitlines()}
    missing = [key.strip() for key in user.keys if tuple(key.split()[:2]) not in there]
    if not missing:
        return None
    head = old if not old or old.endswith("\n") else f"{old}\n"
    return head + "".join(f"{key}\n" for key in missing)
