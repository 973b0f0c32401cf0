# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marker values: secrets that are searched for afterwards, in every form that a program may give them."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable

SHORTEST = 10
WINDOW = 16
_RUN = re.compile(r"[A-Za-z0-9]{10,}|[A-Za-z0-9]+(?:-[A-Za-z0-9]+){2,}")


def _core() -> str:
    """A part that no encoding but base64 and hex changes."""
    return f"mark{secrets.token_hex(10)}"


def odd_values() -> dict[str, str]:
    """Given secrets, each of which would break some way of quoting."""
    return {
        "dollars": f"$HOME{_core()}${{HOME}}$$`id`$(id)",
        "quotes": f"it's \"{_core()}\" ''",
        "spaces": f"  two  spaces\tand a tab {_core()}  ",
        "backslash": f"C:\\new\\table\\x41\\\\{_core()}\\",
        "signs": f"-#&*!|>%@~{_core()}?:, [x] <b>&amp;",
        "scripts": f"é日😀{_core()}\u00a0\u202e",
        "number": "9" + "".join(secrets.choice("0123456789") for _index in range(21)),
        "braces": f"{{{{ {_core()} }}}} {{% x %}}",
    }


def private_key() -> str:
    """What looks like a key of several lines."""
    lines = [base64.b64encode(secrets.token_bytes(48)).decode() for _index in range(3)]
    return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])


def needles(values: Iterable[str]) -> dict[str, str]:
    """Text to search for -> the beginning of the value that it comes from, to name it without showing it."""
    found: dict[str, str] = {}
    for value in values:
        for needle in (*_plain(value), *_encoded(value)):
            found[needle] = f"{value.strip()[:6]}… ({len(value)} characters)"
    return found


def _plain(value: str) -> Iterable[str]:
    """Runs that quoting leaves alone, and windows of long ones: a part of a secret is a leak too."""
    if value.startswith("-----"):
        # The number itself: before it stands what all keys of the kind begin with, behind it what is public.
        first, second = value.splitlines()[1:3]
        yield from (first[48:64], second[:16], second[10:26])
        return
    for line in value.splitlines():
        for run in _RUN.findall(line):
            yield from _windows(run)


def _encoded(value: str) -> Iterable[str]:
    """base64 at each of the three offsets, without the ends, which depend on the neighbours; hex."""
    if value.startswith("-----"):
        return
    data = value.encode()
    for lead in range(3):
        text = base64.b64encode(b"\0" * lead + data).decode().rstrip("=")[4:-3]
        if len(text) >= WINDOW:
            yield from _windows(text)
    yield from _windows(data.hex())


def _windows(text: str) -> Iterable[str]:
    if len(text) <= WINDOW:
        yield text
        return
    middle = (len(text) - WINDOW) // 2
    yield from (text[:WINDOW], text[middle : middle + WINDOW], text[-WINDOW:])


def hits(text: str, wanted: dict[str, str]) -> set[str]:
    """Which values stand in the text, by their beginnings."""
    return {name for needle, name in wanted.items() if needle in text}
