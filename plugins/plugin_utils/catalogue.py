# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own records: roles/<role>/services/<service>.yml."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems, shown
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import has_template

_Base: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class RawRecord:
    """A record as it was read: templates not rendered, nothing checked but its name."""

    name: str
    stack: str
    source: str
    data: dict[str, Any]


@dataclass
class Catalogue:
    """All records by name, the stacks that exist, and what was wrong with the files."""

    records: dict[str, RawRecord] = field(default_factory=dict)
    stacks: set[str] = field(default_factory=set)
    problems: Problems = field(default_factory=Problems)


class _Loader(_Base):  # type: ignore[misc]
    """Safe YAML that notices a key given twice; its own instance keeps what it noticed."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _value in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable):
                if key in seen:
                    raise yaml.MarkedYAMLError(None, None, f"the key {key!r} twice", key_node.start_mark)
                seen.add(key)
        result: dict[Any, Any] = super().construct_mapping(node, deep)
        return result


def parse_yaml(text: str, source: str, problems: Problems) -> Any:
    """Return the document; a syntax error or a doubled key becomes a problem with its line, and None is returned."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problems.say(source, (), f"{error.problem or error.context} at {where}", "valid YAML, every key once")
    except yaml.YAMLError as error:
        problems.say(source, (), " ".join(str(error).split()), "valid YAML")
    except (ValueError, RecursionError) as error:  # impossible dates, endless nesting
        problems.say(source, (), str(error), "valid YAML")
    return None


def load_catalogue(root: FilePath, trust: Callable[[str], str] = str) -> Catalogue:
    """Read every record below ``root``/roles; ``trust`` marks texts with templates as ours, to be rendered."""
    catalogue = Catalogue()
    for folder in sorted((root / "roles").glob("*/services")):
        catalogue.stacks.add(folder.parent.name)
        for path in sorted(folder.glob("*.yml")):
            _load_record(path, root, catalogue, trust)
    return catalogue


def _load_record(path: FilePath, root: FilePath, catalogue: Catalogue, trust: Callable[[str], str]) -> None:
    source = path.relative_to(root).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        catalogue.problems.say(source, (), str(error), "a readable file in UTF-8")
        return
    before = len(catalogue.problems)
    data = parse_yaml(text, source, catalogue.problems)
    if len(catalogue.problems) > before:
        return
    if not isinstance(data, dict):
        catalogue.problems.say(source, (), shown(data), "a mapping: one service record")
        return
    name = data.get("name")
    if name != path.stem:
        catalogue.problems.say(source, "name", shown(name), f"{path.stem!r}, as the file is called")
        return
    if name in catalogue.records:
        other = catalogue.records[name].source
        catalogue.problems.say(source, "name", f"{name!r}, which {other} has too", "a name of its own")
        return
    stack = str(data.get("stack", path.parent.parent.name))
    catalogue.stacks.add(stack)
    catalogue.records[name] = RawRecord(name, stack, source, _trusted({**data, "stack": stack}, trust))


def _trusted(value: Any, trust: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {str(key): _trusted(item, trust) for key, item in value.items()}
    if isinstance(value, list):
        return [_trusted(item, trust) for item in value]
    return trust(value) if has_template(value) else value
