# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the host of the shares: mounts, units, devices, servers, folders. Nothing here waits without end."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import receipts, tree, units
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import (
    FSTAB,
    Look,
    Mount,
    Question,
    in_fstab,
    is_same,
    look_all,
    mount_at,
    read_mounts,
    waits,
)
from ansible_collections.kronos.homelab.plugins.module_utils.storage_device import Device, read_device
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import REMOTE, Share
from ansible_collections.kronos.homelab.plugins.module_utils.storage_units import device_of, files_of, on_unit

PORTS = {"nfs": 2049, "cifs": 445}
PATIENCE = 10
RECEIPT = ("storage", "shares")


@dataclass(frozen=True)
class Present:
    """What a plan depends on beside the shares.

    ``standing``: names of shares that are mounted as wanted, or will be at the first access; ``waiting``: paths where
    an automount waits for it, which nobody may look into; ``foreign``: what else is mounted at a share's path;
    ``hidden``: how many entries of a folder a mount would hide; ``missing``: what is wrong with sources of binds;
    ``away``: why a server cannot be reached; ``looks``: at shares that stand; ``left``: of the last receipt; ``ours``:
    paths at which stands what that says; ``users``: who uses it; ``listed``: paths that fstab has a line for.
    """

    standing: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()
    foreign: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    away: Mapping[str, str] = field(default_factory=dict)
    looks: Mapping[str, Look] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    states: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    files: Mapping[str, tree.Present] = field(default_factory=dict)
    folders: Mapping[str, tree.Present] = field(default_factory=dict)
    ours: frozenset[str] = frozenset()
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left: Mapping[str, Any] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()


def ask_server(share: Share) -> str:
    """Why the server of a share does not answer; empty where it does. Bounded."""
    stated = dict(option.split("=", 1) for option in share.options if "=" in option)
    port = int(stated["port"]) if stated.get("port", "").isdigit() else PORTS[share.type]
    patience = min(share.timeout, PATIENCE)
    try:
        socket.create_connection((share.server, port), timeout=patience).close()
    except socket.gaierror:
        return f"the name of the server {share.server} is known to nobody"
    except socket.timeout:  # another one than TimeoutError before Python 3.10
        return f"the server {share.server} does not answer on port {port} within {patience} s"
    except OSError as error:
        return f"the server {share.server} does not answer on port {port}: {(error.strerror or str(error)).lower()}"
    return ""


def users_of(mount: Mount, proc: str = "/proc") -> tuple[str, ...]:
    """Processes in other mount namespaces (containers) that have what is mounted, or a part of it.

    Two binds may show one folder of the host's disk, and nothing tells from which of them a container has it: either
    may go then, since the other one stays.
    """
    found: dict[str, str] = {}
    others = [
        one
        for one in read_mounts(f"{proc}/self/mountinfo")
        if one.device == mount.device and one.point != mount.point and one.root != "/"
    ]
    own = _namespace(f"{proc}/self")
    for entry in sorted(os.listdir(proc)):
        space = _namespace(f"{proc}/{entry}") if entry.isdigit() else ""
        if not space or space == own or space in found:
            continue
        found[space] = _has(f"{proc}/{entry}", mount, others)
    return tuple(sorted({name for name in found.values() if name}))


def _namespace(folder: str) -> str:
    try:
        return os.readlink(f"{folder}/ns/mnt")
    except OSError:
        return ""


def _has(folder: str, mount: Mount, others: Sequence[Mount]) -> str:
    """The name of a process that has the mount, or a part of it, in its namespace."""
    try:
        theirs = read_mounts(f"{folder}/mountinfo")
        with open(f"{folder}/comm", encoding="utf-8", errors="replace") as stream:
            name = stream.read().strip()
    except OSError:
        return ""  # it has ended
    top = mount.root.rstrip("/")
    inside = [one for one in theirs if one.device == mount.device and f"{one.root}/".startswith(f"{top}/")]
    inside = [one for one in inside if not any(f"{one.root}/".startswith(f"{other.root}/") for other in others)]
    # Services of systemd with a namespace of their own see every mount of the host at its own place.
    return name if any(_settled(one.point) != mount.point for one in inside) else ""


def _settled(point: str) -> str:
    """A mount point as a service has it once it runs: systemd lays its namespace out below a folder of its own."""
    return re.sub(r"^/run/systemd/(mount-rootfs|unit-root)(?=/)", "", point)


@dataclass(frozen=True)
class Outside:
    """The world, for tests to replace."""

    run: Runner
    mounts: Callable[[], list[Mount]] = read_mounts
    look: Callable[[Mapping[str, Question]], dict[str, Look]] = look_all
    reach: Callable[[Share], str] = ask_server
    users: Callable[[Mount], tuple[str, ...]] = users_of
    receipts: str = ""
    fstab: str = FSTAB


