# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain data at the edge between Ansible and our own code.

Ansible 2.19 hands plugins subclasses of str, int, dict and list that carry origin and trust.
They serialise badly (``yaml.dump`` writes Python tags), so they are turned into plain values once, on the way in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from typing import Any


def flaw_of(value: Any) -> str:
    """What makes a plain scalar unfit for files, variables and arguments of a host; empty for sound ones."""
    if isinstance(value, str):
        if "\0" in value:
            return "text with a NUL"
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                return "text with half a character (a lone surrogate)"
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is not finite"
    return ""


def to_plain(value: Any) -> Any:
    """Return ``value`` rebuilt from str, int, float, bool, None, list and dict alone.

    Sets become sorted lists, tuples lists, dates their ISO text. The input is not changed.
    Raises TypeError for anything else (a dataclass, an address object): turn those into text first.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):  # a tagged bool cannot exist, numpy-like ones could
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {to_plain(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((to_plain(item) for item in value), key=repr)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, Sequence):
        return [to_plain(item) for item in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    raise TypeError(f"cannot be made plain: {type(value).__name__}")
