# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's key of the fingerprints of secrets, one line of hexadecimal digits in a file of root's."""

from __future__ import annotations

import contextlib
import os
import secrets

from ansible_collections.kronos.homelab.plugins.module_utils import atomic

NAME = "fingerprint.key"
LEAST = 16


def read(path: str) -> bytes | None:
    """The key; None where there is none that can be used."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        with open(path, encoding="ascii") as stream:
            key = bytes.fromhex(stream.read().strip())
        if len(key) >= LEAST:
            return key
    return None


def fresh() -> bytes:
    """A new key."""
    return secrets.token_bytes(32)


def write(path: str, key: bytes, *, uid: int, gid: int) -> None:
    """Keep *key*, for its owner alone."""
    if not os.path.isdir(os.path.dirname(path)):
        atomic.ensure_dir(os.path.dirname(path), mode=0o700, uid=uid, gid=gid)
    atomic.write_file(path, key.hex().encode() + b"\n", mode=0o600, uid=uid, gid=gid)
