# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order and cycles."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.graph import find_cycles, in_order

CYCLES: list[tuple[dict[str, list[str]], list[list[str]]]] = [
    ({"a": ["b"], "b": []}, []),
    ({"a": ["b"], "b": ["a"]}, [["a", "b", "a"]]),
    ({"a": ["b"], "b": ["c"], "c": ["b"]}, [["b", "c", "b"]]),
    ({"a": ["b", "c"], "b": ["a"], "c": ["a"]}, [["a", "b", "a"]]),
    ({"a": ["b"], "b": ["a"], "x": ["y"], "y": ["x"]}, [["a", "b", "a"], ["x", "y", "x"]]),
    ({"a": ["unknown"]}, []),
    ({}, []),
]


@pytest.mark.parametrize(("edges", "cycles"), CYCLES)
def test_cycles(edges: dict[str, list[str]], cycles: list[list[str]]) -> None:
    assert find_cycles(edges) == cycles


ORDERS: list[tuple[list[str], dict[str, list[str]], list[str]]] = [
    (["b", "a"], {}, ["b", "a"]),
    (["a", "b"], {"a": ["b"]}, ["b", "a"]),
    (["a", "b", "c"], {"a": ["c"], "b": ["a"]}, ["c", "a", "b"]),
    (["a", "b"], {"a": ["b"], "b": ["a"]}, ["a", "b"]),
    (["a", "a"], {"a": ["a", "elsewhere"]}, ["a"]),
]


@pytest.mark.parametrize(("nodes", "edges", "wanted"), ORDERS)
def test_order(nodes: list[str], edges: dict[str, list[str]], wanted: list[str]) -> None:
    assert in_order(nodes, edges) == wanted
