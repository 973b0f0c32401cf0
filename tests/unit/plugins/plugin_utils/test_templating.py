# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates in values."""

from __future__ import annotations

from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, is_trusted_as_template, trust_as_template
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Renderer, has_template, here, remembered


def renderer(problems: Problems, vaulted: Any = lambda value: False, **variables: Any) -> Renderer:
    return Renderer(Templar(loader=DataLoader(), variables=variables).template, problems, variables, vaulted)


def test_what_holds_a_template() -> None:
    assert [has_template(text) for text in ("{{ a }}", "{% if a %}", "{# a #}", "{a}", "a", 5, None)] == [
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_rendered_values_keep_their_type_and_are_plain() -> None:
    problems = Problems()
    value = {"a": [trust_as_template("{{ number }}")], "b": trust_as_template("x-{{ number }}"), "c": (1, None)}
    result = renderer(problems, number=5).tree(value, here("v"))
    assert result == {"a": [5], "b": "x-5", "c": [1, None]}
    assert result["b"].__class__ is str
    assert not problems


def test_each_failure_names_its_own_path() -> None:
    problems = Problems()
    value = {"a": [{"b": trust_as_template("{{ numbr }}")}], "c": trust_as_template("{{ 1 / 0 }}")}
    result = renderer(problems, number=5).tree(value, here("v", ("top",)))
    assert result == {"a": [{"b": None}], "c": None}
    texts = sorted(str(problem) for problem in problems)
    assert texts[0].startswith(
        "v: top.a[0].b: found '{{ numbr }}', where 'numbr' is undefined; wanted a defined variable"
    )
    assert texts[0].endswith("did you mean 'number'?")
    assert texts[1].startswith("v: top.c: found '{{ 1 / 0 }}' (")
    assert "division by zero" in texts[1]


def test_text_that_nobody_trusts_stays_text() -> None:
    problems = Problems()
    assert renderer(problems, number=5).tree("{{ number }}", here("v")) == "{{ number }}"
    assert not problems


def test_skipped_paths_stay_as_they_are() -> None:
    value = {"a": trust_as_template("{{ number }}"), "b": trust_as_template("{{ number }}")}
    result = renderer(Problems(), number=5).tree(value, here("v"), lambda path: path == ("a",))
    assert result["a"] == "{{ number }}"
    assert result["b"] == 5


def test_values_from_the_vault_are_refused_unless_the_whole_is_secret() -> None:
    problems = Problems()
    made = renderer(problems, lambda value: value == "hidden", secret="hidden", deep={"x": ["hidden"]})
    value = {"a": trust_as_template("{{ secret }}"), "b": trust_as_template("{{ deep }}")}
    assert made.tree(value, here("v")) == {"a": None, "b": None}
    assert [str(problem) for problem in problems] == [
        f"v: {key}: found a value from the vault; wanted a readable one: secrets belong in kronos_secrets"
        for key in "ab"
    ]
    assert made.tree(value, here("v"), secret=True) == {"a": "hidden", "b": {"x": ["hidden"]}}


def test_the_same_text_is_rendered_once_and_trust_is_looked_at() -> None:
    asked: list[Any] = []

    def template(value: Any) -> Any:
        asked.append(value)
        return "rendered"

    render = remembered(template, is_trusted_as_template)
    trusted = trust_as_template("{{ a }}")
    assert [render(trusted), render(trust_as_template("{{ a }}"))] == ["rendered", "rendered"]
    assert len(asked) == 1
    render("{{ a }}")
    render(5)
    assert len(asked) == 3
