# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own files: where they are, and a digest that changes with them."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

# What decides over the host: code, records, tasks, templates. Tests and documents do not.
PARTS = ("plugins", "roles", "playbooks")


def collection_root() -> Path:
    """The folder of this collection, in a checkout as well as installed."""
    return Path(__file__).resolve().parents[2]


@functools.lru_cache(maxsize=4)
def collection_digest(root: Path) -> str:
    """sha256 over the paths and contents of the files that decide over a host."""
    digest = hashlib.sha256()
    for part in PARTS:
        for path in sorted((root / part).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                content = hashlib.sha256(path.read_bytes()).digest()
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()
