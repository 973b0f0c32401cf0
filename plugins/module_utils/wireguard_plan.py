# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change that leads to the wanted VPN, and carrying it out.

Devices come and go while the tunnels of the others stay up: `wg syncconf` touches only who differs. The interface is
made anew where it is gone, or where its address or what it forwards is another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import tree, units, wireguard_live
from ansible_collections.kronos.homelab.plugins.module_utils import wireguard_model as model
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner, must
from ansible_collections.kronos.homelab.plugins.module_utils.wireguard_files import (
    FOLDER,
    PROGRAM,
    STATE,
    UNIT,
    configuration_path,
    program,
    unit,
)
from ansible_collections.kronos.homelab.plugins.module_utils.wireguard_live import Tunnel
from ansible_collections.kronos.homelab.plugins.module_utils.wireguard_model import State, Wish

Data = dict[str, Any]
ALL = "all"


@dataclass(frozen=True)
class Present:
    """What stands: files by path, the unit's state, the tunnel, and what the last receipt says."""

    files: Mapping[str, tree.Present]
    states: Mapping[str, tuple[str, str]]
    tunnel: Tunnel | None
    left: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """All that has to happen. ``remake``: the interface; ``sync``: who may come in; ``drop``: the interface goes."""

    files: tree.TreeChange
    units: units.UnitsChange
    remake: bool
    sync: bool
    drop: bool
    diff: tuple[dict[str, str], ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.files.changed or self.units.changed or self.remake or self.sync or self.drop


def files_of(wish: Wish, state: State) -> list[tree.Wanted]:
    """The files that hold keys."""
    configuration = model.server_configuration(wish, state).encode()
    return [
        tree.Wanted(STATE, model.to_json(state, wish), 0o600, secret=True),
        tree.Wanted(configuration_path(wish.interface), configuration, 0o600, secret=True),
    ]


def paths(interface: str) -> list[str]:
    """Every path that may be ours."""
    return [FOLDER, STATE, configuration_path(interface), PROGRAM, f"{units.FOLDER}/{UNIT}"]


def plan(wish: Wish, before: State, after: State, present: Present) -> Change:
    """The change from *before* to *after*. Pure."""
    files = tree.plan_tree(files_of(wish, after), [tree.WantedDirectory(FOLDER, 0o700)], [], present.files)
    programs = [tree.Wanted(PROGRAM, program(wish).encode(), 0o755)]
    wanted = [units.WantedUnit(UNIT, unit(wish), enabled=True)]
    owned = units.plan_units(wanted, programs, present.files, present.states, present.left)
    reasons = wireguard_live.differences(wireguard_live.wanted(wish, after), present.tunnel)
    started = UNIT in (*owned.start, *owned.restart)
    remake = not started and _must_be_remade(wish, present.tunnel)
    diff = [*_diff(wish, before, after), *_live_diff(wish.interface, reasons, present.tunnel), *files.diff, *owned.diff]
    return Change(files, owned, remake, bool(reasons) and not remake and not started, False, tuple(diff))


def _must_be_remade(wish: Wish, tunnel: Tunnel | None) -> bool:
    return tunnel is None or tunnel.address != wish.address or tunnel.forwards != wireguard_live.mark(wish)


def plan_absent(interface: str, present: Present) -> Change:
    """The change to no VPN: nobody comes in, and no key stays. Pure."""
    ours = [path for path in (f"{units.FOLDER}/{UNIT}", PROGRAM) if present.files[path].kind != "absent"]
    files = tree.plan_tree([], [], [FOLDER], present.files)
    left = {"units": {UNIT: "active"}} if f"{units.FOLDER}/{UNIT}" in ours else {}
    owned = units.plan_units([], [], present.files, {}, left, ours)
    drop = present.tunnel is not None
    return Change(files, owned, False, False, drop, (*owned.diff, *files.diff))


def apply(change: Change, interface: str, run: Runner) -> None:
    """Carry out *change*. Interrupted anywhere, planning and applying again finishes the work."""
    tree.apply(replace(change.files, absent=()))
    units.apply(change.units, run)
    if change.remake:
        must(run, ["systemctl", "restart", UNIT])
    if change.sync:
        must(run, ["wg", "syncconf", interface, configuration_path(interface)])
    if change.drop and wireguard_live.read(interface, run) is not None:
        must(run, ["ip", "link", "delete", "dev", interface])
    if change.files.absent:
        tree.apply(tree.TreeChange(absent=change.files.absent))


def left_of(wish: Wish, state: State) -> Data:
    """What the receipt says."""
    kept = tree.receipt_of(files_of(wish, state), [tree.WantedDirectory(FOLDER, 0o700)])
    programs = [tree.Wanted(PROGRAM, program(wish).encode(), 0o755)]
    owned = units.left([units.WantedUnit(UNIT, unit(wish), enabled=True)], programs)
    tunnel = wireguard_live.wanted(wish, state).facts(wish.interface)
    return {**owned, **kept, "files": {**owned["files"], **kept["files"]}, "wireguard": tunnel}


def _diff(wish: Wish, before: State, after: State) -> list[dict[str, str]]:
    old, new = model.shown(before), model.shown(after)
    if old == new:
        return []
    name = f"VPN {wish.interface}"
    return [{"before_header": name, "after_header": name, "before": old if before.public else "", "after": new}]


def _live_diff(interface: str, reasons: list[str], tunnel: Tunnel | None) -> list[dict[str, str]]:
    if not reasons or tunnel is None:
        return []
    text = "".join(f"{reason}\n" for reason in reasons)
    return [
        {
            "before_header": f"interface {interface}",
            "after_header": f"interface {interface}",
            "before": text,
            "after": "",
        }
    ]
