# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in the user's input: collected, so that all are reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.printable import printable

Path = tuple[Any, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: where it stands, what was found there, what was wanted instead."""

    source: str
    path: str
    found: str
    wanted: str

    def __str__(self) -> str:
        where = f"{self.source}: {self.path}" if self.path else self.source
        text: str = printable(f"{where}: found {self.found}; wanted {self.wanted}")
        return text.replace("\n", "\\n")


class PlanError(Exception):
    """The input cannot become a plan; carries every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: list[Problem] = sorted(set(problems))
        super().__init__(self.message())

    def message(self) -> str:
        """All problems, sorted, one a line, with their count on top."""
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in the input; nothing was changed:"
        return "\n".join([head, *(f"  {problem}" for problem in self.problems)])


class Problems(list[Problem]):
    """A growing list of problems."""

    def say(self, source: str, path: str | Path, found: str, wanted: str) -> None:
        """Add one problem; ``path`` may be the raw sequence of keys."""
        text = path if isinstance(path, str) else path_text(path)
        self.append(Problem(source, text, found, wanted))

    def raise_if_any(self) -> None:
        """Raise PlanError when there is something to report."""
        if self:
            raise PlanError(self)


def path_text(path: Sequence[Any]) -> str:
    """A key path as users write it: ``routes[0].access``, odd keys quoted."""
    text = ""
    for part in path:
        if isinstance(part, int) and not isinstance(part, bool):
            text += f"[{part}]"
            continue
        name = str(part)
        if not name or any(char in name for char in '. []"\n'):
            name = '"' + name.replace('"', '\\"').replace("\n", "\\n") + '"'
        text += f".{name}" if text else name
    return text


def shown(value: Any, limit: int = 60) -> str:
    """A value as a message shows it: short, on one line, containers by their kind."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = repr(str(value))
        return text if len(text) <= limit else text[: limit - 2] + "…'"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "an empty list"
    return str(value)[:limit]


def did_you_mean(name: Any, known: Iterable[str], cutoff: float = 0.6) -> str:
    """A suggestion to append to ``wanted``, or the empty text when nothing is near."""
    text = str(name)
    near = difflib.get_close_matches(text, sorted(set(known)), n=2, cutoff=cutoff)
    ratios = [difflib.SequenceMatcher(None, text, item).ratio() for item in near]
    if len(near) == 2 and ratios[1] < ratios[0] - 0.1:
        near = near[:1]  # the second is much further away
    if not near:
        return ""
    return "; did you mean " + " or ".join(repr(item) for item in near) + "?"


def a_known_key(name: Any, known: Iterable[str]) -> str:
    """What is wanted instead of an unknown key: the nearest, or all where that is no long list."""
    near = did_you_mean(name, known)
    listed = sorted(known)
    return f"a known key{near}" if near and len(listed) > 12 else one_of(listed, limit=40) + near


def kind_of(value: Any) -> str:
    """The kind of a value in words, where the value itself may be a secret."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a mapping" if isinstance(value, dict) else "a scalar"


def one_of(names: Iterable[str], limit: int = 30) -> str:
    """``one of a, b, c``, shortened when the list is long."""
    listed = sorted(names)
    if not listed:
        return "none (there are none)"
    text = ", ".join(listed[:limit])
    return f"one of {text}" + (f" and {len(listed) - limit} more" if len(listed) > limit else "")
