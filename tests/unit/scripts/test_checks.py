# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation checks find what they are there for."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import generate_docs
import pytest
from kronos_docs import check_files, check_plugins, check_roles
from kronos_docs.collection import Collection, DocsError
from kronos_docs.pages import BEGIN, END, role_readmes

DOC = {"name": {"type": "str", "required": True, "description": "x"}}
SPEC = {"name": {"type": "str", "required": True}}


def option(**said: Any) -> dict[str, Any]:
    return {"name": {**SPEC["name"], **said}}


@pytest.mark.parametrize(
    ("documented", "spec", "found"),
    [
        (DOC, SPEC, []),
        (DOC, {}, ["option name is documented but not accepted"]),
        ({}, SPEC, ["option name is accepted but not documented"]),
        (DOC, option(type="int"), ["option name: type is 'str' in the documentation, 'int' in the code"]),
        (DOC, option(required=False), ["option name: required is True in the documentation, False in the code"]),
        (DOC, option(default="a"), ["option name: default is '(none)' in the documentation, 'a' in the code"]),
        (DOC, option(choices=["a"]), ["option name: choices is [] in the documentation, ['a'] in the code"]),
        (DOC, option(aliases=["n"]), ["option name: aliases is [] in the documentation, ['n'] in the code"]),
        (DOC, option(options={"id": {}}), ["option name.id is accepted but not documented"]),
        ({"a": {"suboptions": {"b": {"type": "int"}}}}, {"a": {"options": {"b": {"type": "int"}}}}, []),
        ({"a": {"choices": {"x": "why"}}}, {"a": {"choices": ["x"]}}, []),
    ],
)
def test_options_agree(documented: dict[str, Any], spec: dict[str, Any], found: list[str]) -> None:
    assert list(check_plugins.spec_problems("m", documented, spec)) == [f"m: {line}" for line in found]


GOOD = {
    "doc": {
        "short_description": "s",
        "description": ["d"],
        "author": ["a"],
        "attributes": {key: {} for key in check_plugins.ATTRIBUTES},
    },
    "examples": "- kronos.homelab.x:",
    "return": {"a": {}},
}


@pytest.mark.parametrize(
    ("kind", "entry", "found"),
    [
        ("module", GOOD, []),
        ("module", {"error": "no\nway"}, ["no way"]),
        ("module", {**GOOD, "return": None}, ["no RETURN documentation"]),
        ("module", {**GOOD, "examples": "\n"}, ["no EXAMPLES"]),
        ("module", {**GOOD, "examples": "- copy:"}, ["EXAMPLES never use kronos.homelab.x"]),
        ("module", {**GOOD, "doc": {**GOOD["doc"], "author": []}}, ["DOCUMENTATION has no author"]),
        (
            "module",
            {**GOOD, "doc": {**GOOD["doc"], "attributes": {}}},
            [f"attributes has no {a}" for a in check_plugins.ATTRIBUTES],
        ),
        ("filter", {**GOOD, "doc": {**GOOD["doc"], "attributes": {}}}, []),
        ("callback", {"doc": GOOD["doc"]}, []),
    ],
)
def test_entries_are_complete(kind: str, entry: dict[str, Any], found: list[str]) -> None:
    assert list(check_plugins.entry_problems(kind, "x", entry)) == [f"{kind} x: {line}" for line in found]


def test_broken_examples_are_named() -> None:
    (problem,) = check_plugins.example_problems("m", "kronos.homelab.x", "kronos.homelab.x: [")
    assert problem.startswith("m: EXAMPLES are no YAML: ")


def test_arguments_are_taken_from_the_module_itself() -> None:
    module = Collection(Path(__file__).resolve().parents[3]).load("modules.units")
    arguments = check_plugins.module_arguments(module)
    assert arguments["supports_check_mode"] is True
    assert {"name", "units"} <= set(arguments["argument_spec"])


