# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing files so that no reader, and no crash, ever sees half of one.

A new content goes to a hidden neighbour, reaches the disk, and is then renamed over the old file. The
neighbour never ends in the file's own suffix, so that programs which read a whole folder (``*.yml``) do not
pick it up; what a killed writer leaves behind is swept by the next write of the same file.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

_MARK = ".kronos-"


def write_file(path: str, data: bytes, *, mode: int, uid: int, gid: int) -> None:
    """Replace or create *path* with exactly these bytes, mode and owner, in one step.

    The folder must exist. A symbolic link at *path* is replaced, never followed, and so is an empty directory.
    Raises OSError, with the old file untouched.
    """
    folder, name = os.path.split(path)
    _sweep(folder, name)
    temporary = os.path.join(folder, f"{_prefix(name)}{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            _fill(handle, data)
            os.fchown(handle, uid, gid)
            os.fchmod(handle, mode)
            os.fsync(handle)
        finally:
            os.close(handle)
        _rename(temporary, path)
    except OSError as error:
        _unlink(temporary)
        raise OSError(error.errno, error.strerror, path) from error
    except BaseException:
        _unlink(temporary)
        raise
    sync_folder(folder)


def ensure_dir(path: str, *, mode: int, uid: int, gid: int) -> bool:
    """Make *path* a directory with this mode and owner; say whether anything had to change.

    Missing parents are made 0755 and root's (or the caller's own). A link in its place is followed only if
    it is root's or the caller's: one planted by a service would otherwise turn this into a change of owner
    anywhere on the host.
    """
    if not os.path.lexists(path):
        _make_parents(os.path.dirname(path))
        os.mkdir(path, 0o700)
        _own(path, mode, uid, gid)
        return True
    _refuse_foreign_link(path)
    if not os.path.isdir(path):
        raise KronosError(f"{path} is in the way: a directory is wanted there")
    found = os.stat(path)
    if (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (mode, uid, gid):
        return False
    _own(path, mode, uid, gid)
    return True


def remove(path: str) -> bool:
    """Remove a file, a link or a whole directory; say whether there was one."""
    if not os.path.lexists(path):
        return False
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
    sync_folder(os.path.dirname(path))
    return True


def sync_folder(path: str) -> None:
    """Make renames and removals in the folder *path* survive a power cut."""
    handle = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _prefix(name: str) -> str:
    return f".{name[:200]}{_MARK}"


def _fill(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _sweep(folder: str, name: str) -> None:
    """Remove what killed writers of this file left: their process id is in the name."""
    prefix = _prefix(name)
    for entry in os.listdir(folder or "."):
        writer = entry[len(prefix) :]
        if not entry.startswith(prefix) or not writer.isdigit():
            continue
        if int(writer) == os.getpid() or not os.path.exists(f"/proc/{writer}"):
            _unlink(os.path.join(folder, entry))


def _rename(temporary: str, path: str) -> None:
    try:
        os.replace(temporary, path)
    except IsADirectoryError:
        os.rmdir(path)  # fails where something is in it
        os.replace(temporary, path)


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _make_parents(path: str) -> None:
    if not path or os.path.isdir(path):
        return
    _make_parents(os.path.dirname(path))
    try:
        os.mkdir(path, 0o755)
    except FileExistsError as error:
        if not os.path.isdir(path):
            raise KronosError(f"{path} is in the way: a directory is wanted there") from error
        return
    os.chmod(path, 0o755)


def _refuse_foreign_link(path: str) -> None:
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode) and found.st_uid not in (0, os.geteuid()):
        raise KronosError(f"{path} is a symbolic link of user id {found.st_uid}: refusing to follow it")


def _own(path: str, mode: int, uid: int, gid: int) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)
    finally:
        os.close(handle)
