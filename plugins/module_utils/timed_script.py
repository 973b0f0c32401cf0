# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's half of a timed commit: puts an old state back unless the new one is confirmed.

This very file runs on the host by itself (as ``kronos_timed.py``, from systemd units and as ``kronos-confirm``) and
imports nothing of the collection. ``timed.py`` begins a change; see there.

Below ``pending/<what>`` lies ``record.json``: the digest of the token that confirms, the files as they were, and the
commands to run after they are back. While it exists, the change counts as not made. ``pending/<what>.ended`` tells how
the last one ended.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SCHEMA = 1
PUT_BACK, STRANGER = 3, 4  # exit codes of `confirm`
COMMAND_SECONDS = 300
# How long to wait for a change that is still at work, before it counts as one that hangs.
LOCK_SECONDS = 300
Command = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class Place:
    """Where things are; unit tests point elsewhere."""

    pending: str = "/var/lib/kronos/pending"
    run: str = "/run/kronos"
    units: str = "/etc/systemd/system"

    def record(self, what: str) -> str:
        """The record of an unconfirmed change."""
        return f"{self.pending}/{what}/record.json"

    def ended(self, what: str) -> str:
        """How the last change ended."""
        return f"{self.pending}/{what}.ended"

    def marker(self, what: str) -> str:
        """Exists from the change to the next boot: tells a unit started at boot from one started later."""
        return f"{self.run}/pending-{what}"

    def unit(self, what: str, suffix: str) -> str:
        """A unit file; the suffix is .timer, .service or -boot.service."""
        return f"{self.units}/kronos-revert-{what}{suffix}"

    def wish(self, what: str) -> str:
        """The link that starts the boot unit at boot."""
        return f"{self.units}/sysinit.target.wants/kronos-revert-{what}-boot.service"


def pending(place: Place) -> list[str]:
    """What has been changed and not confirmed."""
    try:
        names = sorted(os.listdir(place.pending))
    except FileNotFoundError:
        return []
    return [name for name in names if os.path.exists(place.record(name))]


def read_record(place: Place, what: str) -> dict[str, Any] | None:
    """Return the record of the unconfirmed change of *what*; None where there is none."""
    try:
        with open(place.record(what), encoding="utf-8") as stream:
            record: dict[str, Any] = json.load(stream)
            return record
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def locked(place: Place, what: str, patience: float | None = None) -> Iterator[None]:
    """Changing, confirming and putting back never happen at once; the kernel frees the lock of one that dies.

    With *patience* (seconds) it goes on without the lock in the end: whatever hangs, the old state comes back.
    """
    os.makedirs(place.run, mode=0o755, exist_ok=True)
    handle = os.open(f"{place.run}/timed-{what}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if patience is None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        else:
            _try_to_lock(handle, time.monotonic() + patience)
        yield
    finally:
        os.close(handle)


def _try_to_lock(handle: int, deadline: float) -> None:
    while time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.2)


def snapshot(path: str) -> dict[str, Any]:
    """A path as it is now, in the shape of the record; raises ValueError where a directory or device is."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"path": path, "kind": "absent"}
    owner = {"path": path, "uid": found.st_uid, "gid": found.st_gid}
    if os.path.islink(path):
        return {**owner, "kind": "link", "content": os.readlink(path)}
    if not os.path.isfile(path):
        raise ValueError(f"{path} is neither a file nor a link: it cannot be put back")
    with open(path, "rb") as stream:
        content = base64.b64encode(stream.read()).decode()
    return {**owner, "kind": "file", "content": content, "mode": found.st_mode & 0o7777}


def content_of(entry: Mapping[str, Any]) -> bytes | None:
    """Return the content of a file's snapshot; None for what was no file."""
    return base64.b64decode(entry["content"]) if entry["kind"] == "file" else None


