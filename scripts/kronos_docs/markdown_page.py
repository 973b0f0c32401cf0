# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a Markdown page tells its reader to type: fenced blocks, commands, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
# in running text only whole commands count, and these are what our pages name there
_INLINE_COMMAND = re.compile(r"(ansible-playbook|make|bash|ansible-galaxy) [a-z-]")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and text, and the line of the page on which it begins."""

    language: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page."""
    return [Block(m[1], m[2], page.count("\n", 0, m.start()) + 1) for m in _FENCE.finditer(page)]


def without_blocks(page: str) -> str:
    """The running text of a page."""
    return _FENCE.sub("", page)


def commands(page: str) -> Iterator[list[str]]:
    """Words of each command: the lines of ``sh`` blocks, and inline code that is a whole command."""
    for block in blocks(page):
        if block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words:
                    yield words
    for match in _INLINE.finditer(without_blocks(page)):
        if _INLINE_COMMAND.match(match[1]) and "…" not in match[1]:
            yield shlex.split(match[1])


def links(page: str) -> list[str]:
    """Targets of the relative links of a page."""
    found = _LINK.findall(without_blocks(page))
    return [target for target in found if "://" not in target and not target.startswith("mailto:")]


def anchors(page: str) -> set[str]:
    """Anchors that GitHub gives to the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", without_blocks(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def written_pages(root: Path) -> list[str]:
    """Pages that people write: README and docs, without the generated reference."""
    found = ["README.md", *(path.relative_to(root).as_posix() for path in (root / "docs").rglob("*.md"))]
    return sorted(name for name in found if not name.startswith("docs/reference/"))


def all_pages(root: Path) -> list[str]:
    """Every page, the generated ones included."""
    folders = ("docs", "roles")
    return ["README.md", *sorted(p.relative_to(root).as_posix() for f in folders for p in (root / f).rglob("*.md"))]
