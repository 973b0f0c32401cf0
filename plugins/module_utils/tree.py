# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of files and directories: read the present, compute the change (pure), apply it.

``plan_tree(files, directories, absent, read_present(paths_of(files, directories, absent)))`` says
everything there is to say: whether something changes, which paths, and the diff. ``apply`` carries out that
change and nothing else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

LONGEST_DIFF = 128 * 1024


@dataclass(frozen=True)
class Wanted:
    """A file as it must be. The content of a ``secret`` one never shows in a diff."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    secret: bool = False


@dataclass(frozen=True)
class WantedDirectory:
    """A directory as it must be; what is in it is its own affair."""

    path: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Present:
    """What is at a path: ``kind`` is file, directory, link, other or absent; ``empty`` is said of directories."""

    kind: str
    mode: int = 0
    uid: int = 0
    gid: int = 0
    content: bytes | None = field(default=None, repr=False)
    empty: bool = field(default=False, compare=False)


ABSENT = Present("absent")


@dataclass(frozen=True)
class TreeChange:
    """Everything that has to happen.

    Empty when the present is as wanted. Paths in ``creates`` etc. are in order of work.
    """

    files: tuple[Wanted, ...] = ()
    directories: tuple[WantedDirectory, ...] = ()
    absent: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    diff: tuple[dict[str, str], ...] = field(default=(), repr=False)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.files or self.directories or self.absent)


def paths_of(
    files: Iterable[Wanted] = (), directories: Iterable[WantedDirectory] = (), absent: Iterable[str] = ()
) -> list[str]:
    """Every path that ``plan_tree`` needs to know the present of."""
    return [*(each.path for each in directories), *(each.path for each in files), *absent]


def read_present(paths: Iterable[str]) -> dict[str, Present]:
    """What is at each of *paths* now.

    Files with their content. A directory behind a link counts as that directory.
    """
    return {path: _read(path) for path in paths}


def plan_tree(
    files: Sequence[Wanted],
    directories: Sequence[WantedDirectory],
    absent: Sequence[str],
    present: Mapping[str, Present],
) -> TreeChange:
    """The change that leads from *present* to what is wanted. Pure.

    Directories come first (parents before children), then files in the order given, then removals. Raises
    KronosError where something of another kind is in the way, or where one path is wanted twice.
    """
    _refuse_doubles(paths_of(files, directories, absent))
    folders = [
        wanted
        for wanted in sorted(directories, key=lambda one: one.path)
        if _folder_differs(wanted, present[wanted.path])
    ]
    writes = [wanted for wanted in files if _file_differs(wanted, present[wanted.path])]
    gone = [path for path in absent if present[path].kind != "absent"]
    touched = paths_of(writes, folders)
    diff = [_folder_diff(wanted, present[wanted.path]) for wanted in folders]
    for wanted in writes:
        diff += _file_diff(wanted, present[wanted.path])
    diff += [_removal_diff(path, present[path]) for path in gone]
    return TreeChange(
        files=tuple(writes),
        directories=tuple(folders),
        absent=tuple(gone),
        creates=tuple(path for path in touched if present[path].kind == "absent"),
        updates=tuple(path for path in touched if present[path].kind != "absent"),
        removes=tuple(gone),
        diff=tuple(diff),
    )


def apply(change: TreeChange) -> None:
    """Carry out *change*, each file in one step.

    Interrupted anywhere, planning and applying again finishes the work.
    """
    for folder in change.directories:
        atomic.ensure_dir(folder.path, mode=folder.mode, uid=folder.uid, gid=folder.gid)
    for wanted in change.files:
        parent = os.path.dirname(wanted.path)
        if not os.path.isdir(parent):
            atomic.ensure_dir(parent, mode=0o755, uid=os.geteuid(), gid=os.getegid())
        atomic.write_file(wanted.path, wanted.content, mode=wanted.mode, uid=wanted.uid, gid=wanted.gid)
    for path in change.absent:
        atomic.remove(path)


def receipt_of(
    files: Iterable[Wanted], directories: Iterable[WantedDirectory], absent: Iterable[str] = ()
) -> dict[str, Any]:
    """The part of a receipt that describes these files once they stand (see receipts.py)."""
    return {
        "files": {
            **{
                wanted.path: {
                    "sha256": receipts.sha256(wanted.content),
                    "uid": wanted.uid,
                    "gid": wanted.gid,
                    "mode": wanted.mode,
                }
                for wanted in files
            },
            **dict.fromkeys(absent),
        },
        "directories": {
            wanted.path: {"uid": wanted.uid, "gid": wanted.gid, "mode": wanted.mode} for wanted in directories
        },
    }


def strays(tops: Iterable[str], wanted: Container[str]) -> list[str]:
    """What lies below the folders *tops*, which are wholly ours, and is none of the paths *wanted*.

    Of a folder that is not wanted only the folder itself; what a link leads to is not looked at.
    """
    found = []
    for top in tops:
        for folder, folders, names in os.walk(top):
            inner = {os.path.join(folder, name) for name in folders}
            strange = {path for path in inner if path not in wanted}
            found += [*(os.path.join(folder, name) for name in names), *strange]
            folders[:] = [name for name in folders if os.path.join(folder, name) not in strange]
    return sorted(path for path in found if path not in wanted)


def _read(path: str) -> Present:
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            target = os.stat(path)
            if not stat.S_ISDIR(target.st_mode):
                return Present("link", content=os.fsencode(os.readlink(path)))
            found = target
    except (FileNotFoundError, NotADirectoryError):
        return Present("link", content=os.fsencode(os.readlink(path))) if os.path.islink(path) else ABSENT
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISDIR(found.st_mode):
        return Present("directory", mode, found.st_uid, found.st_gid, empty=_is_empty(path))
    if not stat.S_ISREG(found.st_mode):
        return Present("other", mode, found.st_uid, found.st_gid)
    with open(path, "rb") as stream:
        return Present("file", mode, found.st_uid, found.st_gid, stream.read())


def _is_empty(path: str) -> bool:
    with os.scandir(path) as entries:
        return next(entries, None) is None


def _refuse_doubles(paths: Iterable[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        if not os.path.isabs(path) or os.path.normpath(path) != path:
            raise KronosError(f"{path!r}: an absolute path without `..`, `.` or a slash at its end is wanted")
        if path in seen:
            raise KronosError(f"{path} is named twice")
        seen.add(path)


def _folder_differs(wanted: WantedDirectory, present: Present) -> bool:
    if present.kind not in ("absent", "directory"):
        raise KronosError(f"{wanted.path} is a {present.kind}: a directory is wanted there")
    return present != Present("directory", wanted.mode, wanted.uid, wanted.gid)


def _file_differs(wanted: Wanted, present: Present) -> bool:
    # An empty directory is what Docker leaves where a file that it should have mounted was missing.
    if present.kind == "other" or (present.kind == "directory" and not present.empty):
        what = f"{present.kind} with something in it" if present.kind == "directory" else present.kind
        raise KronosError(f"{wanted.path} is a {what}: a file is wanted there; move it away first")
    return present != Present("file", wanted.mode, wanted.uid, wanted.gid, wanted.content)


def _folder_diff(wanted: WantedDirectory, present: Present) -> dict[str, str]:
    before = "" if present.kind == "absent" else _attributes("directory", present.mode, present.uid, present.gid)
    after = _attributes("directory", wanted.mode, wanted.uid, wanted.gid)
    return _entry(wanted.path, before, after)


def _file_diff(wanted: Wanted, present: Present) -> list[dict[str, str]]:
    diff = []
    if present.kind != "file" or present.content != wanted.content:
        before = "" if present.kind == "absent" else _shown(present.content or b"", wanted.secret, "old")
        diff.append(_entry(wanted.path, before, _shown(wanted.content, wanted.secret, "new")))
    if present.kind == "file":
        before = _attributes("file", present.mode, present.uid, present.gid)
        after = _attributes("file", wanted.mode, wanted.uid, wanted.gid)
        if before != after:
            diff.append(_entry(wanted.path, before, after))
    elif present.kind != "absent":
        diff.append(_entry(wanted.path, f"{present.kind}\n", "file\n"))
    return diff


def _removal_diff(path: str, present: Present) -> dict[str, str]:
    # What is removed may be a secret of the past: its content is nobody's business any more.
    return {
        "before_header": path,
        "after_header": f"{path} (removed)",
        "before": f"{present.kind}\n",
        "after": "",
    }


def _entry(path: str, before: str, after: str) -> dict[str, str]:
    header = path if before else f"{path} (absent)"
    return {"before_header": header, "after_header": path, "before": before, "after": after}


def _attributes(kind: str, mode: int, uid: int, gid: int) -> str:
    return f"{kind}\nmode: {mode:04o}\nowner: {uid}\ngroup: {gid}\n"


def _shown(content: bytes, secret: bool, which: str) -> str:
    if secret:
        return f"({which} content, hidden)\n"
    if len(content) > LONGEST_DIFF:
        return f"({len(content)} bytes, sha256 {receipts.sha256(content)})\n"
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"(binary, {len(content)} bytes, sha256 {receipts.sha256(content)})\n"
