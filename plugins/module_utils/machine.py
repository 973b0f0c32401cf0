# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine calls itself, what time it shows and what language it speaks: host name, /etc/hosts, time zone,
locale, whether the clock is kept. Read, plan (pure), apply.

The lines of others in these files stay, and so do the locales that others have asked for.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner, must

BEGIN, END = "# begin: kronos.homelab", "# end: kronos.homelab"
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOSTNAME = re.compile(rf"{LABEL}(\.{LABEL})*")
LOCALE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9-]+)?(@[a-z]+)?")
SHOW_CLOCK = ["timedatectl", "show", "--property=CanNTP", "--property=NTP"]
# https://docs.cloud-init.io/en/latest/reference/modules.html (set hostname, update etc hosts)
NO_CLOUD = "# Written by kronos.homelab, which keeps these names.\npreserve_hostname: true\nmanage_etc_hosts: false\n"
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
    languages: str = "/etc/locale.gen"
    language: tuple[str, ...] = ("/etc/locale.conf", "/etc/default/locale")
    cloud: str = "/etc/cloud/cloud.cfg.d"


@dataclass(frozen=True)
class Wanted:
    """What is to be; empty, None or False: left as it is. ``hosts``: (address, names)."""

    timezone: str = ""
    hostname: str = ""
    hosts: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    locale: str = ""
    clock: bool = False


@dataclass(frozen=True)
class Present:
    """What is: the files as they are, where the time leads, what the kernel calls the machine.

    ``spoken``: the locales that programs can use. ``clock``: whether something keeps it, None where nothing could.
    ``cloud``: cloud-init is there, which writes names anew at each boot unless told not to.
    """

    files: Mapping[str, tree.Present] = field(default_factory=dict)
    zone: str = ""
    known: bool = True
    running: str = ""
    spoken: frozenset[str] = frozenset()
    clock: bool | None = None
    cloud: bool = False


@dataclass(frozen=True)
class Change:
    """Files to write, a zone to link to, a name to tell the kernel, programs to run."""

    files: tuple[tree.Wanted, ...] = ()
    zone: str = ""
    name: str = ""
    commands: tuple[tuple[str, ...], ...] = ()
    diff: tuple[dict[str, str], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.files or self.zone or self.name or self.commands)


def read_present(wanted: Wanted, places: Places, run: Runner) -> Present:
    """What the machine says of itself."""
    language = [os.path.realpath(path) for path in places.language]
    paths = [places.hostname, places.hosts, places.timezone, places.languages, *language, _cloud_file(places)]
    target = os.path.realpath(places.localtime)
    zones = os.path.realpath(places.zones)
    running = ""
    with contextlib.suppress(OSError), open(places.kernel, encoding="utf-8") as stream:
        running = stream.read().strip()
    return Present(
        files=tree.read_present(paths),
        zone=target[len(zones) + 1 :] if target.startswith(f"{zones}/") else "",
        known=not wanted.timezone or os.path.isfile(f"{places.zones}/{wanted.timezone}"),
        running=running,
        spoken=frozenset(_spelt(line) for line in run(["locale", "-a"]).out.split()) if wanted.locale else frozenset(),
        clock=_clock(run) if wanted.clock else None,
        cloud=os.path.isdir(places.cloud),
    )


def _clock(run: Runner) -> bool | None:
    """Whether the clock is kept, as systemd sees it: timesyncd, chrony, ntpsec and others tell it of themselves."""
    with contextlib.suppress(KronosError):
        said = dict(line.partition("=")[::2] for line in run(SHOW_CLOCK, timeout=60).out.splitlines())
        if said.get("CanNTP") == "yes":
            return said.get("NTP") == "yes"
    return None


def warnings(wanted: Wanted, present: Present) -> list[str]:
    """What the user should know, though it is no mistake."""
    nobody = wanted.clock and present.clock is None
    return ["nothing on the host keeps its clock, as far as timedatectl knows"] if nobody else []


