# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running programs on the host; unit tests put a fake in its place."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError


@dataclass(frozen=True)
class Ran:
    """How a program ended."""

    code: int
    out: str
    err: str


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
            done = subprocess.run(
                list(argv),
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
                pass_fds=self._keep,
                env={**_clean(os.environ), **self._environment},
            )
        except FileNotFoundError as error:
            raise KronosError(f"`{argv[0]}` is not installed on the host") from error
        except subprocess.TimeoutExpired:
            return Ran(124, "", f"no end after {timeout:.0f} s")
        return Ran(done.returncode, done.stdout, done.stderr)


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what would make docker or compose look elsewhere or at other files."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("COMPOSE_") and name not in ("DOCKER_HOST", "DOCKER_CONTEXT")
    }