def read_present(shares: Sequence[Share], outside: Outside) -> Present:
    """The present of the shares, and of those that the last receipt names."""
    mounts = outside.mounts()
    left = (receipts.read(*RECEIPT, root=outside.receipts) or {}).get("left") or {}
    kept = left.get("shares") or {}
    wanted = {share.path: share for share in shares if share.mounted}
    states = units.read_states([on_unit(share) for share in wanted.values()], outside.run)
    waiting = frozenset(path for path in {*wanted, *kept} if waits(path, mounts))
    mounted = frozenset(one.name for one in wanted.values() if stands(one, mounts))
    resting = [one for path, one in wanted.items() if path in waiting and _rests(one, kept.get(path) or {}, states)]
    standing = mounted | {one.name for one in resting}
    fallen = [one for one in wanted.values() if one.name not in standing]
    sources = {one.name: Question(one.source) for one in fallen if one.type == "bind"}
    looks = outside.look(
        {**sources, **{one.name: Question(one.path) for one in wanted.values() if one.name in mounted}}
    )
    at = {path: mount_at(path, mounts) for path in {*wanted, *kept}}
    ours = frozenset(path for path, note in kept.items() if is_same(note["type"], note["source"], path, mounts))
    moving = [path for path in ours if path not in wanted or wanted[path].name not in standing]
    files = [file.path for share in shares for file in files_of(share)]
    return Present(
        standing=standing,
        waiting=waiting,
        foreign={one.name: _what(found) for one in fallen if (found := at[one.path])},
        missing={name: looks[name].error for name in sources if looks[name].error},
        hidden={one.name: count for one in fallen if not at[one.path] and (count := _entries(one.path, waiting))},
        away=_away([one for one in fallen if one.type in REMOTE], outside.reach),
        looks={name: look for name, look in looks.items() if name in mounted},
        devices={one.name: read_device(one, mounts, outside.run) for one in fallen if one.on_device},
        states=states,
        files=tree.read_present([*files, *(path for path in left.get("files") or {} if path not in files)]),
        folders=_folders(shares, standing, looks),
        ours=ours,
        users={path: outside.users(mount) for path in moving if (mount := at[path])},
        left=left,
        listed=frozenset(wanted) & in_fstab(outside.fstab),
    )


def stands(share: Share, mounts: Sequence[Mount]) -> bool:
    """Whether the share is mounted where it should be."""
    source = device_of(share.source) if share.on_device else share.source
    return is_same(share.type, source, share.path, mounts)


def _rests(share: Share, note: Mapping[str, Any], states: Mapping[str, tuple[str, str]]) -> bool:
    """Whether an automount that waits is all that the share needs: an earlier run has made its folders."""
    active = states[on_unit(share)][1] == "active"
    return share.automount and active and note.get("on") == on_unit(share) and note.get("folders") == share.layout


def _what(mount: Mount) -> str:
    """A mount in words: its source, or for a bind of the host's own disk the folder that it shows."""
    return mount.source if re.search("[/:]", mount.source) and mount.root == "/" else mount.root


def _away(shares: Sequence[Share], ask: Callable[[Share], str]) -> dict[str, str]:
    """All servers are asked at once, so that ten of them take no longer than one."""
    if not shares:
        return {}
    with ThreadPoolExecutor(len(shares)) as pool:
        answers = list(pool.map(ask, shares))
    return {share.name: answer for share, answer in zip(shares, answers) if answer}


def _entries(path: str, waiting: frozenset[str]) -> int:
    """How many entries a folder has; none where it cannot be told, or where looking would mount something."""
    try:
        return 0 if path in waiting else len(os.listdir(path))
    except OSError:
        return 0


def _folders(shares: Sequence[Share], standing: frozenset[str], looks: Mapping[str, Look]) -> dict[str, tree.Present]:
    """Folders by their path on the host; those of a bind that is not mounted yet are looked at in its source.

    What cannot be known (a share that is not mounted, or does not answer) is left out.
    """
    found: dict[str, tree.Present] = {}
    for share in shares:
        base = share.path
        if share.mounted and share.name not in standing:
            if share.type != "bind" or looks[share.name].late:
                continue
            base = share.source
        elif share.mounted and (share.name not in looks or looks[share.name].error):
            continue
        paths = [folder.path for folder in share.folders] + ([] if share.mounted else [share.path])
        for path in paths:
            found[path] = tree.read_present([base + path[len(share.path) :]]).popitem()[1]
    return found
