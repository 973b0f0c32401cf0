# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of the collection's own files."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.kronos.homelab.plugins.plugin_utils.collection import collection_digest, collection_root


def digest(root: Path) -> str:
    collection_digest.cache_clear()
    return collection_digest(root)


def test_the_root_is_the_collection() -> None:
    assert (collection_root() / "galaxy.yml").is_file() or (collection_root() / "MANIFEST.json").is_file()


def test_it_changes_with_code_and_roles_alone(tmp_path: Path) -> None:
    for name in ("plugins/a.py", "roles/x/tasks/main.yml", "docs/a.md", "tests/a.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text("one")
    first = digest(tmp_path)
    assert len(first) == 64
    (tmp_path / "docs/a.md").write_text("two")
    (tmp_path / "tests/a.py").write_text("two")
    (tmp_path / "plugins/a.pyc").write_text("compiled")
    assert digest(tmp_path) == first
    (tmp_path / "roles/x/tasks/main.yml").write_text("two")
    second = digest(tmp_path)
    assert second != first
    (tmp_path / "plugins/a.py").rename(tmp_path / "plugins/b.py")
    assert digest(tmp_path) not in (first, second)
    collection_digest.cache_clear()
