# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record files: what is read, and what is said about broken ones (more in tests/broken/inventories.yml)."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.template import is_trusted_as_template, trust_as_template
from ansible_collections.kronos.homelab.plugins.plugin_utils.catalogue import load_catalogue, parse_yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems

ROOT = Path(__file__).resolve().parents[4]


def write(root: Path, name: str, text: str | bytes) -> None:
    path = root / "roles" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_records_and_stacks(tmp_path: Path) -> None:
    write(tmp_path, "media/services/tube.yml", "name: tube\nimage: 'x/tube:{{ tag }}'\ndeep: [{a: '{{ b }}'}]\n")
    write(tmp_path, "media/services/pipe.yml", "name: pipe\nimage: x/pipe:1\nstack: plumbing\n")
    write(tmp_path, "media/tasks/main.yml", "- no record\n")
    (tmp_path / "roles" / "empty" / "services").mkdir(parents=True)
    catalogue = load_catalogue(tmp_path, trust_as_template)
    assert not catalogue.problems
    assert {name: record.stack for name, record in catalogue.records.items()} == {"pipe": "plumbing", "tube": "media"}
    assert catalogue.stacks == {"media", "plumbing", "empty"}
    tube = catalogue.records["tube"]
    assert tube.source == "roles/media/services/tube.yml"
    assert is_trusted_as_template(tube.data["image"])
    assert is_trusted_as_template(tube.data["deep"][0]["a"])
    assert tube.data["name"].__class__ is str


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    write(tmp_path, "media/services/tube.yml", b"\xff\xfe\x00")
    (problem,) = load_catalogue(tmp_path).problems
    assert str(problem).startswith("roles/media/services/tube.yml: found ")
    assert problem.wanted == "a readable file in UTF-8"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: [1", "did not find expected"),
        ("a: 1\na: 2\n", "the key 'a' twice at line 2, column 1"),
        ("a: {b: 1, b: 2}", "the key 'b' twice at line 1"),
        ("a: \x07", "character"),
        ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("a: 2026-99-99", "month must be in 1..12"),
        ("? [a]\n: 1", "unhashable key"),
        ("a: *nowhere", "undefined alias"),
        ("a: 1\n---\nb: 2\n", "another document"),
        ("a:\n\t- b", "line 2"),
    ],
)
def test_broken_yaml_becomes_a_problem(text: str, found: str) -> None:
    problems = Problems()
    assert parse_yaml(text, "file.yml", problems) is None
    (problem,) = problems
    assert found in problem.found
    assert problem.wanted.startswith("valid YAML")


def test_merge_keys_and_anchors_are_fine() -> None:
    problems = Problems()
    assert parse_yaml("a: &x {k: 1}\nb: {<<: *x, k: 2}\n", "file.yml", problems) == {"a": {"k": 1}, "b": {"k": 2}}
    assert not problems


def test_the_collection_has_sound_files() -> None:
    catalogue = load_catalogue(ROOT)
    assert not catalogue.problems
    assert {"traefik", "prometheus", "radarr"} <= set(catalogue.records)
