# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change that leads to exactly these VLAN interfaces of ours: files, links, rules and marks. Pure.

Interfaces count as ours when the last receipt or a file of ours names them; others are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_live import Live
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_model import Interface, Rule
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_provider import Work

_OURS = re.compile(r"(?:05-kronos-|interfaces\.d/kronos-|10-netplan-)(kr[1-9][0-9]{0,3})(?![0-9])")


@dataclass(frozen=True)
class VlanChange:
    """Everything that has to happen. Names are in order."""

    files: tree.TreeChange
    missing: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    stale: tuple[Rule, ...] = ()
    fresh: tuple[Rule, ...] = ()
    work: Work = field(default_factory=Work)
    marks: bool = False
    load_marks: bool = False
    diff: tuple[dict[str, str], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self.files.changed or self.missing or self.differing or self.remove or self.stale or self.load_marks
        )


@dataclass(frozen=True)
class Before:
    """What the last run left, and what the files of ours say."""

    names: frozenset[str] = frozenset()
    rules: frozenset[Rule] = frozenset()


def before(left: Mapping[str, Any], present: Mapping[str, tree.Present]) -> Before:
    """What is ours, from the last receipt and the files of ours that are there."""
    names = {str(name) for name in left.get("interfaces") or ()}
    paths = [path for path, found in present.items() if found.kind != "absent"]
    names |= {found.group(1) for path in paths for found in [_OURS.search(path)] if found}
    rules = frozenset(Rule(*rule) for rule in left.get("rules") or ())
    return Before(frozenset(names), rules)


@dataclass(frozen=True)
class Wish:
    """The interfaces, the files that they need, and whether there are marks."""

    interfaces: Sequence[Interface]
    files: Sequence[tree.Wanted]
    marks: bool


def present(
    files: Sequence[tree.Wanted],
    ours: Mapping[str, Sequence[str]],
    absent: Sequence[str],
    unconfirmed: Mapping[str, bytes | None],
) -> dict[str, tree.Present]:
    """What is at the wanted paths, at those of our other files, and at those that must be empty.

    *unconfirmed*: content that a change which waits to be confirmed is going to lose; only check mode meets one.
    """
    paths = [*tree.paths_of(files, [], absent), *(path for found in ours.values() for path in found)]
    there = tree.read_present([*dict.fromkeys(paths)])
    for path, content in unconfirmed.items():
        if path in there:
            found = there[path]
            there[path] = replace(found, kind="file", content=content) if content is not None else tree.ABSENT
    return there


def plan(wish: Wish, present: Mapping[str, tree.Present], live: Live, ours: Before, marks_stand: bool) -> VlanChange:
    """Compare and decide; what of *present* is not wanted goes.

    Raises KronosError where an interface of somebody else has a name of ours.
    """
    wanted = wish.interfaces
    strangers = [each.name for each in wanted if each.name in live.links and each.name not in ours.names]
    strangers = [name for name in strangers if not _stands(name, wanted, live)]
    if strangers:
        raise KronosError(
            f"{', '.join(strangers)}: an interface of that name is there that this collection did not make; remove it "
            f"first: ip link delete {strangers[0]}"
        )
    names = {file.path for file in wish.files}
    change = tree.plan_tree(wish.files, [], [path for path in present if path not in names], present)
    touched = {*change.creates, *change.updates, *change.removes}
    lines = {each.name: (live.lines(each), each.lines()) for each in wanted}
    missing = [name for name, (now, _then) in lines.items() if not now]
    unequal = [name for name, (now, then) in lines.items() if now and sorted(now) != sorted(then)]
    written = [each.name for each in wanted if any(_is_about(path, each.name) for path in touched)]
    differing = [name for name in lines if name not in missing and (name in unequal or name in written)]
    gone = [name for name in sorted(ours.names) if name not in lines and name in live.links]
    rules = {rule for each in wanted for rule in each.rules}
    stale = sorted((ours.rules - rules) & live.rules)
    return VlanChange(
        files=change,
        missing=tuple(missing),
        differing=tuple(differing),
        remove=tuple(gone),
        stale=tuple(stale),
        fresh=tuple(sorted(rules - live.rules)),
        work=Work(
            missing=tuple(missing),
            known=tuple(name for name in missing if name in ours.names),
            differing=tuple(differing),
            unwritten=tuple(name for name in differing if name not in written),
            parents={each.name: each.parent for each in wanted},
        ),
        marks=wish.marks,
        load_marks=not marks_stand,
        diff=(
            *change.diff,
            *(_diff(name, now, then) for name, (now, then) in lines.items() if name in (*missing, *unequal)),
            *(_diff(name, [f"vlan: {live.links[name].id} on {live.links[name].parent}"], []) for name in gone),
            *(_diff(f"rule {rule}", ["present"], []) for rule in stale),
            *([] if marks_stand else [_marks_diff(wish.marks)]),
        ),
    )


def must_be_made_anew(change: VlanChange, wanted: Sequence[Interface], live: Live, makes_anew: bool) -> list[str]:
    """Names of the links that have to go before the interface can be as wanted: a VLAN cannot change its parent."""
    found = []
    for each in wanted:
        link = live.links.get(each.name)
        moved = link is not None and (link.id, link.parent) != (each.id, each.parent)
        if each.name in change.differing and (makes_anew or moved):
            found.append(each.name)
    return found


def _stands(name: str, wanted: Sequence[Interface], live: Live) -> bool:
    """Whether a link that no note names is the one that is wanted all the same: left by a run that was killed."""
    (each,) = [one for one in wanted if one.name == name]
    return (live.links[name].id, live.links[name].parent) == (each.id, each.parent)


def _is_about(path: str, name: str) -> bool:
    found = _OURS.search(path)
    return (found is not None and found.group(1) == name) or path.endswith("/90-kronos.yaml")


def _diff(name: str, now: Sequence[str], then: Sequence[str]) -> dict[str, str]:
    return {
        "before_header": name,
        "after_header": name,
        "before": "".join(f"{line}\n" for line in now),
        "after": "".join(f"{line}\n" for line in then),
    }


def _marks_diff(wanted: bool) -> dict[str, str]:
    return _diff("connection marks", ["loaded"] if not wanted else [], ["loaded"] if wanted else [])
