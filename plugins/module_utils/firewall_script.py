# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall's program on the host: loads our table, and guards it and Docker's own rules.

This very file runs on the host by itself (as ``kronos_firewall.py``) and imports nothing of the collection.
``load`` replaces our table in one transaction and notes what then stands. ``guard`` looks every few seconds whether it
still stands: others flush or edit the ruleset, which takes the marks of VLANs and Docker's rules away too. Docker puts
its own back when it restarts; with live-restore its containers do not notice.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

TABLE = ("inet", "kronos")
MARKS = ("inet", "kronos_marks")  # of the module vlan, which loads it at boot and guards nothing
EVERY = 10.0
SETTLING = 20.0  # a Docker that has just started is still writing its rules
AGAIN = 30.0  # not sooner is Docker restarted a second time
COMMAND_SECONDS = 120


class FirewallError(Exception):
    """Something that a person must look at; one line."""


@dataclass(frozen=True)
class Place:
    """Where things are; unit tests point elsewhere."""

    ruleset: str = "/etc/kronos/firewall/ruleset.nft"
    run: str = "/run/kronos"
    docker_pid: str = "/run/docker.pid"
    docker_config: str = "/etc/docker/daemon.json"
    marks: str = "/etc/kronos/vlan-marks.nft"

    @property
    def note(self) -> str:
        """What stood after the last load; gone with the table at a reboot."""
        return f"{self.run}/firewall.json"


Command = Callable[[Sequence[str]], "tuple[int, str]"]


