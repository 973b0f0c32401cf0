# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's documentation markup as Markdown, and Markdown tables.

Source of the markup: https://docs.ansible.com/ansible/latest/dev_guide/ansible_markup.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from kronos_docs.collection import NAMESPACE

# V, O, E, RV and P take escapes (\\ and \)), the older ones end at the first bracket.
_ESCAPED = re.compile(r"\b(V|O|E|RV|P)\(((?:[^\\)]|\\.)*)\)")
_PLAIN = re.compile(r"\b(I|B|C|M|U)\(([^)]*)\)")
_LINK = re.compile(r"\b(L|R)\(([^)]*?), *([^)]*)\)")
_FOREIGN = re.compile(r"^[a-z0-9_.]+#[a-z]+(?::[a-z_]+:|:)")


def markdown(text: Any) -> str:
    """Turn one or several paragraphs of Ansible markup into Markdown, paragraphs joined by an empty line."""
    if isinstance(text, (list, tuple)):
        return "\n\n".join(markdown(part) for part in text)
    result = _ESCAPED.sub(_escaped, str(text).strip())
    result = _LINK.sub(lambda m: f"[{m[2]}]({m[3]})" if m[1] == "L" else m[2], result)
    return _PLAIN.sub(_plain, result)


def _escaped(match: re.Match[str]) -> str:
    kind, inner = match[1], re.sub(r"\\(.)", r"\1", match[2])
    if kind == "P":
        return _plugin(*inner.partition("#")[::2])
    return code(_FOREIGN.sub("", inner))


def _plain(match: re.Match[str]) -> str:
    kind, inner = match[1], match[2]
    if kind == "M":
        return _plugin(inner, "module")
    if kind == "U":
        return f"<{inner}>"
    return {"I": f"*{inner}*", "B": f"**{inner}**"}.get(kind) or code(inner)


def _plugin(name: str, kind: str) -> str:
    """A link for a plugin of ours, its name for others."""
    own = name.removeprefix(NAMESPACE + ".")
    if own == name or kind not in ("module", "filter"):
        return code(name)
    return f"[{own}]({kind}s.md#{own})"


def plain(text: Any) -> str:
    """Text that is no Ansible markup (descriptions of our models); what looks like an HTML tag stays visible."""
    parts = str(text).split("`")
    return "`".join(part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts))


def code(text: Any) -> str:
    """Text as inline code."""
    return f"`{text}`" if "`" not in str(text) else f"`` {text} ``"


def value(data: Any) -> str:
    """A default as a table shows it: YAML's flow style, nothing for None."""
    if data is None or data == "":
        return "" if data is None else code('""')
    return code(json.dumps(data, ensure_ascii=False) if not isinstance(data, str) else data)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; empty text without rows."""
    lines = [[cell(text) for text in row] for row in rows]
    if not lines:
        return ""
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(line) + " |" for line in [list(head), rule, *lines])


def cell(text: str) -> str:
    """Text that may stand in a table: on one line, bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")
