# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at mounted shares that comes back, whatever the share does.

A server that is gone leaves its mount in place, and whoever touches it waits for ever. So it is a child that touches
it, and a child that does not come back is killed. What is mounted is told by the kernel's list, which touches nothing.

This very file also runs on the host by itself, beside the program of the mount guard: it imports nothing else of the
collection.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

MOUNTS = "/proc/self/mountinfo"
FSTAB = "/etc/fstab"
PATIENCE = 5.0
LONGEST = 1 << 16


@dataclass(frozen=True)
class Mount:
    """One line of the kernel's list, proc_pid_mountinfo(5). ``root``: the part of the file system that is mounted."""

    point: str
    root: str
    source: str
    kind: str
    device: str
    options: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Question:
    """What to look at: a mount point, and below it a folder that only the share has; *write*: try that too."""

    path: str
    folder: str = ""
    write: bool = False


@dataclass(frozen=True)
class Look:
    """What a look found; ``error`` says why it found nothing. Sizes in bytes; inodes are 0 where there is no count."""

    error: str = ""
    size: int = 0
    free: int = 0
    inodes: int = 0
    inodes_free: int = 0
    writable: bool = False
    late: bool = False

    def low(self, percent: int) -> str:
        """What is nearly used up, in words; empty where at least *percent* per cent are free."""
        if self.size and self.free * 100 < self.size * percent:
            return f"{self.free * 100 // self.size} % of the space is free"
        if self.inodes and self.inodes_free * 100 < self.inodes * percent:
            return f"{self.inodes_free * 100 // self.inodes} % of the inodes are free"
        return ""


def read_mounts(path: str = MOUNTS) -> list[Mount]:
    """Everything that is mounted, in order; what is mounted last at a point hides what was there before."""
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        return [mount for line in stream if (mount := _mount(line.split())) is not None]


def mount_at(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """What is to be seen at a mount point; of an automount that waits, nothing."""
    found = [mount for mount in mounts if mount.point == path and mount.kind != "autofs"]
    return found[-1] if found else None


def in_fstab(path: str = FSTAB) -> set[str]:
    """Mount points that have a line in fstab(5); none where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            lines = [line.split() for line in stream if not line.lstrip().startswith("#")]
    except OSError:
        return set()
    return {_plain(words[1]).rstrip("/") for words in lines if len(words) > 2}


def waits(path: str, mounts: Sequence[Mount]) -> bool:
    """Whether an automount waits there for the first access: whoever looks into it mounts it, or waits in vain."""
    found = [mount for mount in mounts if mount.point == path]
    return bool(found) and found[-1].kind == "autofs"


def is_same(kind: str, source: str, path: str, mounts: Sequence[Mount]) -> bool:
    """Whether what is mounted at *path* is the share of this kind and source. Touches no share."""
    mount = mount_at(path, mounts)
    if mount is None:
        return False
    if kind == "nfs":
        return mount.kind.startswith("nfs") and mount.source.rstrip("/") == source.rstrip("/")
    if kind == "cifs":
        shown, wanted = mount.source.replace("\\", "/").rstrip("/"), source.rstrip("/")
        return mount.kind in ("cifs", "smb3") and shown.lower() == wanted.lower()
    if kind == "bind":
        return (mount.device, mount.root) == _part(source, mounts)
    return os.path.realpath(mount.source) == os.path.realpath(source)


def look_all(questions: Mapping[str, Question], patience: float = PATIENCE) -> dict[str, Look]:
    """Look at everything at once; what has not answered after *patience* seconds is ``late``."""
    children = {name: start(question) for name, question in questions.items()}
    deadline = time.monotonic() + patience
    looks = {}
    for name, child in children.items():
        look = child.wait(max(0.0, deadline - time.monotonic()))
        looks[name] = look or Look(error=f"does not answer within {patience:g} s", late=True)
        child.end()
    return looks


@dataclass
class Child:
    """A process that looks. One that hangs in the kernel cannot be ended at once: it is asked again later."""

    pid: int
    pipe: int
    said: bytes = b""

    def wait(self, seconds: float) -> Look | None:
        """What it found; None where it has not come back yet."""
        deadline = time.monotonic() + seconds
        while self.pipe >= 0:
            ready = select.select([self.pipe], [], [], max(0.0, deadline - time.monotonic()))[0]
            if not ready:
                return None
            part = os.read(self.pipe, LONGEST)
            if not part:
                return _read(self.said)
            self.said += part
        return _read(self.said)

    def end(self) -> bool:
        """Kill it; say whether it is gone."""
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        for _attempt in range(10):
            try:
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    return True
            except ChildProcessError:
                return True
            time.sleep(0.01)
        return False


def start(question: Question) -> Child:
    """Begin to look."""
    outlet, inlet = os.pipe()
    pid = os.fork()
    if pid:
        os.close(inlet)
        return Child(pid, outlet)
    code = 1
    try:  # in the child, which never returns
        os.close(outlet)
        os.write(inlet, json.dumps(asdict(see(question))).encode())
        code = 0
    finally:
        os._exit(code)


def see(question: Question) -> Look:
    """Look here and now, which may take for ever."""
    try:
        if question.folder and not os.path.isdir(question.folder):
            return Look(error=f"there is no folder {question.folder}")
        os.listdir(question.folder or question.path)
        found = os.statvfs(question.path)
        trouble = _try_to_write(question.folder or question.path) if question.write else ""
    except OSError as error:
        return Look(error=(error.strerror or str(error)).lower())
    return Look(
        error=trouble,
        size=found.f_blocks * found.f_frsize,
        free=found.f_bavail * found.f_frsize,
        inodes=found.f_files,
        inodes_free=found.f_favail,
        writable=question.write and not trouble,
    )


def _try_to_write(folder: str) -> str:
    probe, text = os.path.join(folder, f".kronos-probe-{os.getpid()}"), b"kronos\n"
    try:
        handle = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, text)
            os.fsync(handle)
            if os.pread(handle, len(text), 0) != text:
                return "what is written there cannot be read again"
        finally:
            os.close(handle)
            os.unlink(probe)
    except OSError as error:
        return f"cannot be written to: {(error.strerror or str(error)).lower()}"
    return ""


def _read(said: bytes) -> Look:
    try:
        return Look(**json.loads(said))
    except (ValueError, TypeError):
        return Look(error="the look at it was cut short")


def _mount(words: list[str]) -> Mount | None:
    if "-" not in words[6:]:
        return None
    dash = words.index("-", 6)
    point, root, source = (_plain(word) for word in (words[4], words[3], words[dash + 2]))
    options = frozenset(f"{words[5]},{words[-1]}".split(","))
    return Mount(point, root, source, words[dash + 1], words[2], options)


def _plain(word: str) -> str:
    """The kernel writes blanks and its like as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def _part(path: str, mounts: Sequence[Mount]) -> tuple[str, str]:
    """Device, and path on it, of a folder of the host."""
    over = [mount for mount in mounts if f"{path}/".startswith(f"{mount.point.rstrip('/')}/")]
    longest = max((len(mount.point) for mount in over), default=0)
    last = [mount for mount in over if len(mount.point) == longest]
    if not last:
        return "", ""
    rest = path[len(last[-1].point.rstrip("/")) :]
    return last[-1].device, f"{last[-1].root.rstrip('/')}{rest}" or "/"
