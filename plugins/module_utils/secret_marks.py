# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the secrets that the inventory gives are those that the host keeps, without sending any.

The controller sends a mark of each value, keyed with a salt of its own run: it says nothing without the value, and
nothing that could be compared with the mark of another run.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import receipts

RECEIPT = ("secret", "all")


def mark(value: str, salt: str) -> str:
    """HMAC-SHA-256 (hex) of a value."""
    return hmac.new(salt.encode(), value.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def marks(given: Mapping[str, Any], salt: str) -> dict[str, dict[str, str]]:
    """Marks in place of the values of ``{service: {name: value}}``; what is no value is left out."""
    found: dict[str, dict[str, str]] = {}
    for service, named in given.items():
        values = named if isinstance(named, Mapping) else {}
        found[str(service)] = {str(name): mark(str(value), salt) for name, value in values.items() if value is not None}
    return found


def differing(given: Mapping[str, Mapping[str, str]], salt: str, *, root: str = "") -> list[str]:
    """One reason per secret that the last run kept with another value than the marked one. Reads these files."""
    receipt = receipts.read(*RECEIPT, root=root)
    kept: Iterable[str] = (receipt["left"].get("files") or {}) if receipt else ()
    paths = {tuple(path.split(os.sep)[-2:]): path for path in kept}
    reasons = []
    for service, names in sorted(given.items()):
        for name, wanted in sorted(names.items()):
            path = paths.get((service, name))
            value = _read(path) if path else None
            if value is not None and not hmac.compare_digest(mark(value, salt), wanted):
                reasons.append(f"secret {service}/{name}: the inventory gives another value")
    return reasons


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return stream.read()
    except OSError:
        return None
