# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that a container says commands the user's terminal."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.printable import COMMANDING, printable

CASES = [
    ("plain text, é 日 😀", "plain text, é 日 😀"),
    ("lines\nand\ttabs", "lines\nand\ttabs"),
    ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
    ("\x9b31m", "\\x9b31m"),
    ("done\rnot done", "done\\x0dnot done"),
    ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    ("a\x00b\x7f", "a\\x00b\\x7f"),
    ("user\u202etxt.exe\u2069", "user\\u202etxt.exe\\u2069"),
    ("next\u2028line", "next\\u2028line"),
    ("half \ud83d", "half \\ud83d"),
    ("family \U0001f468\u200d\U0001f469, soft\u00adhyphen", "family \U0001f468\u200d\U0001f469, soft\u00adhyphen"),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_text(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown
    assert not COMMANDING.search(shown.replace("\n", "").replace("\t", ""))


def test_data_at_any_depth() -> None:
    data = {"a\x1b": ["b\x1b", {"c": ("d\x1b", 1, None, True)}]}
    assert printable(data) == {"a\\x1b": ["b\\x1b", {"c": ["d\\x1b", 1, None, True]}]}
    assert data["a\x1b"][0] == "b\x1b"
