# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's markup and our models as Markdown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from kronos_docs.markup import markdown, plain, table, value
from kronos_docs.tables import options_table, returns_table, schema_table
from pydantic import BaseModel, Field


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("plain words", "plain words"),
        ("C(code), I(soft), B(hard)", "`code`, *soft*, **hard**"),
        ("O(state=absent) and V(true)", "`state=absent` and `true`"),
        (r"V(a\)b)", "`a)b`"),
        ("O(kronos.homelab.stack#module:name)", "`name`"),
        ("RV(diff)", "`diff`"),
        ("M(kronos.homelab.plan)", "[plan](modules.md#plan)"),
        ("M(ansible.builtin.copy)", "`ansible.builtin.copy`"),
        ("P(kronos.homelab.yaml_text#filter)", "[yaml_text](filters.md#yaml_text)"),
        ("P(ansible.builtin.file#lookup)", "`ansible.builtin.file`"),
        ("U(https://example.org/a)", "<https://example.org/a>"),
        ("L(text, https://example.org)", "[text](https://example.org)"),
        ("R(text, anchor)", "text"),
        (["one", "C(two)"], "one\n\n`two`"),
        ("RESTORE(nothing) stays", "RESTORE(nothing) stays"),
    ],
)
def test_markup(text: Any, wanted: str) -> None:
    assert markdown(text) == wanted


@pytest.mark.parametrize(
    ("data", "wanted"),
    [(None, ""), ("", '`""`'), ("x", "`x`"), (False, "`false`"), (0, "`0`"), ([], "`[]`"), ({"a": 1}, '`{"a": 1}`')],
)
def test_defaults(data: Any, wanted: str) -> None:
    assert value(data) == wanted


def test_placeholders_stay_visible_outside_of_code() -> None:
    assert plain("<dir>/x and `<name>`") == "&lt;dir>/x and `<name>`"


def test_table_cells_stay_on_their_line() -> None:
    assert table(("a", "b"), [("x|y", "one\ntwo")]) == "| a | b |\n| --- | --- |\n| x\\|y | one two |"
    assert table(("a",), []) == ""


def test_options_with_suboptions() -> None:
    options = {
        "names": {"type": "list", "elements": "dict", "required": True, "description": "All."},
        "how": {"description": "Way.", "choices": ["a", "b"], "default": "a"},
    }
    options["names"]["suboptions"] = {"id": {"type": "int", "description": "Number."}}
    assert options_table(options).splitlines()[2:] == [
        "| `names` | list of dict | **required** | All. |",
        "| `names[].id` | int |  | Number. |",
        "| `how` | str | `a` | Way. One of `a`, `b`. |",
    ]


def test_returns_inherit_when() -> None:
    inner = {"ok": {"type": "bool", "description": "Fine."}}
    rows = {
        "rows": {"type": "list", "elements": "dict", "returned": "always", "description": "Seen.", "contains": inner}
    }
    assert returns_table(rows).splitlines()[2:] == [
        "| `rows` | list of dict | always | Seen. |",
        "| `rows[].ok` | bool | always | Fine. |",
    ]


class Check(BaseModel):
    """A nested model that two keys use."""

    port: Annotated[int, Field(ge=1)] = Field(description="Port.")


class Model(BaseModel):
    """Every shape that our models use."""

    name: str = Field(description="Name of <it>.")
    how: Literal["run", "puid"] = Field("run", description="Way.")
    health: Check | None = Field(None, description="Question.")
    checks: list[Check] = Field(default_factory=list, description="More.")
    named: dict[str, Check] = Field(default_factory=dict, description="By name.")
    command: str | list[str] | None = Field(None, description="Words.")


def test_schema_of_a_model() -> None:
    rows = schema_table(Model.model_json_schema(), "x_").splitlines()[2:]
    assert rows == [
        "| `x_name` | text | **required** | Name of &lt;it>. |",
        "| `x_how` | `run` or `puid` | `run` | Way. |",
        "| `x_health` | mapping |  | Question. |",
        "| `x_health.port` | number | **required** | Port. |",
        "| `x_checks` | list of mapping |  | More. Keys as in `x_health`. |",
        "| `x_named` | mapping |  | By name. Keys as in `x_health`. |",
        "| `x_command` | text or list of text |  | Words. |",
    ]
