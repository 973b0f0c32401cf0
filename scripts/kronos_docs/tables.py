# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the reference tables: from Ansible's option trees and from the JSON Schema of our models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kronos_docs.markup import code, markdown, plain, table, value

OPTION_HEAD = ("name", "type", "default", "meaning")
RETURN_HEAD = ("key", "type", "when", "meaning")


def options_table(options: Mapping[str, Any]) -> str:
    """Options of a plugin or role, suboptions below their option with a dotted name."""
    return table(OPTION_HEAD, _option_rows(options, ""))


def _option_rows(options: Mapping[str, Any], prefix: str) -> Iterator[list[str]]:
    for name, option in options.items():
        path = prefix + name
        text = markdown(option.get("description", ""))
        choices = option.get("choices")
        if choices:
            text += " One of " + ", ".join(map(value, choices)) + "."
        kind = _with_elements(option)
        yield [code(path), kind, "**required**" if option.get("required") else value(option.get("default")), text]
        inner = option.get("suboptions") or option.get("options") or {}
        yield from _option_rows(inner, path + _step(kind))


def _with_elements(option: Mapping[str, Any]) -> str:
    kind = str(option.get("type", "str"))
    return f"{kind} of {option['elements']}" if option.get("elements") else kind


def _step(kind: str) -> str:
    return "[]." if kind.startswith("list") else "."


def returns_table(returns: Mapping[str, Any]) -> str:
    """What a plugin returns, contained keys below their key."""
    return table(RETURN_HEAD, _return_rows(returns, "", ""))


def _return_rows(returns: Mapping[str, Any], prefix: str, when: str) -> Iterator[list[str]]:
    for name, entry in returns.items():
        kind = _with_elements(entry)
        said = str(entry.get("returned", when))
        yield [code(prefix + name), kind, markdown(said), markdown(entry.get("description", ""))]
        yield from _return_rows(entry.get("contains") or {}, prefix + name + _step(kind), said)


def schema_table(schema: Mapping[str, Any], prefix: str = "") -> str:
    """Keys of a pydantic model's JSON Schema; the keys of a nested model follow their key."""
    rows = _SchemaRows(schema.get("$defs", {}))
    return table(OPTION_HEAD, rows.of(schema, prefix))


class _SchemaRows:
    """Walks a schema; a model that was shown already is only referred to."""

    def __init__(self, models: Mapping[str, Any]) -> None:
        self.models = models
        self.shown: dict[str, str] = {}

    def of(self, schema: Mapping[str, Any], prefix: str) -> Iterator[list[str]]:
        required = schema.get("required", [])
        for name, entry in schema.get("properties", {}).items():
            path = prefix + name
            default = "**required**" if name in required else value(entry.get("default"))
            text = plain(entry.get("description", ""))
            nested = list(self.nested(entry, ""))
            again = [self.shown[model] for model, _name in nested if model in self.shown]
            if again:
                text += f" Keys as in {code(again[0])}."
            yield [code(path), " or ".join(self.kinds(entry)), default, text]
            for model, step in nested:
                if model not in self.shown:
                    self.shown[model] = path + step
                    yield from self.of(self.models[model], f"{path}{step}.")

    def nested(self, entry: Mapping[str, Any], step: str) -> Iterator[tuple[str, str]]:
        """Models below an entry, with what stands between: ``[]`` in lists, ``.<name>`` in mappings."""
        if "$ref" in entry:
            name = _ref(entry)
            if self.models[name].get("properties"):
                yield name, step
        for part in (*entry.get("anyOf", ()), *entry.get("oneOf", ())):
            yield from self.nested(part, step)
        if isinstance(entry.get("items"), Mapping):
            yield from self.nested(entry["items"], step + "[]")
        if isinstance(entry.get("additionalProperties"), Mapping):
            yield from self.nested(entry["additionalProperties"], step + ".<name>")

    def kinds(self, entry: Mapping[str, Any]) -> list[str]:
        """Words for what an entry may be; null is left out, since the default tells."""
        if "$ref" in entry:
            model = self.models[_ref(entry)]
            return ["mapping"] if model.get("properties") else self.kinds(model)
        parts = [*entry.get("anyOf", ()), *entry.get("oneOf", ())]
        if parts:
            found = [kind for part in parts for kind in self.kinds(part) if kind != "null"]
            return list(dict.fromkeys(found))
        if "enum" in entry:
            return [code(choice) for choice in entry["enum"]]
        if "const" in entry:
            return [code(entry["const"])]
        if entry.get("type") == "array":
            items = self.kinds(entry.get("items") or {})
            return [f"list of {items[0]}" if len(items) == 1 and items != ["any"] else "list"]
        words = {"object": "mapping", "string": "text", "integer": "number"}
        return [words.get(str(entry.get("type", "any")), str(entry.get("type", "any")))]


def _ref(entry: Mapping[str, Any]) -> str:
    return str(entry["$ref"]).rpartition("/")[2]
