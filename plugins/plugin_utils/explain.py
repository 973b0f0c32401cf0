# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns pydantic's errors into our problems: what was found, what was wanted, the nearest known key."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import (
    Path,
    Problems,
    a_known_key,
    did_you_mean,
    one_of,
    shown,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Locate
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

_KINDS = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "model": "a mapping",
    "none": "nothing",
}


def read_model(model: type[Model], data: Any, locate: Locate, problems: Problems) -> Model | None:
    """Validate ``data``; on failure add every mistake to ``problems`` and return None."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            path = _clean(item["loc"])
            found, wanted = _explained(item, model, path, data)
            problems.say(*locate(path), found, wanted)
        return None


def _clean(loc: tuple[int | str, ...]) -> Path:
    """Without pydantic's own marks: the branch of a union, a mapping's key."""
    return tuple(part for part in loc if part != "[key]" and not (isinstance(part, str) and part[:1] == "<"))


def _explained(item: Any, model: type[BaseModel], path: Path, data: Any) -> tuple[str, str]:
    kind: str = item["type"]
    context: Mapping[str, Any] = item.get("ctx") or {}
    found = shown(item["input"])
    if kind == "kronos":
        return context["found"] or found, context["wanted"]
    if kind == "missing":
        return "nothing", f"the key {path[-1]!r}{_description(model, path)}"
    if kind == "extra_forbidden":
        known = _keys(model, path[:-1])
        return f"the unknown key {str(path[-1])!r}", a_known_key(path[-1], known)
    if kind == "literal_error":
        choices = [part.strip("' ") for part in context["expected"].replace(" or ", ", ").split(",")]
        return found, one_of(choices) + did_you_mean(item["input"], choices)
    for prefix, wanted in _KINDS.items():
        if kind.startswith((f"{prefix}_type", f"{prefix}_parsing", f"{prefix}_from", f"{prefix}_attributes")):
            return found, wanted
    return found, _in_words(kind, context, item["msg"])


def _in_words(kind: str, context: Mapping[str, Any], message: str) -> str:
    words = {
        "greater_than_equal": ("at least", "ge"),
        "less_than_equal": ("at most", "le"),
        "greater_than": ("more than", "gt"),
    }
    if kind in words:
        text, key = words[kind]
        return f"{text} {context[key]}"
    if kind == "string_pattern_mismatch":
        return f"text of the form {context['pattern']}"
    return message[:1].lower() + message[1:]


def _description(model: type[BaseModel], path: Path) -> str:
    parents = _models(model, path[:-1])
    for parent in parents:
        for name, field in parent.model_fields.items():
            if path[-1] in (name, field.alias) and field.description:
                return f" ({field.description.rstrip('.')})"
    return ""


def _keys(model: type[BaseModel], path: Path) -> list[str]:
    return [field.alias or name for parent in _models(model, path) for name, field in parent.model_fields.items()]


def _models(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """The models that may stand at a path: follows fields, passes through lists, mappings and unions."""
    found: list[type[BaseModel]] = [model]
    for part in path:
        annotations: list[Any] = []
        for parent in found:
            for name, field in parent.model_fields.items():
                if part in (name, field.alias):
                    annotations.append(field.annotation)
        if annotations:
            found = [inner for annotation in annotations for inner in _inner_models(annotation)]
    return found


def _inner_models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [inner for argument in typing.get_args(annotation) for inner in _inner_models(argument)]