def run_command(words: Sequence[str]) -> tuple[int, str]:
    """Run a command; exit code and what it said."""
    try:
        done = subprocess.run(
            list(words), capture_output=True, text=True, errors="replace", timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return done.returncode, done.stdout if done.returncode == 0 else done.stderr.strip()


def table_digest(command: Command) -> str:
    """Return a digest of our table as the kernel has it, without what changes by itself; empty: there is none."""
    code, said = command(["nft", "--json", "--stateless", "list", "table", *TABLE])
    if code:
        return ""
    try:
        return _sha256(json.dumps(_lasting(json.loads(said)), sort_keys=True).encode())
    except ValueError:
        return ""


def _lasting(value: Any) -> Any:
    """Without handles, counters, the version of nft, and what sets have learnt from packets."""
    if isinstance(value, list):
        return [_lasting(item) for item in value if not (isinstance(item, dict) and "metainfo" in item)]
    if not isinstance(value, dict):
        return value
    learning = "dynamic" in value.get("flags", []) if isinstance(value.get("flags"), list) else False
    left_out = {"handle", "packets", "bytes"} | ({"elem"} if learning else set())
    kept = {key: _lasting(item) for key, item in value.items() if key not in left_out}
    if isinstance(kept.get("elem"), list) and "type" in kept:  # a named set: its order is the kernel's affair
        kept["elem"] = sorted(kept["elem"], key=lambda item: json.dumps(item, sort_keys=True))
    return kept


def read_note(place: Place) -> dict[str, str]:
    """Return {ruleset: digest of the file that was loaded, table: digest of what then stood}; empty: never loaded."""
    try:
        with open(place.note, encoding="utf-8") as stream:
            note = json.load(stream)
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def stands(place: Place, command: Command, ruleset: str = "") -> bool:
    """Whether our table is as it was loaded; with *ruleset* also that this very text (its digest) was loaded."""
    note = read_note(place)
    if not note.get("table") or (ruleset and note.get("ruleset") != ruleset):
        return False
    return table_digest(command) == note["table"]


@contextlib.contextmanager
def locked(place: Place) -> Iterator[None]:
    """Loading and guarding never happen at once."""
    os.makedirs(place.run, mode=0o755, exist_ok=True)
    handle = os.open(f"{place.run}/firewall.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def load(place: Place, command: Command) -> str:
    """Make our table what the ruleset says; without a ruleset there is no table. Raises FirewallError."""
    try:
        with open(place.ruleset, "rb") as stream:
            wanted = _sha256(stream.read())
    except FileNotFoundError:
        _forget(place)
        if table_digest(command):
            _must(command, ["nft", "delete", "table", *TABLE])
            return "no ruleset: the table is removed"
        return "no ruleset, no table"
    _must(command, ["nft", "--file", place.ruleset])
    _write(place.note, json.dumps({"ruleset": wanted, "table": table_digest(command)}))
    return "loaded"


def guard_once(place: Place, command: Command) -> list[str]:
    """Look at our table and at Docker's rules; repair what does not stand, and return what was done."""
    done = []
    if os.path.exists(place.ruleset) and not stands(place, command):
        load(place, command)
        done.append("our table was not as it had been loaded: loaded again")
    if os.path.exists(place.marks) and marks_state(command) != "loaded":
        code, said = command(["nft", "--file", place.marks])
        done.append(f"the marks of connections through VLANs were gone: {said if code else 'loaded again'}")
    missing = docker_misses(place, command)
    if missing:
        done.append(_restart_docker(place, command, missing))
    return done


def marks_state(command: Command) -> str:
    """Return whether the table of connection marks is ``loaded``, ``empty`` (flushed) or ``gone``."""
    code, said = command(["nft", "--json", "list", "table", *MARKS])
    if code:
        return "gone"
    try:
        found = json.loads(said)["nftables"]
    except (ValueError, KeyError):
        return "gone"
    return "loaded" if any("rule" in each for each in found) else "empty"


def docker_misses(place: Place, command: Command) -> str:
    """Return which of Docker's entrances is missing while it runs; empty: none, or it makes none."""
    if not _docker_settled(place) or _config(place).get("iptables") is False:
        return ""
    if command(["nft", "list", "table", "ip", "docker-bridges"])[0] == 0:
        return ""  # Docker's own nftables backend
    for table, chain in (("nat", "PREROUTING"), ("filter", "FORWARD")):
        code, said = command(["nft", "list", "chain", "ip", table, chain])
        if code or "jump DOCKER" not in said:
            # iptables-legacy keeps its rules where nft does not see them
            return "" if "legacy" in command(["iptables", "--version"])[1] else f"{table} {chain}"
    return ""


def _docker_settled(place: Place, now: Callable[[], float] = time.time) -> bool:
    try:
        with open(place.docker_pid, encoding="ascii") as stream:
            pid = stream.read().strip()
        return os.path.exists(f"/proc/{pid}") and now() - os.stat(place.docker_pid).st_mtime > SETTLING
    except OSError:
        return False


def _config(place: Place) -> dict[str, Any]:
    try:
        with open(place.docker_config, encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _restart_docker(place: Place, command: Command, missing: str) -> str:
    if not _config(place).get("live-restore"):
        return f"Docker's rules are gone ({missing}); without live-restore a restart of Docker would stop containers"
    marker = f"{place.run}/firewall-docker"
    if time.time() - _changed(marker) < AGAIN:
        return f"Docker's rules are gone again ({missing}): waiting before the next restart"
    _write(marker, "")
    _must(command, ["systemctl", "restart", "docker.service"])
    return f"Docker's rules were gone ({missing}): Docker restarted, containers stay up"


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def guard(place: Place, command: Command, sleep: Callable[[float], None] = time.sleep) -> None:
    """Look again and again; what goes wrong is told once, and looked at again."""
    last: list[str] = []
    while True:
        try:
            with locked(place):
                done = guard_once(place, command)
        except (FirewallError, OSError) as error:
            done = [str(error)]
        for line in done:
            if line not in last:
                _say(line)
        last = done
        sleep(EVERY)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # a journal reads it


def _must(command: Command, words: Sequence[str]) -> None:
    code, said = command(words)
    if code:
        raise FirewallError(f"{' '.join(words)}: {' | '.join(said.splitlines()[:2]) or f'exit code {code}'}")


def _write(path: str, text: str) -> None:
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(temporary, path)


def _forget(place: Place) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place.note)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main(argv: Sequence[str], place: Place | None = None, command: Command = run_command) -> int:
    """Entry point: load, guard, or check (once)."""
    place = place or Place()
    if list(argv) == ["guard"]:
        guard(place, command)
    try:
        with locked(place):
            if list(argv) == ["load"]:
                _say(load(place, command))
            elif list(argv) == ["check"]:
                _say("\n".join(guard_once(place, command)) or "all stands")
            else:
                sys.stderr.write("kronos_firewall.py load|guard|check\n")
                return 2
    except (FirewallError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
