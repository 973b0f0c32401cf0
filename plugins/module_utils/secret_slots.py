# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets within rendered files: slots in a text, filled on the host when the file is written. Pure.

``<kronos-secret:name>`` stands for the value as it is, ``<kronos-secret:name|quoted>`` for the value as it stands
within double quotes (YAML, JSON, TOML). Only the names that the file itself states are slots: any other such text,
whoever wrote it, stays text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping

_SLOT = re.compile(r"<kronos-secret:([a-z][a-z0-9_-]{0,62})(\|quoted)?>")
_QUOTED = r'((?:[^"\\\n]|\\.)*)'


def names(text: str) -> set[str]:
    """The names of every slot in *text*."""
    return {found[1] for found in _SLOT.finditer(text)}


def fill(text: str, values: Mapping[str, str]) -> str:
    """*text* with the *values* in their slots."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            return found[0]
        kept = values[found[1]]
        return _quoted(kept) if found[2] else kept

    return _SLOT.sub(value, text)


def values_in(text: str, filled: str, stated: Collection[str]) -> list[str] | None:
    """The values that made *filled* out of *text*; None where it was not made of it."""
    match = re.compile("".join(_patterns(text, stated)), re.DOTALL).fullmatch(filled)
    if match is None:
        return None
    slots = [found for found in _SLOT.finditer(text) if found[1] in stated]
    return [_unquoted(value) if slot[2] else value for slot, value in zip(slots, match.groups())]


def _patterns(text: str, stated: Collection[str]) -> Iterator[str]:
    end = 0
    for found in _SLOT.finditer(text):
        if found[1] in stated:
            yield re.escape(text[end : found.start()])
            yield _QUOTED if found[2] else "(.*?)"
            end = found.end()
    yield re.escape(text[end:])


def _quoted(value: str) -> str:
    """As JSON and YAML both read it: pairs of surrogates mean something to JSON alone."""
    text = json.dumps(value, ensure_ascii=False)[1:-1]
    return "".join(sign if sign.isprintable() or sign > "\uffff" else f"\\u{ord(sign):04x}" for sign in text)


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
