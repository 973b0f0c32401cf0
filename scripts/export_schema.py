# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/schema/*.json from the models; with --check only tells whether they are current."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.kronos.homelab.plugins.plugin_utils.schema import EXPORTS, as_text  # noqa: E402


def main(arguments: list[str]) -> int:
    """Return 0 when every file is (or was made) current, else 1."""
    stale = []
    for name, schema in EXPORTS.items():
        path, text = ROOT / "docs" / "schema" / name, as_text(schema())
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")
    if stale and "--check" in arguments:
        print(f"not current: {', '.join(stale)}; run scripts/export_schema.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
