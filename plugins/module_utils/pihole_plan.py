# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From wish and present to the one change that check mode, diff and the real run share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_lines import identity, tidy
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_model import (
    ARRAYS,
    DEFAULT_GROUP,
    HIDDEN,
    TABLES,
    Key,
    Row,
    Wanted,
    check_groups,
    label,
)
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_present import Present, value_at

# Keys that Pi-hole takes without a restart of its DNS server.
QUICK = (("dns", "hosts"),)


@dataclass(frozen=True)
class Step:
    """One row of a table: ``before`` None adds it, ``after`` None removes it; ``source``: where it moves from."""

    section: str
    key: Key
    name: str
    before: Row | None
    after: Row | None
    source: Key | None = None


@dataclass(frozen=True)
class Change:
    """``patch``: values of the configuration by path; ``old``: what they were."""

    steps: tuple[Step, ...] = ()
    patch: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    old: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    blocking: bool | None = None
    gravity: bool = False
    made: Mapping[str, list[list[str]]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.steps or self.patch or self.gravity or self.blocking is not None)

    @property
    def restarts(self) -> bool:
        """Whether Pi-hole's DNS server starts anew, after it has answered."""
        return any(path not in QUICK for path in self.patch)


def plan(wanted: Wanted, present: Present, made: Mapping[str, Iterable[Sequence[str]]], owed: bool = False) -> Change:
    """The change. *made*: what earlier calls added, by section; *owed*: an update of lists that never ended."""
    steps: list[Step] = []
    now_made: dict[str, list[list[str]]] = {}
    for section in (name for name in TABLES if name in wanted.tables):
        known = {tuple(key) for key in made.get(section, ())}
        found = table_steps(section, wanted, present, known)
        steps += found
        now_made[section] = _made(known, wanted.tables[section], [step.key for step in found if step.before is None])
    patch, old = _config(wanted, present)
    for section, path in ARRAYS.items():
        if section in wanted.arrays:
            lines, standing = wanted.arrays[section], present.arrays[section]
            mine = {str(key[0]) for key in made.get(section, ())}
            target = array_target(section, lines, standing, mine, section in wanted.additive)
            if [tidy(section, each) for each in target] != [tidy(section, each) for each in standing]:
                patch[path], old[path] = list(target), list(standing)
            there = {tidy(section, each) for each in standing}
            news = [(tidy(section, each),) for each in lines if tidy(section, each) not in there]
            now_made[section] = _made({(each,) for each in mine}, {(tidy(section, each),): 0 for each in lines}, news)
    check_groups(wanted, present.numbers)
    lists = any(step.section == "lists" for step in steps)
    blocking = wanted.blocking if _blocking_differs(wanted, present) else None
    return Change(tuple(steps), patch, old, blocking, lists or owed or bool(_unread(wanted, present)), now_made)


def _made(before: Iterable[Key], wanted: Iterable[Key], added: Iterable[Key]) -> list[list[str]]:
    """What is ours from now on: what we had made and still want, and what is added now."""
    still = set(wanted)
    return sorted([*key] for key in {*(key for key in before if key in still), *added})


def _unread(wanted: Wanted, present: Present) -> set[str]:
    """Lists of ours that no update has fetched: a run was killed before it came to that."""
    ours = {key[1] for key, row in wanted.tables.get("lists", {}).items() if row["enabled"]}
    return ours.intersection(present.unread)


def _blocking_differs(wanted: Wanted, present: Present) -> bool:
    if wanted.blocking is None or wanted.blocking == present.blocking:
        return False
    return not (wanted.blocking and present.paused)  # somebody's five minutes without it end by themselves


def array_target(
    section: str, wanted: Sequence[str], present: Sequence[str], made: Iterable[str], additive: bool
) -> list[str]:
    """The lines that are to stand. Lines that say the same keep their spelling."""
    spelled = {tidy(section, line): line for line in reversed(present)}
    target = [spelled.get(tidy(section, line), line) for line in wanted]
    said = {tidy(section, line) for line in wanted}
    if not additive:
        if section != "upstreams" and {tidy(section, line) for line in present} == said:
            return list(present)  # only the order of servers means something
        return target
    about, gone = {identity(section, line) for line in wanted}, set(made) - said
    kept = [line for line in present if tidy(section, line) in said or identity(section, line) not in about]
    kept = [line for line in kept if tidy(section, line) not in gone]
    there = {tidy(section, line) for line in kept}
    return [*kept, *(line for line in target if tidy(section, line) not in there)]


