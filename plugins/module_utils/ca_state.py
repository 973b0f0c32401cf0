# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the home authority keeps on disk: the wish, the present, and the writing of files.

Beside ca.py this file runs on the host by itself (as ``kronos_ca_state.py``).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

try:
    from ansible_collections.kronos.homelab.plugins.module_utils import certificates
except ImportError:  # on the host, beside this file
    import kronos_certificates as certificates  # type: ignore[import-not-found,no-redef]

DNS_NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
LEAF_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


class CaError(Exception):
    """Something the user must decide or repair; the text is shown as it is."""


@dataclass(frozen=True)
class Leaf:
    """A certificate to keep: for whom, readable by whom, and which files to rename into place after a renewal."""

    name: str
    names: tuple[str, ...]
    uid: int
    gid: int
    days: int
    republish: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What this authority is to keep."""

    common_name: str
    leaves: tuple[Leaf, ...]
    renew_before_days: int
    folder: str = "/etc/kronos"

    def ca(self, name: str) -> str:
        """A file of the authority itself."""
        return os.path.join(self.folder, "ca", name)

    def tls(self, leaf: str, name: str = "") -> str:
        """A file of a leaf, or its folder."""
        return os.path.join(self.folder, "tls", leaf, name).rstrip("/")


@dataclass(frozen=True)
class LeafFiles:
    """A leaf as it stands.

    ``rights``: owner and mode are right, those of its folders too; ``published``: nobody serves an older one.
    """

    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    rights: bool = True
    published: bool = True


@dataclass(frozen=True)
class Present:
    """Everything as it stands.

    ``root_sound``: owner and mode of the root's files are right and they are noted; ``surplus``: leaves issued earlier
    that nobody wants.
    """

    root_key: bytes | None = field(default=None, repr=False)
    root: bytes | None = None
    leaves: Mapping[str, LeafFiles] = field(default_factory=dict)
    surplus: tuple[str, ...] = ()
    root_sound: bool = True


def check(wanted: Wanted) -> None:
    """Raise CaError for what no certificate can be made of."""
    for leaf in wanted.leaves:
        if not LEAF_NAME.fullmatch(leaf.name):
            raise CaError(f"leaf {leaf.name!r} is no name for a folder (a-z, 0-9 and -)")
        if not leaf.names:
            raise CaError(f"leaf {leaf.name}: at least one name is wanted")
        for name in leaf.names:
            if not certificates.address_of(name) and not (DNS_NAME.fullmatch(name) and len(name) <= 253):
                raise CaError(f"leaf {leaf.name}: {name!r} is neither a DNS name nor an address")
        if leaf.days <= wanted.renew_before_days:
            raise CaError(
                f"leaf {leaf.name}: valid {leaf.days} days, yet to be renewed {wanted.renew_before_days} before"
            )


def to_json(wanted: Wanted) -> bytes:
    """The text of wanted.json."""
    leaves = [{**vars(leaf), "names": list(leaf.names), "republish": list(leaf.republish)} for leaf in wanted.leaves]
    return json.dumps({**vars(wanted), "leaves": leaves}, indent=1, sort_keys=True).encode() + b"\n"


def from_json(text: bytes) -> Wanted:
    """Wanted from wanted.json. Raises CaError where it cannot be understood."""
    try:
        data = json.loads(text)
        leaves = [
            Leaf(**{**leaf, "names": tuple(leaf["names"]), "republish": tuple(leaf["republish"])})
            for leaf in data["leaves"]
        ]
        return Wanted(**{**data, "leaves": tuple(leaves)})
    except (ValueError, TypeError, KeyError) as error:
        raise CaError(f"the list of wanted certificates cannot be understood: {error}") from error


def read(wanted: Wanted) -> Present:
    """Read everything that the plan has to know."""
    issued = read_issued(wanted)
    known = issued if issued.get("seal") == seal_of(issued) else {}
    leaves = {}
    for leaf in wanted.leaves:
        files = leaf_files(leaf, wanted)
        state = {path: file_state(path) for path in files}
        leaves[leaf.name] = LeafFiles(
            certificate=read_content(wanted.tls(leaf.name, "cert.pem")),
            key=read_content(wanted.tls(leaf.name, "key.pem")),
            rights=all(found is None or rights_of(found) == files[path] for path, found in state.items())
            and not _wrong_folders(wanted, wanted.tls(""), wanted.tls(leaf.name)),
            published=all(issued_state(known, path) == found for path, found in state.items()),
        )
    surplus = tuple(
        sorted(name for name in issued.get("leaves") or () if name not in leaves and LEAF_NAME.fullmatch(name))
    )
    return Present(
        root_key=read_content(wanted.ca("root.key")),
        root=read_content(wanted.ca("root.crt")),
        leaves=leaves,
        surplus=surplus,
        root_sound=_root_sound(wanted, known),
    )


def _root_sound(wanted: Wanted, issued: Mapping[str, Any]) -> bool:
    rights = {wanted.ca("root.key"): 0o600, wanted.ca("root.crt"): 0o644}
    for path, mode in rights.items():
        found = file_state(path)
        if found and (rights_of(found) != (mode, os.geteuid(), os.getegid()) or found != issued_state(issued, path)):
            return False
    return not _wrong_folders(wanted, wanted.ca(""))


def folders(wanted: Wanted) -> dict[str, int]:
    """Path and mode of every folder of ours; the one above them, which others share, is not among them."""
    leaves = {wanted.tls(leaf.name): 0o755 for leaf in wanted.leaves}
    return {wanted.ca("").rstrip("/"): 0o700, wanted.tls(""): 0o755, **leaves}


def _wrong_folders(wanted: Wanted, *paths: str) -> list[str]:
    """Those of *paths* that are there with another owner or mode."""
    modes, wrong = folders(wanted), []
    for path in (one.rstrip("/") for one in paths):
        found = folder_state(path)
        if found and rights_of(found) != (modes[path], os.geteuid(), os.getegid()):
            wrong.append(path)
    return wrong


def issued_state(issued: Mapping[str, Any], path: str) -> Any:
    """What issued.json says of a file; None where it says nothing."""
    files = issued.get("files")
    return files.get(path) if isinstance(files, dict) else None


def read_issued(wanted: Wanted) -> dict[str, Any]:
    """What issued.json says; empty where there is none."""
    try:
        issued = json.loads(read_content(wanted.ca("issued.json")) or b"{}")
    except ValueError:
        return {}
    return issued if isinstance(issued, dict) else {}


def seal_of(issued: Mapping[str, Any]) -> str:
    """What issued.json must have as its ``seal``: one that was edited by hand is as good as none."""
    rest = {key: value for key, value in issued.items() if key != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


@contextmanager
def locked(wanted: Wanted) -> Iterator[None]:
    """Hold the authority: the timer and Ansible never work on it together."""
    ensure_folder(wanted.folder, 0o700)
    ensure_folder(os.path.join(wanted.folder, "ca"), 0o700)
    handle = os.open(wanted.ca(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def file_state(path: str) -> dict[str, Any] | None:
    """A file as receipts describe it (sha256, uid, gid, mode); None where there is none."""
    content = read_content(path)
    if content is None:
        return None
    found = os.stat(path)
    sha256 = hashlib.sha256(content).hexdigest()
    return {"sha256": sha256, "uid": found.st_uid, "gid": found.st_gid, "mode": stat.S_IMODE(found.st_mode)}


def folder_state(path: str) -> dict[str, Any] | None:
    """A folder as receipts describe it (uid, gid, mode); None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return {"uid": found.st_uid, "gid": found.st_gid, "mode": stat.S_IMODE(found.st_mode)}


