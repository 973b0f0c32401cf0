# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML text of plain data.

An emitter of our own: the text depends on no library's version or build, is fast, and reads the same in YAML 1.1
(Python) and 1.2 (Go, JavaScript), since whatever they could take for something else is quoted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError

DEFAULT_COMMENT = "Written by kronos.homelab; changes made here are overwritten."

# Text that no YAML version takes for anything else: no leading digit or sign, no `: `, no ` #`, no space at an end.
_PLAIN = re.compile(r"(--)?[A-Za-z/_](?:[A-Za-z0-9_./@%+=,;()*$~-]|:(?=[^\s])| (?=[^\s#]))*")
_RESERVED = frozenset(("true", "false", "yes", "no", "on", "off", "y", "n", "null"))
_BLOCK = re.compile(r"[^\s][^\n]*(\n[^\n]*)*[^\s]\n?")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def yaml_text(data: Any, comment: str = DEFAULT_COMMENT) -> str:
    """Return `data` as YAML in the order given, below `comment`; an empty comment gives none.

    Raises RenderError, with the path, for a value that is not plain data.
    """
    head = [f"# {line}".rstrip() for line in comment.splitlines()]
    return "\n".join([*head, *_lines(data, "")]) + "\n"


def _lines(value: Any, path: str) -> Iterator[str]:
    """Yield the lines of a value that stands by itself, without indentation."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _entry(f"{_scalar(key, path)}:", item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _item(item, f"{path}[{index}]")
    elif isinstance(value, str) and _is_block(value):
        yield f"|{'' if value.endswith(chr(10)) else '-'}"
        yield from _indented(iter(value.splitlines()))
    else:
        yield _scalar(value, path)


def _entry(key: str, item: Any, path: str) -> Iterator[str]:
    lines = _lines(item, path)
    if isinstance(item, (Mapping, list)) and item:
        yield key
        yield from _indented(lines)
    else:
        yield f"{key} {next(lines, '')}"
        yield from lines


def _item(item: Any, path: str) -> Iterator[str]:
    lines = _lines(item, path)
    yield f"- {next(lines, '')}"
    # The text of a block is indented already, and may stand as deep as the dash plus one level.
    yield from _indented(lines)


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}" if line else line for line in lines)


def _is_block(text: str) -> bool:
    return "\n" in text and _BLOCK.fullmatch(text) is not None and all(c == "\n" or _is_shown(c) for c in text)


def _is_shown(char: str) -> bool:
    return char.isprintable() and char != "\ufeff"


def _scalar(value: Any, path: str) -> str:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _RESERVED
        return value if plain else '"' + "".join(map(_escaped, value)) + '"'
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return _float(value)
    if isinstance(value, (Mapping, list)):
        return "{}" if isinstance(value, Mapping) else "[]"
    raise RenderError(f"{path or 'data'}: {type(value).__name__} {value!r} is no plain data")


def _float(value: float) -> str:
    """YAML 1.1 knows a float by its point: 1e+16 would be text."""
    mantissa, mark, exponent = repr(value).partition("e")
    return mantissa if not mark else f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}"


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if _is_shown(char):
        return char
    return f"\\U{ord(char):08x}" if ord(char) > 0xFFFF else f"\\u{ord(char):04x}"
