# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab says to a person, and how it runs commands: one line per step, the details in log files."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TAIL_LINES = 15
_print_lock = threading.Lock()


class LabError(Exception):
    """One clear sentence (and perhaps the end of a log) for the person at the terminal."""


def say(text: str) -> None:
    """Print one line at once, whole, whichever thread says it."""
    with _print_lock:
        print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a long step when it begins, and its seconds when it ends."""
    say(f"   … {title}")
    started = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"   ✗ {title} ({time.monotonic() - started:.0f} s)")
        raise
    say(f"   ✓ {title} ({time.monotonic() - started:.0f} s)")


def tail(log: Path, since: int = 0) -> str:
    """The last lines of a log file after the byte `since`, indented for an error message."""
    text = log.read_bytes()[since:].decode(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"      {line}" for line in text[-TAIL_LINES:])


def run(
    args: Sequence[str],
    *,
    stdin: str | None = None,
    check: bool = True,
    timeout: float = 300,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a short command and return its result; with `check`, a failure becomes a LabError."""
    try:
        result = subprocess.run(
            list(args),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **env} if env else None,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"the program {args[0]!r} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"no end after {timeout:.0f} s: {shlex.join(args)}") from error
    if check and result.returncode != 0:
        said = (result.stderr.strip() or result.stdout.strip()).splitlines()[-TAIL_LINES:]
        raise LabError(f"failed ({result.returncode}): {shlex.join(args)}\n" + "\n".join(f"      {s}" for s in said))
    return result


def succeeds(args: Sequence[str], *, timeout: float = 60) -> bool:
    """Whether a command exists and exits 0."""
    try:
        return run(args, check=False, timeout=timeout).returncode == 0
    except LabError:
        return False


def run_logged(args: Sequence[str], log: Path, *, timeout: float = 1800, env: dict[str, str] | None = None) -> None:
    """Run a long command with all its output in `log`; a failure quotes the end of the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as out:
        since = out.tell()
        print(f"$ {shlex.join(args)}", file=out, flush=True)
        try:
            code = subprocess.run(
                list(args),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                env={**os.environ, **env} if env else None,
                check=False,
            ).returncode
        except FileNotFoundError as error:
            raise LabError(f"the program {args[0]!r} is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise LabError(f"no end after {timeout:.0f} s: {args[0]}; see {log}") from error
    if code != 0:
        raise LabError(f"{args[0]} failed ({code}); the end of {log}:\n{tail(log, since)}")


def as_root(args: Sequence[str]) -> list[str]:
    """The same command, through sudo for an ordinary user."""
    return list(args) if os.geteuid() == 0 else ["sudo", *args]


def fail(message: str) -> int:
    """Print an error the way every command of the lab ends on one."""
    print(f"lab: {message}", file=sys.stderr, flush=True)
    return 1
