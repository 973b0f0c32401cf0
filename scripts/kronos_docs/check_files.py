# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of files: every one says its licence, in itself or through REUSE.toml."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import tomllib

TAG = "SPDX-License-Identifier: GPL-3.0-or-later"
HEAD_BYTES = 2000  # a shebang, a title or a marker may come first
EXEMPT = ("LICENSE", "REUSE.toml")


def header_problems(root: Path) -> Iterator[str]:
    """Files without a licence header; those that cannot carry one are listed in REUSE.toml."""
    patterns = [*EXEMPT, *reuse_patterns(root / "REUSE.toml")]
    for name in project_files(root):
        path = root / name
        if any(fnmatchcase(name, pattern) for pattern in patterns) or not path.is_file() or not path.stat().st_size:
            continue
        with path.open("rb") as stream:
            if TAG.encode() not in stream.read(HEAD_BYTES):
                yield f"{name}: no line {TAG}"


def reuse_patterns(path: Path) -> list[str]:
    """Path patterns that REUSE.toml annotates (https://reuse.software/spec-3.3/); ``*`` crosses folders here."""
    if not path.is_file():
        return []
    annotations = tomllib.loads(path.read_text("utf-8")).get("annotations", [])
    found: list[str] = []
    for annotation in annotations:
        paths = annotation["path"]
        found += [paths] if isinstance(paths, str) else paths
    return [pattern.replace("**/", "*").replace("**", "*") for pattern in found]


def project_files(root: Path) -> list[str]:
    """Files that git tracks or would track."""
    words = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    found = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return sorted(set(filter(None, found.split("\0"))))
