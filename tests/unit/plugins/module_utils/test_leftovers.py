# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import leftovers

DEAD = 2**22 + 1  # above the kernel's highest process id


@pytest.mark.parametrize(
    ("name", "goes"),
    [
        (f".config.yml.kronos-{DEAD}", True),
        (f".config.yml.kronos-{os.getpid()}", False),
        (f"config.yml.kronos-{DEAD}", False),
        (".config.yml.kronos-", False),
        (".config.yml", False),
    ],
    # no process id in names: the workers of a parallel run have one each
    ids=["dead", "alive", "another name", "no number", "whole"],
)
@pytest.mark.parametrize("place", ["ours", "ours/media/files/web", "shared"])
def test_files_of_writers_that_are_gone(tmp_path, name, goes, place):
    path = tmp_path / place / name
    path.parent.mkdir(parents=True)
    path.write_text("half")
    assert leftovers.sweep([str(tmp_path / "ours")], [str(tmp_path / "shared")]) == ([str(path)] if goes else [])
    assert path.exists() is not goes


def test_a_version_that_was_being_kept(tmp_path):
    half, kept = tmp_path / "media" / "generations" / ".new-4", tmp_path / "media" / "generations" / "3"
    failed = tmp_path / "media" / ".new-failed"
    for folder in (half, kept, failed):
        folder.mkdir(parents=True)
        (folder / f".compose.yml.kronos-{DEAD}").write_text("half")
    assert sorted(leftovers.sweep([str(tmp_path)], [])) == [str(failed), str(half)]
    assert os.listdir(kept.parent) == ["3"]


def test_below_folders_of_others_nothing_is_looked_at(tmp_path):
    deep = tmp_path / "certs.d" / f".ca.crt.kronos-{DEAD}"
    deep.parent.mkdir()
    deep.write_text("half")
    assert leftovers.sweep([str(tmp_path / "missing")], [str(tmp_path), str(tmp_path / "missing")]) == []
