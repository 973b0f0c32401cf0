# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML text: the same everywhere, and nothing in it means more than it says."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_yaml import yaml_text
from hypothesis import example, given, settings
from hypothesis import strategies as st

SCALARS = [
    ("radarr", "radarr"),
    ("https://a.example/x?y=1", '"https://a.example/x?y=1"'),
    ("http://radarr:7878", "http://radarr:7878"),
    ("--config.file=/etc/x.yml", "--config.file=/etc/x.yml"),
    ("two words", "two words"),
    ("", '""'),
    ("yes", '"yes"'),
    ("Null", '"Null"'),
    ("1e3", '"1e3"'),
    ("0o17", '"0o17"'),
    ("12:30", '"12:30"'),
    (":80", '":80"'),
    ("a: b", '"a: b"'),
    ("a #b", '"a #b"'),
    ("a:", '"a:"'),
    (" a", '" a"'),
    ("-x", '"-x"'),
    ("{{ x }}", '"{{ x }}"'),
    ('say "hi" \\', '"say \\"hi\\" \\\\"'),
    ("caf\u00e9", '"caf\u00e9"'),
    ("\x00\x7f\x85\u2028\ufeff", '"\\u0000\\u007f\\u0085\\u2028\\ufeff"'),
    ("\U000e0001", '"\\U000e0001"'),
    (True, "true"),
    (None, "null"),
    (-3, "-3"),
    (0.5, "0.5"),
    (1e20, "1.0e+20"),
    ({}, "{}"),
    ([], "[]"),
]


@pytest.mark.parametrize(("value", "text"), SCALARS)
def test_scalars(value: Any, text: str) -> None:
    assert yaml_text({"key": value}, "") == f"key: {text}\n"
    assert yaml.safe_load(yaml_text([value, {"k": value}], "")) == [value, {"k": value}]


def test_shape() -> None:
    data = {"b": [1, {"x": "w", "z": []}, [2, [3]]], "a": {"text": "one\n  two\n\nthree\n", "end": "a\nb"}}
    assert yaml_text(data, "Why\nso") == (
        "# Why\n# so\n"
        "b:\n  - 1\n  - x: w\n    z: []\n  - - 2\n    - - 3\n"
        "a:\n  text: |\n    one\n      two\n\n    three\n  end: |-\n    a\n    b\n"
    )


def test_comment_cannot_end_early() -> None:
    assert yaml.safe_load(yaml_text({"a": 1}, "x\nb: 2\r\nc: 3\x85d: 4\n")) == {"a": 1}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, {2, 3}]}, r"a\[1\]: set .* is no plain data"),
        (object(), "data: object .* is no plain data"),
        ({"a": float("nan")}, "a: float nan is no plain data"),
    ],
)
def test_what_is_no_plain_data(value: Any, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        yaml_text(value)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@example({"a\nb\n": "--- x\n...\n", "|": ["- x", "!t", "&a", "*a", "%d", "<<", "=", "~"]})
@example(["a\n b\n\nc \n", "a\n\n", "\na", "a\tb\nc", "x\r\ny"])
@given(DATA)
def test_reads_back_as_it_was(data: Any) -> None:
    assert yaml.safe_load(yaml_text(data)) == data
