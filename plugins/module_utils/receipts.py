# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts: what each module left on the host, so that drift can be told later by looking alone.

A receipt is ``{schema, kind, name, wanted, left}``. ``wanted`` is a digest of what was asked for. ``left``
has these optional keys, which ``host_check`` knows how to compare with the present:

``files``        {path: {sha256, uid, gid, mode}}; None: the path must not exist
``directories``  {path: {uid, gid, mode}}
``mounts``       {path of a directory that a container has mounted: its inode}
``whole``        [directory below which nothing may be but the files and directories of the receipt]
``containers``   {name: {id, image (id), state, networks [..], options (digest of all that a hand can change),
                 digest (our label), known (a few options), exit_code (of one that has ended)}}
``images``       {reference: id of the image that it means}
``networks``     {name: id}
``units``        {systemd unit: active state}
``firewall``     digest of the ruleset that is loaded
``shares``       {mount point: {name, type, source}}
``users``        {name: [uid, gid, home, shell]}
``links``        {symbolic link: where it leads}
``packages``     [installed Debian package]
``vlans``        [VLAN interface, as the module vlan takes it]; ``marks``: whether their connections are marked
``pihole``       {folder, and digests of what its files say: config, entries}
``wireguard``    the tunnel, as wireguard_live compares it
``living``       [path of a receipt of this shape that a program on the host keeps up to date]
``due``          seconds since 1970 after which the work is to be done again; ``due_what`` says what
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic

RECEIPTS = "/var/lib/kronos/receipts"
SCHEMA = 1


def digest(value: Any) -> str:
    """SHA-256 (hex) over plain data, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode("utf-8", "surrogateescape"))


def sha256(data: bytes) -> str:
    """SHA-256 (hex) over *data*."""
    return hashlib.sha256(data).hexdigest()


def write(kind: str, name: str, wanted: str, left: dict[str, Any], *, root: str = "") -> bool:
    """Keep the receipt *kind*/*name*.

    Nothing is written where an equal one is there. True: it was written.
    """
    receipt = {"schema": SCHEMA, "kind": kind, "name": name, "wanted": wanted, "left": left}
    if read(kind, name, root=root) == receipt:
        return False
    atomic.ensure_dir(root or RECEIPTS, mode=0o700, uid=os.geteuid(), gid=os.getegid())
    data = json.dumps(receipt, sort_keys=True, indent=1).encode() + b"\n"
    atomic.write_file(path_of(kind, name, root), data, mode=0o600, uid=os.geteuid(), gid=os.getegid())
    return True


def read(kind: str, name: str, *, root: str = "") -> dict[str, Any] | None:
    """The receipt *kind*/*name*.

    None where there is none or it cannot be understood (the work is then done again).
    """
    return _load(path_of(kind, name, root))


def read_all(*, root: str = "") -> list[dict[str, Any]]:
    """Every receipt on the host, sorted by kind and name; one that cannot be understood has ``left`` None."""
    root = root or RECEIPTS
    try:
        names = sorted(entry for entry in os.listdir(root) if entry.endswith(".json") and not entry.startswith("."))
    except FileNotFoundError:
        return []
    found = []
    for entry in names:
        kind, _dash, name = entry[: -len(".json")].partition("--")
        broken = {"schema": 0, "kind": kind, "name": name, "wanted": "", "left": None}
        found.append(_load(os.path.join(root, entry)) or broken)
    return found


def forget(kind: str, name: str, *, root: str = "") -> bool:
    """Drop the receipt *kind*/*name*; say whether there was one."""
    return atomic.remove(path_of(kind, name, root))


def file_state(path: str) -> dict[str, Any] | None:
    """What a receipt says of the file *path*.

    That is sha256, uid, gid, mode (an int); None where no regular file is.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        return None
    with open(handle, "rb") as stream:
        content = stream.read()
    return {
        "sha256": sha256(content),
        "uid": found.st_uid,
        "gid": found.st_gid,
        "mode": stat.S_IMODE(found.st_mode),
    }


def directory_state(path: str) -> dict[str, int] | None:
    """What a receipt says of the directory *path*: uid, gid, mode; None where no directory is."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    return {"uid": found.st_uid, "gid": found.st_gid, "mode": stat.S_IMODE(found.st_mode)}


def inode(path: str) -> int | None:
    """The number of the directory *path* on its file system; None where no directory is."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino if stat.S_ISDIR(found.st_mode) else None


def path_of(kind: str, name: str, root: str = "") -> str:
    """Where the receipt *kind*/*name* lies; raises ValueError for what is no name of one."""
    if "/" in kind + name or "--" in kind:
        raise ValueError(f"not a name for a receipt: {kind}--{name}")
    return os.path.join(root or RECEIPTS, f"{kind}--{name}.json")


def _load(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as stream:
            receipt = json.load(stream)
    except (OSError, ValueError):
        return None
    if not isinstance(receipt, dict) or receipt.get("schema") != SCHEMA or not isinstance(receipt.get("left"), dict):
        return None
    return receipt
