# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping secrets out of every output, however a program spells them."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

HIDDEN = "********"
SHORTEST = 4

_SEQUENCES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
    "E": "\x1b",
    "\\": "\\",
}
_SEQUENCE = re.compile(r"\\([ntrabfveE\\]|x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{1,4})")
_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_URL_SAFE = str.maketrans("+/", "-_")


class Mask:
    """Takes secret values out of whatever is shown."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: list[str] = []
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Hide these too, in every spelling in which a program may print them."""
        spellings = {one for value in values for one in _spellings(value) if len(one) >= SHORTEST}
        # Longest first: a secret may be part of another one.
        self._values = sorted({*self._values, *spellings}, key=lambda one: (-len(one), one))

    def text(self, text: str) -> str:
        """*text* without secrets."""
        for value in self._values:
            text = text.replace(value, HIDDEN)
        return text

    def data(self, value: Any) -> Any:
        """Plain data without secrets, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.data(key): self.data(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(each) for each in value]
        return value


def _spellings(value: str) -> Iterator[str]:
    whole = value.strip()
    lines = [line.strip() for line in whole.splitlines()]
    # Single lines of a key or certificate appear in logs, its short frame is no secret.
    parts = [whole, *(line for line in lines if len(line) >= 16 and not line.startswith("-----"))]
    for part in parts:
        # Whatever a program makes of the signs around it, a long run of letters and digits it leaves as it is.
        yield from _RUN.findall(part)
        if len(part) >= SHORTEST:
            for one in dict.fromkeys((part, _echoed(part))):
                yield from (one, *_written(one), *_encoded(one))
                # An answer is quoted on one line; reading a program's output as text may change its line ends.
                yield from (" ".join(one.split()), one.replace("\r\n", "\n").replace("\r", "\n"))


def _written(value: str) -> Iterator[str]:
    """As JSON, Python's repr, YAML, compose.yml, a shell and HTML spell it."""
    doubled = value.replace("\\", "\\\\")
    for text in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield from (text, json.dumps(text, ensure_ascii=False)[1:-1])  # a log in JSON may quote JSON
    yield repr(value)[1:-1]
    yield from (doubled, doubled.replace("'", "\\'"), value.replace("'", "''"), value.replace("$", "$$"))
    yield from (value.replace("'", "'\\''"), value.replace("'", "'\"'\"'"), re.sub(r"([^\w@%+=:./-])", r"\\\1", value))
    yield from (html.escape(value), html.escape(value, quote=False))


def _encoded(value: str) -> Iterator[str]:
    """In a URL, and in base64 by itself or within something longer (an Authorization header, a dump)."""
    yield from (urllib.parse.quote(value), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value))
    data = value.encode("utf-8", "surrogatepass")
    yield from (data.hex(), data.hex().upper())
    for lead in range(3):
        # Without the signs at both ends, which depend on the neighbours.
        text = base64.b64encode(b"\0" * lead + data).decode().rstrip("=")
        inner = text[(0, 2, 3)[lead] : len(text) - (1 if (lead + len(data)) % 3 else 0)]
        if len(inner) >= 2 * SHORTEST:
            yield from (inner, inner.translate(_URL_SAFE))


def _echoed(value: str) -> str:
    """As a program prints it that takes backslash sequences for what they stand for (``echo -e``, ``printf %b``)."""
    return _SEQUENCE.sub(lambda found: _SEQUENCES.get(found[1]) or _code(found[1]), value)


def _code(sequence: str) -> str:
    base = 16 if sequence[0] in "xuU" else 8
    return chr(int(sequence.lstrip("xuU"), base) % 0x110000)
