# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timed commit: a change that could lock the user out undoes itself unless it is confirmed in time.

::

    timed.settle("firewall", run)                  # an unconfirmed change counts as never made
    ... read, plan ...
    with timed.change("firewall", undo, seconds=60, run=run) as note:
        ... apply ...
    result["confirm"] = note.request()

From before the first step of the change, a persistent record, a timer and a unit for the next boot stand on the host:
whatever dies - the run, the connection, the host - the old files are put back and the commands of the undo are run.
The controller (``plugin_utils/confirming.py``) sends the token over a new connection, and only then the change stays.
Where the work itself fails, the old state is put back at once. The time to confirm begins anew when the work is done:
a slow host loses none of it, and nothing is put back in the middle of the work.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, timed_script
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, explain
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner
from ansible_collections.kronos.homelab.plugins.module_utils.timed_script import Place

PROGRAM = "/usr/local/lib/kronos/kronos_timed.py"
CONFIRM = "/usr/local/sbin/kronos-confirm"
WHAT = re.compile(r"[a-z][a-z0-9]{0,30}")

_CONFIRM_TEXT = f"""\
#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Keeps a change of the network that waits to be confirmed. Run it from a session opened after the change.
exec /usr/bin/python3 {PROGRAM} confirm "$@"
"""

_TIMER = """\
[Unit]
Description=Undo the change of {what} unless it is confirmed

[Timer]
OnActiveSec={seconds}s
AccuracySec=100ms
"""

_SERVICE = """\
[Unit]
Description=Undo the unconfirmed change of {what}
ConditionPathExists={record}
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 {program} revert {what} --why=timeout
Restart=on-failure
RestartSec=5s
"""

# Ordered, which the other one must not be: its commands start the very services that this one goes before.
_BOOT = """\
[Unit]
Description=Undo the unconfirmed change of {what} before the network comes up
DefaultDependencies=no
ConditionPathExists={record}
ConditionPathExists=!{marker}
RequiresMountsFor=/etc {record} {program}
After=systemd-remount-fs.service
Wants=network-pre.target
Before=network-pre.target systemd-networkd.service networking.service NetworkManager.service kronos-firewall.service
Before=sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 {program} boot {what}

[Install]
WantedBy=sysinit.target
"""


@dataclass(frozen=True)
class Undo:
    """How to get back: files to put back as they are now, then commands; others at boot, where nothing runs yet."""

    paths: Sequence[str]
    commands: Sequence[Sequence[str]] = ()
    boot_commands: Sequence[Sequence[str]] = ()


@dataclass
class Note:
    """A change that waits to be confirmed; ``begun`` is when its time began."""

    what: str
    token: str
    seconds: float
    begun: float

    def request(self, now: float | None = None) -> dict[str, Any]:
        """Return what the module asks the controller for; ``seconds`` is the time that is left."""
        passed = (time.monotonic() if now is None else now) - self.begun
        return {"what": self.what, "token": self.token, "seconds": max(0, int(self.seconds - passed))}


def settle(what: str, run: Runner, *, place: Place | None = None) -> bool:
    """Undo a change that another run left unconfirmed; say whether there was one. Raises KronosError on failure."""
    place = place or Place()
    with timed_script.locked(place, what):
        if timed_script.read_record(place, what) is None:
            return False
        _revert(place, what, run, "another run began")
    return True


def unconfirmed(what: str, *, place: Place | None = None) -> dict[str, bytes | None]:
    """Return the files that an unconfirmed change will lose: path -> content before it, None where there was none.

    For check mode, which must not settle anything.
    """
    record = timed_script.read_record(place or Place(), what)
    return {entry["path"]: timed_script.content_of(entry) for entry in record["files"]} if record else {}


@contextlib.contextmanager
def change(what: str, undo: Undo, *, seconds: int, run: Runner, place: Place | None = None) -> Iterator[Note]:
    """Do what stands in the block under a timed commit; where it fails, the old state is back before the error."""
    place = place or Place()
    # held all the time: who would put back in the middle of the work waits for its end, which a death is too
    with timed_script.locked(place, what):
        note = _begin(what, undo, seconds, run, place)
        try:
            yield note
            _begin_anew(place, note, run)
        except BaseException as error:
            try:
                _revert(place, what, run, "the change failed")
            except KronosError as second:
                raise KronosError(f"{explain(error)}; then {second}") from error
            raise