def restore(entry: Mapping[str, Any]) -> None:
    """Make a path what its snapshot says, in one step; what is as it says needs no room on a disk that may be full."""
    path = str(entry["path"])
    if entry["kind"] == "absent":
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(path)
        return
    with contextlib.suppress(ValueError):
        if snapshot(path) == entry:
            return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.kronos-{os.getpid()}")
    _unlink(temporary)
    try:
        if entry["kind"] == "link":
            os.symlink(entry["content"], temporary)
            os.lchown(temporary, entry["uid"], entry["gid"])
        else:
            write(temporary, content_of(entry) or b"", entry["mode"], (entry["uid"], entry["gid"]))
        os.replace(temporary, path)
    except OSError:
        _unlink(temporary)  # systemd tries again, each time under another process id
        raise
    sync_folder(os.path.dirname(path))


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def write(path: str, data: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Write a file that nobody reads yet, down to the disk."""
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(data)
        if owner is not None:
            os.fchown(stream.fileno(), *owner)
        os.fchmod(stream.fileno(), mode)
        stream.flush()
        os.fsync(stream.fileno())


def sync_folder(folder: str) -> None:
    """Names reach the disk too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_back(place: Place, what: str, command: Command, *, why: str, boot: bool = False) -> list[str]:
    """Put the state before the unconfirmed change of *what* back; return what went wrong.

    All files first, so that a kill between two commands leaves nothing that a reboot would not mend; of these, first
    what goes, since that makes room for the others. Where a file or a command fails, the record stays: systemd tries
    again every few seconds, after a try at boot too. Nothing happens without a record.
    """
    record = read_record(place, what)
    if record is None:
        return []
    files = sorted(record["files"], key=lambda entry: bool(entry["kind"] != "absent"))
    troubles = [trouble for entry in files for trouble in _try_restore(entry)]
    for words in record["boot_commands" if boot else "commands"]:
        trouble = command(words)
        if trouble:
            troubles.append(f"{' '.join(words)}: {trouble}")
    if not troubles:
        end(place, what, record["token"], "put back", why)
        clear(place, what, command, boot=boot)
    return troubles


def _try_restore(entry: Mapping[str, Any]) -> list[str]:
    try:
        restore(entry)
    except OSError as error:
        return [f"{entry['path']}: {error.strerror}"]
    return []


def end(place: Place, what: str, token: str, outcome: str, why: str) -> None:
    """Note how it ended, then drop the record: from here on nothing is put back."""
    note = json.dumps({"token": token, "outcome": outcome, "why": why}).encode()
    told = _tell(place.ended(what), note)
    if not told:
        _unlink(place.ended(what))  # it is about another change
    os.unlink(place.record(what))
    if not told:
        _tell(place.ended(what), note)  # where the disk is full, the record has made room
    sync_folder(os.path.dirname(place.record(what)))


def _tell(path: str, note: bytes) -> bool:
    try:
        write(f"{path}.new", note, 0o600)
        os.replace(f"{path}.new", path)
    except OSError:
        _unlink(f"{path}.new")
        return False
    return True


def clear(place: Place, what: str, command: Command, *, boot: bool = False) -> None:
    """Remove the units and what else has lost its meaning with the record; without one they do nothing anyway."""
    if not boot:
        command(["systemctl", "stop", f"kronos-revert-{what}.timer"])
    units = [place.unit(what, suffix) for suffix in (".timer", ".service", "-boot.service")]
    for path in [place.wish(what), *units, place.marker(what)]:
        _unlink(path)
    shutil.rmtree(os.path.dirname(place.record(what)), ignore_errors=True)
    if not boot:  # at boot systemd is busy with what it has read; the units are gone with the next reload
        command(["systemctl", "daemon-reload"])


def confirm(place: Place, what: str, token: str | None, command: Command) -> tuple[int, str]:
    """Keep the change of *what*; return an exit code and a line. Without a token any change of it is meant."""
    record, wanted = read_record(place, what), token and digest(token)
    if record is not None:
        if wanted and record["token"] != wanted:
            return STRANGER, f"{what}: another change than this one waits to be confirmed"
        end(place, what, record["token"], "confirmed", "asked for")
        clear(place, what, command)
        return 0, f"{what}: confirmed, the change stays"
    last = how_ended(place, what)
    if wanted and last.get("token") == wanted and last.get("outcome") == "confirmed":
        return 0, f"{what}: has been confirmed"
    return PUT_BACK, f"{what}: nothing waits to be confirmed" + (": the old state is back" if last else "")


def how_ended(place: Place, what: str) -> dict[str, Any]:
    """Token, outcome and reason of the last change of *what*; empty without one."""
    try:
        with open(place.ended(what), encoding="utf-8") as stream:
            found: dict[str, Any] = json.load(stream)
            return found
    except (OSError, ValueError):
        return {}


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def run_command(words: Sequence[str]) -> str:
    """Run a command; empty text, or why it failed."""
    try:
        done = subprocess.run(
            list(words), capture_output=True, text=True, errors="replace", timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.returncode == 0 else (said[-1] if said else f"exit code {done.returncode}")


def main(argv: Sequence[str], place: Place | None = None, command: Command = run_command) -> int:
    """Entry point; returns the exit code."""
    place = place or Place()
    parser = argparse.ArgumentParser(prog="kronos-confirm", description="Keep an unconfirmed change, or undo it.")
    parser.add_argument("action", choices=["confirm", "revert", "boot", "status"], help="what to do")
    parser.add_argument("what", nargs="*", help="which change, such as firewall; all that wait by default")
    parser.add_argument("--token", help="confirm only the change that was given this token")
    parser.add_argument("--why", default="asked for", help=argparse.SUPPRESS)
    said = parser.parse_args(argv)
    try:
        waiting = pending(place)
        if not (said.what or waiting):
            sys.stdout.write("nothing waits to be confirmed\n")
        return max([_act(said, what, place, command) for what in said.what or waiting], default=0)
    except OSError as error:
        sys.stderr.write(f"{error.filename or parser.prog}: {error.strerror}\n")
        return 1


def _act(said: argparse.Namespace, what: str, place: Place, command: Command) -> int:
    if said.action == "status":
        waits = read_record(place, what) is not None
        told = "waits to be confirmed" if waits else how_ended(place, what).get("outcome", "nothing waits")
        sys.stdout.write(f"{what}: {told}\n")
        return 0
    with locked(place, what, None if said.action == "confirm" else LOCK_SECONDS):
        if said.action == "confirm":
            code, line = confirm(place, what, said.token, command)
            sys.stdout.write(f"{line}\n")
            return code
        boot = said.action == "boot"
        had = read_record(place, what) is not None
        troubles = put_back(place, what, command, why="reboot" if boot else said.why, boot=boot)
    for trouble in troubles:
        sys.stderr.write(f"{what}: {trouble}\n")
    if had and not troubles:
        sys.stdout.write(f"{what}: not confirmed, the old state is back\n")
    return 1 if troubles else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
