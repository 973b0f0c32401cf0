# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine calls itself and what time it shows: host name, /etc/hosts, time zone. Read, plan (pure), apply."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner

BEGIN, END = "# begin: kronos.homelab", "# end: kronos.homelab"
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOSTNAME = re.compile(rf"{LABEL}(\.{LABEL})*")
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


@dataclass(frozen=True)
class Places:
    """Where things lie; unit tests point elsewhere."""

    hostname: str = "/etc/hostname"
    hosts: str = "/etc/hosts"
    localtime: str = "/etc/localtime"
    timezone: str = "/etc/timezone"
    zones: str = "/usr/share/zoneinfo"
    kernel: str = "/proc/sys/kernel/hostname"


@dataclass(frozen=True)
class Wanted:
    """What is to be; empty or None: left as it is. ``hosts``: (address, names)."""

    timezone: str = ""
    hostname: str = ""
    hosts: tuple[tuple[str, tuple[str, ...]], ...] | None = None


@dataclass(frozen=True)
class Present:
    """What is: the files as they are, where the time leads, what the kernel calls the machine."""

    files: Mapping[str, tree.Present] = field(default_factory=dict)
    zone: str = ""
    known: bool = True
    running: str = ""


@dataclass(frozen=True)
class Change:
    """Files to write, a zone to link to, a name to tell the kernel."""

    files: tuple[tree.Wanted, ...] = ()
    zone: str = ""
    name: str = ""
    diff: tuple[dict[str, str], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.files or self.zone or self.name)


def read_present(wanted: Wanted, places: Places) -> Present:
    """What the machine says of itself."""
    files = tree.read_present([places.hostname, places.hosts, places.timezone])
    target = os.path.realpath(places.localtime)
    zones = os.path.realpath(places.zones)
    running = ""
    with contextlib.suppress(OSError), open(places.kernel, encoding="utf-8") as stream:
        running = stream.read().strip()
    return Present(
        files=files,
        zone=target[len(zones) + 1 :] if target.startswith(f"{zones}/") else "",
        known=not wanted.timezone or os.path.isfile(f"{places.zones}/{wanted.timezone}"),
        running=running,
    )


def plan(wanted: Wanted, present: Present, places: Places) -> Change:
    """The change. Pure. Raises KronosError for a name that is none, and a time zone that the host does not know."""
    if wanted.hostname and not HOSTNAME.fullmatch(wanted.hostname):
        raise KronosError(f"no host name: {wanted.hostname!r}")
    if wanted.timezone and (not ZONE.fullmatch(wanted.timezone) or not present.known):
        raise KronosError(f"the host knows no time zone {wanted.timezone!r} (timedatectl list-timezones shows all)")
    texts: dict[str, str] = {}
    if wanted.hostname:
        texts[places.hostname] = f"{wanted.hostname}\n"
    if wanted.timezone:
        texts[places.timezone] = f"{wanted.timezone}\n"
    if wanted.hosts is not None or wanted.hostname:
        texts[places.hosts] = _hosts(_text(present, places.hosts), wanted)
    files = tuple(
        tree.Wanted(path, text.encode(), *_rights(present, path))
        for path, text in texts.items()
        if text != _text(present, path)
    )
    diff = [_entry(file.path, _text(present, file.path), file.content.decode()) for file in files]
    zone = wanted.timezone if wanted.timezone and wanted.timezone != present.zone else ""
    name = wanted.hostname if wanted.hostname and wanted.hostname != present.running else ""
    if zone:
        diff.append(_entry("time zone", f"{present.zone}\n", f"{zone}\n"))
    if name:
        diff.append(_entry("host name", f"{present.running}\n", f"{name}\n"))
    return Change(files, zone, name, tuple(diff))


def apply(change: Change, places: Places, run: Runner) -> None:
    """Carry it out."""
    for file in change.files:
        _write(file)
    if change.zone:
        temporary = f"{places.localtime}.kronos"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(f"{places.zones}/{change.zone}", temporary)
        os.replace(temporary, places.localtime)
    if change.name:
        done = run(["hostname", change.name], timeout=30)
        if done.code:
            raise KronosError(f"hostname {change.name}: {(done.err or done.out).strip()}")


def left(wanted: Wanted, places: Places) -> dict[str, Any]:
    """What the receipt says."""
    paths = [places.hostname] if wanted.hostname else []
    paths += [places.hosts] if wanted.hostname or wanted.hosts is not None else []
    links = {places.localtime: os.readlink(places.localtime)} if wanted.timezone else {}
    return {"files": {path: receipts.file_state(path) for path in paths}, "links": links}


def _hosts(old: str, wanted: Wanted) -> str:
    """The lines of others, our own name on 127.0.1.1 (as Debian has it), and our block."""
    lines = re.sub(rf"(?s){BEGIN}\n.*?{END}\n", "", old).splitlines()
    if wanted.hostname:
        short = wanted.hostname.split(".")[0]
        own = " ".join(dict.fromkeys(["127.0.1.1", wanted.hostname, short]))
        at = next((index for index, line in enumerate(lines) if line.split()[:1] == ["127.0.1.1"]), None)
        if at is None:
            lines.append(own)
        elif lines[at].split() != own.split():
            lines[at] = own
    block = [f"{address} {' '.join(names)}" for address, names in wanted.hosts or ()]
    return "".join(f"{line}\n" for line in [*lines, *([BEGIN, *block, END] if block else [])])


def _write(file: tree.Wanted) -> None:
    """In one step; where the file is a mount of its own, as in many containers, in place."""
    try:
        atomic.write_file(file.path, file.content, mode=file.mode, uid=file.uid, gid=file.gid)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        with open(file.path, "r+b") as stream:
            stream.write(file.content)
            stream.truncate()
            os.fsync(stream.fileno())


def _text(present: Present, path: str) -> str:
    found = present.files.get(path)
    return (found.content or b"").decode("utf-8", "surrogateescape") if found and found.kind == "file" else ""


def _rights(present: Present, path: str) -> tuple[int, int, int]:
    found = present.files.get(path)
    return (found.mode, found.uid, found.gid) if found and found.kind == "file" else (0o644, os.geteuid(), os.getegid())


def _entry(header: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": header, "after_header": header, "before": before, "after": after}
