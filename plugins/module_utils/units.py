# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systemd units of ours: their files, whether they are enabled, whether they run. Read, plan (pure), apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner

FOLDER = "/etc/systemd/system"


@dataclass(frozen=True)
class WantedUnit:
    """A unit as it must be: its file's text, and for those with an [Install] section whether it is on."""

    name: str
    content: str
    enabled: bool = False

    @property
    def path(self) -> str:
        """Where systemd reads it."""
        return f"{FOLDER}/{self.name}"


@dataclass(frozen=True)
class UnitsChange:
    """All that has to happen: files first, then a reload of systemd, then the units themselves.

    ``drop``: units of an earlier call that are wanted no more. ``reload``: systemd must read the files, those of this
    change or those of a run that was killed before it did.
    """

    files: tree.TreeChange
    reload: bool
    enable: tuple[str, ...]
    start: tuple[str, ...]
    restart: tuple[str, ...]
    diff: tuple[dict[str, str], ...]
    drop: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.files.changed or self.reload or self.enable or self.start or self.restart)


def read_states(names: Sequence[str], run: Runner) -> dict[str, tuple[str, str]]:
    """Return name -> (enabled state, active state) as systemd names them; ("absent", "inactive") without the unit."""
    states = {}
    for name in names:
        shown = run(["systemctl", "show", name, "--property=UnitFileState,ActiveState"]).out
        found = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        states[name] = (found.get("UnitFileState") or "absent", found.get("ActiveState") or "inactive")
    return states


def plan_units(
    units: Sequence[WantedUnit],
    files: Sequence[tree.Wanted],
    present: Mapping[str, tree.Present],
    states: Mapping[str, tuple[str, str]],
    left: Mapping[str, Any],
    gone: Sequence[str] = (),
) -> UnitsChange:
    """Return the change that leads to these units and the further *files* that they run. Pure.

    *left* is that of the last receipt. A unit's file that it does not name as it is was written by a run that did not
    get as far as making systemd go by it. *gone*: files of an earlier call that are wanted no more.
    """
    unit_files = [tree.Wanted(unit.path, unit.content.encode(), 0o644) for unit in units]
    change = tree.plan_tree([*files, *unit_files], [], gone, present)
    on = [unit.name for unit in units if unit.enabled]
    enable = tuple(name for name in on if states[name][0] != "enabled")
    start = tuple(name for name in on if states[name][1] != "active")
    written = (*change.creates, *change.updates)
    owed = {unit.name for unit in units if unit.path not in written and _owed(unit, left)}
    touched = {unit.name for unit in units if unit.path in written} | owed
    restart = tuple(name for name in on if name in touched and name not in start)
    diff = [*change.diff]
    for name in sorted(owed):
        after = "restarted\n" if name in restart else "read again by systemd\n"
        diff.append({"before_header": name, "after_header": name, "before": "", "after": after})
    for name in sorted({*enable, *start}):
        before = "enabled: {}\nactive: {}\n".format(*states[name])
        after = "enabled: enabled\nactive: active\n"
        diff.append({"before_header": name, "after_header": name, "before": before, "after": after})
    drop = tuple(name for name in left.get("units") or {} if f"{FOLDER}/{name}" in change.removes)
    return UnitsChange(change, change.changed or bool(owed), enable, start, restart, tuple(diff), drop)


def unwanted(paths: Sequence[str], left: Mapping[str, Any]) -> list[str]:
    """Files of the last receipt that are none of *paths*."""
    return sorted(set(left.get("files") or {}) - set(paths))


def _owed(unit: WantedUnit, left: Mapping[str, Any]) -> bool:
    noted = (left.get("files") or {}).get(unit.path) or {}
    return bool(noted.get("sha256") != receipts.sha256(unit.content.encode()))


def apply(change: UnitsChange, run: Runner) -> None:
    """Carry out *change*; raises KronosError with systemd's own words where it refuses."""
    tree.apply(replace(change.files, absent=()))
    if change.drop:
        _must(run, ["disable", "--now", *change.drop])
    if change.files.absent:
        tree.apply(tree.TreeChange(absent=change.files.absent))
    if change.reload:
        _must(run, ["daemon-reload"])
    if change.enable:
        _must(run, ["enable", *change.enable])
    for name in change.start:
        _must(run, ["start", name])
    for name in change.restart:
        _must(run, ["restart", name])


def left(units: Sequence[WantedUnit], files: Sequence[tree.Wanted]) -> dict[str, Any]:
    """Return what the receipt says of units that stand as wanted."""
    unit_files = [tree.Wanted(unit.path, unit.content.encode(), 0o644) for unit in units]
    receipt = tree.receipt_of([*files, *unit_files], [])
    return {**receipt, "units": {unit.name: "active" for unit in units if unit.enabled}}


def _must(run: Runner, words: Sequence[str]) -> None:
    done = run(["systemctl", *words])
    if done.code:
        said = (done.err or done.out).strip() or f"exit code {done.code}"
        raise KronosError(f"systemctl {' '.join(words)}: {said}")