def begin(what: str, undo: Undo, *, seconds: int, run: Runner, place: Place | None = None) -> Note:
    """Make sure that the state as it is now comes back in *seconds* and at the next boot, unless it is confirmed."""
    place = place or Place()
    with timed_script.locked(place, what):
        return _begin(what, undo, seconds, run, place)


def _begin(what: str, undo: Undo, seconds: int, run: Runner, place: Place) -> Note:
    if not WHAT.fullmatch(what):
        raise ValueError(f"not a name for a change: {what!r}")
    token = secrets.token_hex(16)
    install_program()
    if timed_script.read_record(place, what) is not None:
        raise KronosError(f"a change of {what} waits to be confirmed: run `kronos-confirm`, or wait for its end")
    begun = time.monotonic()
    _write_record(place, what, undo, token)
    try:
        _arm(place, what, seconds, run)
    except BaseException:
        timed_script.end(place, what, timed_script.digest(token), "put back", "could not begin")
        timed_script.clear(place, what, _commander(run))
        raise
    return Note(what, token, seconds, begun)


def _begin_anew(place: Place, note: Note, run: Runner) -> None:
    """Let the time to confirm begin now."""
    if timed_script.read_record(place, note.what) is None:
        raise KronosError(f"the change of {note.what} took so long that the old state was put back meanwhile")
    # one whose time has come already waits for our lock
    _must(run, "stop", f"kronos-revert-{note.what}.service")
    begun = time.monotonic()
    _must(run, "restart", f"kronos-revert-{note.what}.timer")
    note.begun = begun


def install_program() -> None:
    """Put the program that undoes on the host, and the command that confirms."""
    own = (os.geteuid(), os.getegid())
    for path, text in ((PROGRAM, inspect.getsource(timed_script)), (CONFIRM, _CONFIRM_TEXT)):
        if _has(path, text.encode()):
            continue
        atomic.ensure_dir(os.path.dirname(path), mode=0o755, uid=own[0], gid=own[1])
        atomic.write_file(path, text.encode(), mode=0o755, uid=own[0], gid=own[1])


def _has(path: str, content: bytes) -> bool:
    try:
        with open(path, "rb") as stream:
            return stream.read() == content
    except OSError:
        return False


def _write_record(place: Place, what: str, undo: Undo, token: str) -> None:
    record = {
        "schema": timed_script.SCHEMA,
        "token": timed_script.digest(token),
        "files": [timed_script.snapshot(path) for path in undo.paths],
        "commands": [list(words) for words in undo.commands],
        "boot_commands": [list(words) for words in undo.boot_commands],
    }
    own = (os.geteuid(), os.getegid())
    folder = os.path.dirname(place.record(what))
    for path in (place.pending, folder):
        atomic.ensure_dir(path, mode=0o700, uid=own[0], gid=own[1])
    # The marker first: with a record and no marker, the unit of the next boot would think that it is due.
    atomic.write_file(place.marker(what), b"", mode=0o600, uid=own[0], gid=own[1])
    atomic.write_file(place.record(what), json.dumps(record).encode(), mode=0o600, uid=own[0], gid=own[1])


def _arm(place: Place, what: str, seconds: int, run: Runner) -> None:
    names = {
        "what": what,
        "seconds": seconds,
        "record": place.record(what),
        "marker": place.marker(what),
        "program": PROGRAM,
    }
    for suffix, text in ((".timer", _TIMER), (".service", _SERVICE), ("-boot.service", _BOOT)):
        path = place.unit(what, suffix)
        atomic.write_file(path, text.format(**names).encode(), mode=0o644, uid=os.geteuid(), gid=os.getegid())
    # enabling makes systemd read its files again
    _must(run, "enable", f"kronos-revert-{what}-boot.service")
    _must(run, "start", f"kronos-revert-{what}.timer")
    os.sync()


def _revert(place: Place, what: str, run: Runner, why: str) -> None:
    troubles = timed_script.put_back(place, what, _commander(run), why=why)
    if troubles:
        raise KronosError(f"the state before the change of {what} could not be put back wholly: {'; '.join(troubles)}")


def _commander(run: Runner) -> timed_script.Command:
    def command(words: Sequence[str]) -> str:
        try:
            done = run(list(words), timeout=timed_script.COMMAND_SECONDS)
        except KronosError as error:
            return str(error)
        said = (done.err or done.out).strip().splitlines()
        return "" if done.code == 0 else (said[-1] if said else f"exit code {done.code}")

    return command


def _must(run: Runner, *words: str) -> None:
    trouble = _commander(run)(["systemctl", *words])
    if trouble:
        raise KronosError(f"systemctl {' '.join(words)}: {trouble}. Nothing was changed")
