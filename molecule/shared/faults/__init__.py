# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults made on purpose: a Python on the host that strikes at the Nth thing a module of ours does to the host.

Nothing of this is in the product: runs that are to be struck use this interpreter instead of the host's own.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ordeal import inside

HERE = Path(__file__).parent
FOLDER = "/var/tmp/kronos-faults"
PYTHON = f"{FOLDER}/python"
KILL = "kill -9 $PID"


@dataclass(frozen=True)
class Fault:
    """At one effect of the module *at*, run *command* (``$PID`` is the module), or *delay* seconds later.

    *at* is the module's name, with its options ``name`` and ``state`` where they are given: ``stack:own``. The effect
    is number *step* (from 1), or the first one that the pattern *find* is found in.
    """

    at: str
    step: int = 0
    find: str = ""
    command: str = KILL
    delay: float = 0.0


def install() -> None:
    """Put the interpreter and the scripts that run on the host there."""
    inside(f"mkdir -p {FOLDER}")
    put("python", f'#!/bin/sh\nPYTHONPATH={FOLDER} exec /usr/bin/python3 "$@"\n')
    inside(f"chmod 755 {PYTHON}")
    for path in HERE.glob("[a-z]*.py"):
        put(path.name, path.read_text())


def put(name: str, text: str) -> None:
    """Write a file into our folder on the host."""
    inside(f"echo {base64.b64encode(text.encode()).decode()} | base64 -d > {FOLDER}/{name}")


def arm(fault: Fault | None) -> dict[str, str]:
    """Make ready for *fault* (None: only list the steps); gives the variables for the run that is to be struck."""
    inside(f"rm -f {FOLDER}/struck {FOLDER}/steps")
    put("fault.json", json.dumps(asdict(fault) if fault else {}))
    return {"ansible_python_interpreter": PYTHON}


def struck() -> str:
    """Where the fault happened; empty where it did not."""
    return inside(f"cat {FOLDER}/struck 2>/dev/null", check=False)


@dataclass(frozen=True)
class Step:
    """One effect of a module, of a run."""

    at: str
    pid: str
    run: str
    text: str


def noted() -> list[Step]:
    """Everything that modules did to the host since the last ``arm``, in order."""
    return [Step(*line.split("\t", 3)) for line in inside(f"cat {FOLDER}/steps").splitlines()]


def steps() -> dict[str, list[str]]:
    """Module -> what it did to the host, in order; of a module that ran several times, the busiest time."""
    found: dict[tuple[str, str], list[str]] = {}
    for step in noted():
        found.setdefault((step.at, step.pid), []).append(step.text)
    return {at: texts for (at, _pid), texts in sorted(found.items(), key=lambda one: len(one[1]))}