def plan(wanted: Wanted, present: Present, places: Places) -> Change:
    """The change. Pure. Raises KronosError for a name that is none, and a time zone that the host does not know."""
    if wanted.hostname and not HOSTNAME.fullmatch(wanted.hostname):
        raise KronosError(f"no host name: {wanted.hostname!r}")
    if wanted.locale and not LOCALE.fullmatch(wanted.locale):
        raise KronosError(f"no locale: {wanted.locale!r}; such as es_ES.UTF-8 is wanted")
    if wanted.timezone and (not ZONE.fullmatch(wanted.timezone) or not present.known):
        raise KronosError(f"the host knows no time zone {wanted.timezone!r} (timedatectl list-timezones shows all)")
    files = tuple(
        tree.Wanted(path, text.encode("utf-8", "surrogateescape"), *_rights(present, path))
        for path, text in _texts(wanted, present, places).items()
        if text != _text(present, path)
    )
    shown = {file.path: file.content.decode("utf-8", "replace") for file in files}
    diff = [
        _entry(path, _text(present, path).encode("utf-8", "replace").decode(), text) for path, text in shown.items()
    ]
    zone = wanted.timezone if wanted.timezone and wanted.timezone != present.zone else ""
    name = wanted.hostname if wanted.hostname and wanted.hostname != present.running else ""
    commands = tuple(_commands(wanted, present))
    if zone:
        diff.append(_entry("time zone", f"{present.zone}\n", f"{zone}\n"))
    if name:
        diff.append(_entry("host name", f"{present.running}\n", f"{name}\n"))
    diff += [_entry(" ".join(command), "", "run\n") for command in commands]
    return Change(files, zone, name, commands, tuple(diff))


def _texts(wanted: Wanted, present: Present, places: Places) -> dict[str, str]:
    """path → text of every file that says something wanted."""
    texts: dict[str, str] = {}
    if wanted.hostname:
        texts[places.hostname] = f"{wanted.hostname}\n"
    if wanted.timezone:
        texts[places.timezone] = f"{wanted.timezone}\n"
    if wanted.hosts is not None or wanted.hostname:
        texts[places.hosts] = _hosts(_text(present, places.hosts), wanted)
        if present.cloud:
            texts[_cloud_file(places)] = NO_CLOUD
    if wanted.locale:
        for path in dict.fromkeys(os.path.realpath(path) for path in places.language):
            texts[path] = _language(_text(present, path), wanted.locale)
        if not wanted.locale.startswith("C."):
            texts[places.languages] = _languages(_text(present, places.languages), wanted.locale)
    return texts


def _commands(wanted: Wanted, present: Present) -> Iterator[tuple[str, ...]]:
    if wanted.locale and not wanted.locale.startswith("C.") and _spelt(wanted.locale) not in present.spoken:
        yield ("locale-gen", "--keep-existing")  # without it, others' locales would go
    if wanted.clock and present.clock is False:
        yield ("timedatectl", "set-ntp", "true")


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
    for command in [*([("hostname", change.name)] if change.name else []), *change.commands]:
        must(run, command, timeout=300)


def left(wanted: Wanted, places: Places) -> dict[str, Any]:
    """What the receipt says."""
    named = bool(wanted.hostname or wanted.hosts is not None)
    paths = [places.hostname] if wanted.hostname else []
    paths += [places.hosts] if named else []
    paths += [_cloud_file(places)] if named and os.path.isdir(places.cloud) else []
    paths += sorted({os.path.realpath(path) for path in places.language}) if wanted.locale else []
    links = {places.localtime: os.readlink(places.localtime)} if wanted.timezone else {}
    return {"files": {path: receipts.file_state(path) for path in paths}, "links": links}


def _cloud_file(places: Places) -> str:
    return f"{places.cloud}/99-kronos.cfg"


def _spelt(name: str) -> str:
    """A locale's name as `locale -a` spells it: es_ES.utf8."""
    return re.sub(r"\.([^@]*)", lambda found: "." + found[1].replace("-", "").lower(), name)


def _language(old: str, locale: str) -> str:
    """LANG in a file that may say more than that."""
    kept = [line for line in old.splitlines() if not re.match(r"\s*LANG=", line)]
    return "".join(f"{line}\n" for line in [f"LANG={locale}", *kept])


def _languages(old: str, locale: str) -> str:
    """The list of locales to generate with this one in it."""
    charset = locale.partition(".")[2].partition("@")[0] or "ISO-8859-1"
    line = f"{locale} {charset}"
    if line in (" ".join(each.split()) for each in old.splitlines()):
        return old
    return (old if not old or old.endswith("\n") else f"{old}\n") + f"{line}\n"


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
