# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML text that is the same for the same data and reads the same in YAML 1.1 and 1.2 (Go, JavaScript)."""

from __future__ import annotations

import re
from typing import Any

import yaml

# PyYAML writes these without quotes because YAML 1.1 reads them as text; YAML 1.2 reads numbers.
_NUMBER_ELSEWHERE = re.compile(r"[-+.:]?[0-9]")
DEFAULT_COMMENT = "Written by kronos.homelab; changes made here are overwritten."


class _Dumper(yaml.SafeDumper):
    """SafeDumper without anchors, with indented lists, blocks for text of several lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else '"' if _NUMBER_ELSEWHERE.match(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def yaml_text(data: Any, comment: str = DEFAULT_COMMENT) -> str:
    """Return `data` (plain) as YAML in the order given, below `comment`; an empty comment gives none."""
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    body: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=1000
    )
    return head + body
