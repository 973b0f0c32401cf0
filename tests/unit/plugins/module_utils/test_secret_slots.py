# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.module_utils import secret_slots as slots
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("a: <kronos-secret:one>", {"one": "1"}, "a: 1"),
        ('a: "<kronos-secret:one|quoted>"', {"one": 'x"y\\z\n'}, 'a: "x\\"y\\\\z\\n"'),
        # one that the file does not state is text, and so is what only looks like one
        ("<kronos-secret:two> <kronos-secret:One> <kronos-secret: one>", {"one": "1"}, None),
        # a value is never looked at again
        ("<kronos-secret:one><kronos-secret:two>", {"one": "<kronos-secret:two>", "two": "2"}, "<kronos-secret:two>2"),
    ],
)
def test_slots(text, values, filled):
    assert slots.fill(text, values) == (text if filled is None else filled)


def test_names():
    assert slots.names("<kronos-secret:a-b_1> <kronos-secret:c|quoted> <kronos-secret:d|other>") == {"a-b_1", "c"}


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    st.text(alphabet=st.characters(exclude_categories=["Cs"])),
)
def test_quoted_values_are_read_by_json_and_yaml_and_found_again(one, two):
    text = '{"a": "<kronos-secret:one|quoted>", "b": ["-<kronos-secret:two|quoted>-"]}'
    filled = slots.fill(text, {"one": one, "two": two})
    assert json.loads(filled) == yaml.safe_load(filled) == {"a": one, "b": [f"-{two}-"]}
    assert slots.values_in(text, filled, ["one", "two"]) == [one, two]


@pytest.mark.parametrize(
    ("text", "filled", "found"),
    [
        ("a <kronos-secret:one> b", "a x\ny b", ["x\ny"]),
        ("a <kronos-secret:one> b", "a x c", None),
        ("a <kronos-secret:two> b", "a x b", None),
        ("a", "a", []),
    ],
)
def test_values_are_found_where_the_text_is_as_it_was_written(text, filled, found):
    assert slots.values_in(text, filled, ["one"]) == found
