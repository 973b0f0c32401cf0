# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running programs on the host; unit tests put a fake in its place."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

ROOTS_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
ENDLESS = 124  # as timeout(1) says it


@dataclass(frozen=True)
class Ran:
    """How a program ended; ``endless``: it did not, and was killed."""

    code: int
    out: str
    err: str

    @property
    def endless(self) -> bool:
        """Whether it had to be killed because it did not end in time."""
        return self.code == ENDLESS and self.err.startswith("no end after")


class Runner(Protocol):
    """``run(argv, stdin, timeout)``: runs a program to its end; raises KronosError where it cannot be started."""

    def __call__(self, argv: Sequence[str], stdin: str = "", timeout: float = 600) -> Ran: ...


class HostRunner:
    """Runs programs for real. *keep* are file descriptors that they inherit."""

    def __init__(self, keep: Sequence[int] = (), environment: Mapping[str, str] | None = None) -> None:
        self._keep = tuple(keep)
        self._environment = dict(environment or {})

    def __call__(self, argv: Sequence[str], stdin: str = "", timeout: float = 600) -> Ran:
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                pass_fds=self._keep,
                env={**_clean(os.environ), **self._environment},
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise KronosError(f"`{argv[0]}` is not installed on the host") from error
        with process:
            try:
                out, err = process.communicate(stdin, timeout)
            except subprocess.TimeoutExpired:
                _kill(process)
                return Ran(ENDLESS, "", f"no end after {timeout:.0f} s")
            except BaseException:
                _kill(process)
                raise
        return Ran(process.returncode, out, err)


def must(run: Runner, command: Sequence[str], timeout: float = 120) -> None:
    """Run a command that has to end well; raises KronosError with what it said in one line."""
    done = run(command, timeout=timeout)
    if done.code:
        said = [line.strip() for line in (done.err or done.out).splitlines() if line.strip()]
        # the last line often only says that it failed; what failed stands above
        raise KronosError(f"{' '.join(command)}: {' / '.join(said[-3:]) or f'exit code {done.code}'}")


def _kill(process: subprocess.Popen[str]) -> None:
    """End a program and all that it has started: `docker compose` is a program that runs another one.

    Left alone, that one would go on changing the host when we have long told that it failed.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what would make docker or compose look elsewhere or at other files, and with the folders of root's
    programs, which a plain `su` leaves out."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("COMPOSE_") and name not in ("DOCKER_HOST", "DOCKER_CONTEXT")
    }
    path = kept.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":")
    return {**kept, "PATH": ":".join([*path, *(folder for folder in ROOTS_FOLDERS if folder not in path)])}