def table_steps(section: str, wanted: Wanted, present: Present, made: Iterable[Key]) -> list[Step]:
    """Rows to add, alter, move and remove, the removals first where a row only moves within Pi-hole's own key."""
    rows, standing = wanted.tables[section], present.tables[section]
    mine = set(made)
    spare = {key for key in standing if key not in rows and not (section == "groups" and key[0] == DEFAULT_GROUP)}
    removable = {key for key in spare if section not in wanted.additive or key in mine}
    steps: list[Step] = []
    for key, row in rows.items():
        before = standing.get(key)
        source = _source(section, key, spare) if before is None else None
        held = standing[source] if source else before
        after = _filled(row, held)
        if source:
            spare.discard(source)
            removable.discard(source)
            steps.append(Step(section, key, key[-1], held, after, source))
        elif before is None:
            steps.append(Step(section, key, key[-1], None, after))
        elif any(before[name] != after[name] for name in _fields(section)):
            steps.append(Step(section, key, before["name"], before, after))
    gone = [Step(section, key, standing[key]["name"], standing[key], None) for key in sorted(removable)]
    return [*gone, *steps]


def _source(section: str, key: Key, spare: Iterable[Key]) -> Key | None:
    """The row of the same domain under another type or kind, which Pi-hole moves in one request."""
    if section != "domains":
        return None
    return next((each for each in sorted(spare) if each[2] == key[2]), None)


def _filled(row: Mapping[str, Any], held: Mapping[str, Any] | None) -> Row:
    """The row with what it leaves open: what stands there, else Pi-hole's own beginning."""
    start = held or {"comment": "", "groups": (DEFAULT_GROUP,)}
    return {
        "comment": start["comment"] if row["comment"] is None else row["comment"],
        "enabled": row["enabled"],
        "groups": start["groups"] if row["groups"] is None else row["groups"],
    }


def _fields(section: str) -> tuple[str, ...]:
    if section == "groups":
        return ("comment", "enabled")
    return ("comment", "groups") if section == "clients" else ("comment", "enabled", "groups")


def _config(wanted: Wanted, present: Present) -> tuple[dict[tuple[str, ...], Any], dict[tuple[str, ...], Any]]:
    patch: dict[tuple[str, ...], Any] = {}
    old: dict[tuple[str, ...], Any] = {}
    unknown = []
    for path, value in wanted.config.items():
        there, now = value_at(present.config, path)
        if not there or isinstance(now, Mapping):
            unknown.append(".".join(path))
        elif now == HIDDEN:
            raise KronosError(f"config.{'.'.join(path)}: found a value that Pi-hole never shows; wanted another key")
        elif not alike(value, now):
            patch[path], old[path] = value, now
    if unknown:
        raise KronosError(f"config: found the unknown keys {', '.join(sorted(unknown))}; wanted keys that Pi-hole has")
    return patch, old


def alike(one: Any, other: Any) -> bool:
    """Whether two values mean the same to Pi-hole, which writes words of a choice in capitals."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other or one.upper() == other
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def tree_of(patch: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """The values as one tree, as the API takes them."""
    tree: dict[str, Any] = {}
    for path, value in patch.items():
        place = tree
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = value
    return tree


def diff(change: Change) -> list[dict[str, str]]:
    """One entry for each section that changes."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for step in change.steps:
        if step.before is not None:
            before.setdefault(step.section, []).append(_line(step.section, step.source or step.key, step.before))
        if step.after is not None:
            after.setdefault(step.section, []).append(_line(step.section, step.key, step.after))
    names: dict[tuple[str, ...], str] = {path: name for name, path in ARRAYS.items()}
    for path, value in change.patch.items():
        name = names.get(path, "config")
        if name == "config":
            before.setdefault(name, []).append(f"{'.'.join(path)}: {change.old[path]!r}")
            after.setdefault(name, []).append(f"{'.'.join(path)}: {value!r}")
        else:
            before.setdefault(name, []).extend(change.old[path])
            after.setdefault(name, []).extend(value)
    if change.blocking is not None:
        before["blocking"], after["blocking"] = [_word(not change.blocking)], [_word(change.blocking)]
    if change.gravity:
        after["gravity"] = ["lists are fetched again"]
    return [
        {
            "before_header": f"pihole {name}",
            "after_header": f"pihole {name}",
            "before": "".join(f"{line}\n" for line in before.get(name, ())),
            "after": "".join(f"{line}\n" for line in after.get(name, ())),
        }
        for name in dict.fromkeys([*before, *after])
    ]


def _word(blocking: bool) -> str:
    return "on" if blocking else "off"


def _line(section: str, key: Key, row: Mapping[str, Any]) -> str:
    said = [f"{name}: {row[name] if name != 'groups' else ', '.join(row[name])}" for name in _fields(section)]
    return f"{label(section, key)} {{{'; '.join(said)}}}"
