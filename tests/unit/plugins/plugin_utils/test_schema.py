# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exported JSON Schema is current and fits the collection's own records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.schema import EXPORTS, as_text, service_schema

ROOT = Path(__file__).resolve().parents[4]
jsonschema = pytest.importorskip("jsonschema")


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_the_exported_file_is_current(name: str) -> None:
    written = (ROOT / "docs" / "schema" / name).read_text(encoding="utf-8")
    assert written == as_text(EXPORTS[name]()), "run scripts/export_schema.py"
    jsonschema.Draft202012Validator.check_schema(json.loads(written))


def records() -> list[Path]:
    return sorted((ROOT / "roles").glob("*/services/*.yml"))


@pytest.mark.parametrize("path", records(), ids=lambda path: path.stem)
def test_our_records_fit_and_name_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    jsonschema.validate(yaml.safe_load(text), service_schema())
    assert "# yaml-language-server: $schema=../../../docs/schema/service.json" in text.splitlines()[:5]


@pytest.mark.parametrize(
    "record",
    [
        {"name": "one"},
        {"name": "one", "image": "x/one:1", "rotues": []},
        {"name": "one", "image": "x/one:1", "routes": [{"host": "a", "port": "web", "access": "lan"}]},
        {"name": "one", "image": "x/one:1", "routes": [{"host": "a", "port": 80, "access": "pubic"}]},
    ],
)
def test_mistakes_are_seen_by_editors(record: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, service_schema())


def descriptions(node: Any, path: str = "") -> list[str]:
    """Paths of properties that say nothing."""
    found: list[str] = []
    for name, item in node.get("properties", {}).items():
        if not item.get("description") and "$ref" not in item:
            found.append(f"{path}.{name}")
    for name, item in node.get("$defs", {}).items():
        found += descriptions(item, name)
    return found


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_every_key_is_described(name: str) -> None:
    assert descriptions(EXPORTS[name]()) == []


def test_inventories_fit() -> None:
    schema = EXPORTS["variables.json"]()
    good = {
        "kronos_domain": "home.example",
        "kronos_uid": "{{ my_uid }}",
        "kronos_services_x": {"radarr": {"limits": {"memory": "2g"}}, "sonarr": None},
        "anything_else": 5,
    }
    jsonschema.validate(good, schema)
    for bad in ({"kronos_uid": "me"}, {"kronos_services_x": {"radarr": {"lmits": {}}}}, {"kronos_zones": []}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
