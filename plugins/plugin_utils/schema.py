# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON Schema of records and settings, so that editors complete and check them while one types."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import PREFIX, Person, Settings, Zone
from ansible_collections.kronos.homelab.plugins.plugin_utils.share import Share
from pydantic import BaseModel

Data = dict[str, Any]

# A number or a choice may be written as a Jinja expression too; it is checked once it is rendered.
TEMPLATE = {"type": "string", "pattern": r"\{\{.*\}\}"}


def service_schema() -> Data:
    """One record file of the catalogue."""
    schema = _open(Service.model_json_schema(by_alias=True))
    schema["required"] = ["name"]
    schema["anyOf"] = [{"required": ["image"]}, {"required": ["external"]}]
    return _headed(schema, "service", "Service record of kronos.homelab")


def variables_schema() -> Data:
    """The kronos_* variables of an inventory, the layered ones with every suffix."""
    settings = _open(Settings.model_json_schema(by_alias=True))
    definitions: Data = settings.pop("$defs", {})
    layered: dict[str, type[BaseModel]] = {"services": Service, "zones": Zone, "storage": Share, "users": Person}
    patterns: Data = {}
    for name, model in layered.items():
        schema = _open(model.model_json_schema(by_alias=True))
        definitions |= schema.pop("$defs", {})
        schema.pop("required", None)  # an override says only what differs
        patterns[f"^{PREFIX}{name}(_[A-Za-z0-9_]+)?$"] = {
            "anyOf": [
                {"type": "object", "additionalProperties": {"anyOf": [schema, {"type": "null"}, TEMPLATE]}},
                TEMPLATE,
            ]
        }
    whole: Data = {
        "type": "object",
        "properties": {PREFIX + name: item for name, item in settings["properties"].items()},
        "patternProperties": patterns,
        "$defs": definitions,
    }
    return _headed(whole, "variables", "Variables of kronos.homelab in an inventory")


def _headed(schema: Data, name: str, title: str) -> Data:
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"kronos.homelab/{name}.json",
        "title": title,
    }
    return {**head, **{key: value for key, value in schema.items() if key != "title"}}


def _open(node: Any) -> Any:
    """The same schema, but every value that is no free text may be a template."""
    if isinstance(node, list):
        return [_open(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: (value if key in ("default", "enum", "required") else _open(value)) for key, value in node.items()}
    if result.get("type") in ("integer", "number", "boolean") or "enum" in result or "const" in result:
        kept = {key: result.pop(key) for key in ("title", "description", "default") if key in result}
        return {"anyOf": [result, TEMPLATE], **kept}
    return result


EXPORTS: Mapping[str, Callable[[], Data]] = {"service.json": service_schema, "variables.json": variables_schema}


def as_text(schema: Data) -> str:
    """The file's content."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
