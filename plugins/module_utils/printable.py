# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that a terminal shows as what it is: logs and answers of containers may hold sequences that command it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Control characters (C0 and C1, ESC among them), line and paragraph separators, those that turn the direction of
# what follows, lone surrogates. https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
COMMANDING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_EXCEPT_LINES = re.compile(r"(?![\n\t])" + COMMANDING.pattern)


def printable(value: Any) -> Any:
    """Plain data with every commanding character written as its escape (``\\x1b``); line ends and tabs stay."""
    if isinstance(value, str):
        return value if value.isprintable() else _EXCEPT_LINES.sub(_escaped, value)
    if isinstance(value, Mapping):
        return {printable(key): printable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(each) for each in value]
    return value


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
