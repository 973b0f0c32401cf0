# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers: what wins, and who wrote it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.merge import Merged, lay_over, layer_names, without_nulls
from hypothesis import given, settings
from hypothesis import strategies as st

CASES: list[tuple[str, Any, Any, Any]] = [
    ("a mapping merges", {"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
    ("a list replaces", {"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
    ("null deletes", {"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    ("null deletes what is not there", {"b": 2}, {"a": None}, {"b": 2}),
    ("a scalar replaces a mapping", {"a": {"x": 1}}, {"a": 5}, {"a": 5}),
    ("a mapping replaces a scalar", {"a": 5}, {"a": {"x": 1}}, {"a": {"x": 1}}),
    ("nulls in a new mapping are no keys", {}, {"a": {"x": None, "y": {"z": None}}}, {"a": {"y": {}}}),
    ("nulls in lists stay", {}, {"a": [None]}, {"a": [None]}),
    ("an empty mapping changes nothing", {"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}),
    ("an empty list replaces", {"a": [1]}, {"a": []}, {"a": []}),
]


@pytest.mark.parametrize(("below", "above", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_lay_over(below: Any, above: Any, wanted: Any) -> None:
    before = copy.deepcopy((below, above))
    assert lay_over(Merged(below), above, "layer").value == wanted
    assert (below, above) == before


def test_provenance() -> None:
    merged = Merged({"limits": {"memory": "1g", "pids": 5}, "routes": [{"host": "a"}], "image": "x:1"})
    merged = lay_over(merged, {"limits": {"memory": "2g"}, "routes": [{"host": "b"}], "new": {"deep": 1}}, "v_a")
    merged = lay_over(merged, {"limits": {"memory": "3g"}, "image": None}, "v_b")
    assert merged.origin(("limits", "memory")) == "v_b"
    assert merged.origin(("limits", "pids")) is None
    assert merged.origin(("routes", 0, "host")) == "v_a"
    assert merged.origin(("new", "deep")) == "v_a"
    assert merged.origin(("image",)) == "v_b"
    assert merged.origin(("limits",)) == "v_b"
    assert merged.writer(("limits",)) is None
    assert merged.origin(("zone",)) is None


def test_a_later_layer_takes_over_all_below() -> None:
    merged = lay_over(Merged({}), {"a": {"x": 1}}, "v_a")
    merged = lay_over(merged, {"a": {"y": 1}}, "v_b")
    merged = lay_over(merged, {"a": [1]}, "v_c")
    assert merged.origins == {("a",): "v_c"}


def test_layers_are_ordered_by_name() -> None:
    variables = dict.fromkeys(
        [
            "kronos_services_b",
            "kronos_services",
            "kronos_services_a",
            "kronos_services2",
            "kronos_zones",
            "xkronos_services",
        ]
    )
    assert layer_names("kronos_services", variables) == ["kronos_services", "kronos_services_a", "kronos_services_b"]


KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(KEYS, VALUES, max_size=3)


@settings(max_examples=60, deadline=None)
@given(MAPPINGS, MAPPINGS)
def test_merging_the_same_again_changes_nothing(below: dict[str, Any], above: dict[str, Any]) -> None:
    once = lay_over(Merged(without_nulls(below)), above, "v").value
    assert lay_over(Merged(once), above, "v").value == once
    assert without_nulls(once) == once


@settings(max_examples=60, deadline=None)
@given(MAPPINGS, MAPPINGS)
def test_the_order_of_keys_does_not_matter(below: dict[str, Any], above: dict[str, Any]) -> None:
    backwards = {key: above[key] for key in reversed(list(above))}
    one, other = lay_over(Merged(below), above, "v"), lay_over(Merged(below), backwards, "v")
    assert one.value == other.value
    assert one.origins == other.origins


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Path and value of everything in a mapping that is no mapping itself."""
    for key, item in value.items():
        if isinstance(item, dict):
            yield from leaves(item, (*path, key))
        else:
            yield (*path, key), item


def at(value: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path; None where nothing does."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


@settings(max_examples=60, deadline=None)
@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_the_last_word_counts(first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]) -> None:
    said = copy.deepcopy((first, second, third))
    merged = lay_over(lay_over(Merged(without_nulls(first)), second, "v_a"), third, "v_b").value
    assert (first, second, third) == said, "layers are left as they were"
    for path, value in leaves(third):  # null deletes, everything else replaces
        assert at(merged, path) == value
    untouched = {key: value for key, value in second.items() if key not in third}
    for path, value in leaves(untouched):
        assert at(merged, path) == value
    for key in set(without_nulls(first)) - set(second) - set(third):
        assert merged[key] == without_nulls(first)[key]


@settings(max_examples=60, deadline=None)
@given(MAPPINGS, MAPPINGS)
def test_every_changed_value_has_a_writer(below: dict[str, Any], above: dict[str, Any]) -> None:
    base = without_nulls(below)
    merged = lay_over(Merged(base), above, "v")
    for key in {*base, *merged.value}:
        if base.get(key) != merged.value.get(key):
            assert merged.origin((key,)) == "v"