@pytest.mark.parametrize(
    ("options", "defaults", "found"),
    [
        ({"web_a": {"type": "int", "default": 1}}, {"web_a": 1}, []),
        ({"web_a": {"required": True}}, {}, []),
        ({"kronos_plan": {"required": True}, "kronos_lan": {}}, {}, []),
        (
            {"web_a": {"default": "said in words"}},
            {"web_a": "{{ web_b }}", "web_b": 1},
            ["web_b is in defaults/main.yml but not in"],
        ),
        ({"web_a": {"default": [{"x": "in words"}]}}, {"web_a": [{"x": "{% if y %}{% endif %}"}]}, []),
        ({"web_a": {"default": 2}}, {"web_a": 1}, ["option web_a: default 2 in the spec, 1 in"]),
        ({"web_a": {}}, {}, ["option web_a is described, but has no default"]),
        ({"web_a": {"required": True}}, {"web_a": 1}, ["option web_a is required, yet"]),
        ({"kronos_lam": {}}, {}, ["kronos_lam is no collection-wide setting"]),
        ({"port": {}}, {}, ["option port starts with neither web_ nor kronos_"]),
        (
            {"port": {}},
            {"port": 1},
            ["port in defaults/main.yml does not start with web_", "option port starts with neither"],
        ),
    ],
)
def test_role_variables(options: dict[str, Any], defaults: dict[str, Any], found: list[str]) -> None:
    settings = frozenset({"kronos_plan", "kronos_lan"})
    problems = list(check_roles.role_problems("web", options, defaults, settings))
    assert len(problems) == len(found)
    for problem, start in zip(problems, found):
        assert problem.startswith(f"roles/web: {start}")


def test_described_options() -> None:
    options = {"a": {"type": "list", "description": "x", "options": {"b": {"type": "str"}}}}
    found = list(check_roles.described("r", options))
    assert found == ["r: option a is a list without elements", "r: option a.b has no description"]


def test_licence_headers(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "REUSE.toml").write_text('[[annotations]]\npath = ["**/*.json", "data/**"]\n')
    (tmp_path / ".gitignore").write_text(f"# {check_files.TAG}\nignored\n")
    for name in ("deep/a.json", "b.json", "data/deep/c", "empty.py", "ignored", "bad.py", "good.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text({"empty.py": "", "good.py": f"#!/bin/sh\n# {check_files.TAG}\n"}.get(name, "x"))
    assert list(check_files.header_problems(tmp_path)) == [f"bad.py: no line {check_files.TAG}"]


@pytest.fixture
def small(tmp_path: Path) -> Collection:
    """A checkout with one role."""
    spec = tmp_path / "roles/web/meta/argument_specs.yml"
    spec.parent.mkdir(parents=True)
    spec.write_text(
        "argument_specs: {main: {short_description: A page, options: {web_port: {type: int, description: P.}}}}"
    )
    return Collection(tmp_path)


def test_role_readme_keeps_what_people_wrote(small: Collection) -> None:
    pages = role_readmes(small)
    assert generate_docs.stale(small, pages) == ["roles/web/README.md"]
    generate_docs.write(small, pages, list(pages))
    assert generate_docs.stale(small, role_readmes(small)) == []
    path = small.root / "roles/web/README.md"
    path.write_text(path.read_text().replace(BEGIN, f"By hand.\n\n{BEGIN}") + "\nMore by hand.\n")
    text = role_readmes(small)["roles/web/README.md"]
    assert "By hand." in text
    assert text.endswith("\nMore by hand.\n")
    assert "| `web_port` | int |" in text
    path.write_text(path.read_text().replace(END, ""))
    with pytest.raises(ValueError, match="markers"):
        role_readmes(small)


def test_left_over_pages_are_stale_and_go(small: Collection) -> None:
    old = small.root / "docs/reference/old.md"
    old.parent.mkdir(parents=True)
    old.write_text("x")
    assert generate_docs.stale(small, {}) == ["docs/reference/old.md"]
    generate_docs.write(small, {}, ["docs/reference/old.md"])
    assert not old.exists()


def test_unreadable_spec_is_said_with_its_file(small: Collection) -> None:
    (small.root / "roles/web/meta/argument_specs.yml").write_text("a: [")
    with pytest.raises(DocsError, match=r"argument_specs\.yml: .*line 1"):
        small.role_specs("web")
