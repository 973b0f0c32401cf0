# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drifts that can happen at once without one hiding the other."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from drifts.row import Drift


def batches(rows: Iterable[Drift]) -> list[list[Drift]]:
    """The rows in groups: within one, no two concern the same service, file or unit.

    Rows that must be alone are; rows that the fast path must not mind come together, since any other would hide that.
    """
    found: list[list[Drift]] = []
    for row in rows:
        fitting = (batch for batch in found if all(_together(row, other) for other in batch))
        batch = next(fitting, None)
        if batch is None:
            found.append([row])
        else:
            batch.append(row)
    return found


def _together(one: Drift, other: Drift) -> bool:
    if one.alone or other.alone or one.fails or other.fails:
        return False
    return bool(one.reason) == bool(other.reason) and not _concerns(one) & _concerns(other)


def _concerns(row: Drift) -> set[str]:
    return {*row.actions, *row.shown, *row.touches}


def harm(batch: Sequence[Drift]) -> str:
    """A script that does it all; each row has a folder $D of its own, which is also where it begins."""
    script = ["set -e", "rm -rf /run/drift"]
    for number, row in enumerate(batch):
        script.append(f"D=/run/drift/{number}; mkdir -p $D")
        for part in (row.before, row.harm):
            script.append(
                f"( cd $D && {{ {part or 'true'}; }} ) >&2 || {{ echo {shlex.quote(row.name)} >&2; exit 1; }}"
            )
    return "\n".join(script)


def unhealed(batch: Sequence[Drift]) -> str:
    """A script that prints the names of the rows that are not healed, with what their commands said."""
    script = []
    for number, row in enumerate(batch):
        script.append(f"D=/run/drift/{number}")
        script.append(f"( cd $D && {{ {row.healed}; }} ) > $D/said 2>&1 || echo {shlex.quote(row.name)} $(cat $D/said)")
    return "\n".join(script)


def cleaning(rows: Iterable[Drift]) -> str:
    """A script that takes back what only a hand can, whatever of it is there; the next run heals the rest."""
    script = ["mkdir -p /run/drift/clean", "D=/run/drift/clean"]
    script += [f"( {part} ) > /dev/null 2>&1" for row in rows for part in (row.after, row.mended) if part]
    return "\n".join([*script, "true"])
