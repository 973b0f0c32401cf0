# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems and their words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import (
    PlanError,
    Problem,
    Problems,
    a_known_key,
    did_you_mean,
    kind_of,
    one_of,
    path_text,
    shown,
)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("routes", 0, "access"), "routes[0].access"),
        ((1,), "[1]"),
        (("reasons", "compose.pid"), 'reasons."compose.pid"'),
        (("environment", 'a"b'), 'environment."a\\"b"'),
        (("a\nb",), '"a\\nb"'),
        (("",), '""'),
    ],
)
def test_path_text(path: tuple[Any, ...], text: str) -> None:
    assert path_text(path) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ("a\nb", "'a\\nb'"),
        ({}, "an empty mapping"),
        ({"a": 1}, "a mapping"),
        ([], "an empty list"),
        ([1, 2], "a list of 2"),
    ],
)
def test_shown(value: Any, text: str) -> None:
    assert shown(value) == text


def test_long_values_are_shortened() -> None:
    assert len(shown("x" * 500)) <= 61


@pytest.mark.parametrize(("value", "kind"), [("x", "text"), ([1], "a list"), ({}, "a mapping"), (1, "a scalar")])
def test_kind_of(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("acces", ["access", "port"], "; did you mean 'access'?"),
        ("kronos_domian", ["kronos_domain"], "; did you mean 'kronos_domain'?"),
        ("radar", ["radarr", "radars"], "; did you mean 'radars' or 'radarr'?"),
        ("rotues", ["routes", "volumes"], "; did you mean 'routes'?"),
        ("zzz", ["access"], ""),
        ("zzz", [], ""),
    ],
)
def test_did_you_mean(name: str, known: list[str], text: str) -> None:
    assert did_you_mean(name, known) == text


def test_lists_of_names() -> None:
    assert one_of(["b", "a"]) == "one of a, b"
    assert one_of([]) == "none (there are none)"
    assert one_of([f"n{number:02}" for number in range(40)], limit=2) == "one of n00, n01 and 38 more"
    assert a_known_key("acces", ["access", "port"]) == "one of access, port; did you mean 'access'?"
    many = [f"key{chr(97 + number)}" for number in range(20)] + ["access"]
    assert a_known_key("acces", many) == "a known key; did you mean 'access'?"


def test_all_are_reported_once_and_sorted() -> None:
    problems = Problems()
    problems.say("b", ("x", 0), "1", "2")
    problems.say("a", "y", "1", "2")
    problems.say("a", "y", "1", "2")
    problems.say("a", (), "1", "2")
    with pytest.raises(PlanError) as caught:
        problems.raise_if_any()
    assert str(caught.value).splitlines() == [
        "3 problems in the input; nothing was changed:",
        "  a: found 1; wanted 2",
        "  a: y: found 1; wanted 2",
        "  b: x[0]: found 1; wanted 2",
    ]
    assert caught.value.problems[0] == Problem("a", "", "1", "2")


def test_nothing_to_report() -> None:
    Problems().raise_if_any()