def leaf_files(leaf: Leaf, wanted: Wanted) -> dict[str, tuple[int, int, int]]:
    """Mode, user and group of each file of a leaf."""
    return {
        wanted.tls(leaf.name, "cert.pem"): (0o644, leaf.uid, leaf.gid),
        wanted.tls(leaf.name, "key.pem"): (0o400, leaf.uid, leaf.gid),
    }


def rights_of(state: Mapping[str, Any]) -> tuple[int, int, int]:
    """Mode, user and group in a file state."""
    return state["mode"], state["uid"], state["gid"]


def read_content(path: str) -> bytes | None:
    """The bytes of a file; None where there is none."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def ensure_folder(path: str, mode: int) -> None:
    """Make a folder, of the caller, with this mode."""
    os.makedirs(path, mode=mode, exist_ok=True)
    found = os.stat(path)
    if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(path, os.geteuid(), os.getegid())
    if stat.S_IMODE(found.st_mode) != mode:
        os.chmod(path, mode)


def write(path: str, data: bytes, mode: int, uid: int, gid: int) -> None:
    """Write in one step. The collection's own writer (atomic.py) is not at hand where this file runs by itself."""
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.kronos-{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)
        os.fsync(handle)
    os.replace(temporary, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # the new name survives a power cut
    finally:
        os.close(folder)


def forget(path: str) -> None:
    """Remove a file, if it is there."""
    if os.path.lexists(path):
        os.unlink(path)
