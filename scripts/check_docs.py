# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what is wrong with the documentation, one line each: plugins, roles, generated pages, licence headers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from kronos_docs.check_files import header_problems
from kronos_docs.check_plugins import plugins_problems
from kronos_docs.check_roles import roles_problems
from kronos_docs.collection import Collection, DocsError

# Each of these prints what is stale by itself when called with --check.
GENERATORS = ("generate_docs.py", "export_schema.py")


def problems(collection: Collection) -> Iterator[str]:
    """All problems, in a fixed order."""
    yield from plugins_problems(collection)
    yield from roles_problems(collection)
    yield from header_problems(collection.root)
    for name in GENERATORS:
        yield from generator_problems(collection.root / "scripts" / name)


def generator_problems(script: Path) -> Iterator[str]:
    """What a generator reports as not current."""
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    if done.returncode:
        yield from (done.stdout + done.stderr).strip().splitlines() or [f"{script.name} --check failed"]


def main() -> int:
    """Entry point; returns 1 when there is a problem."""
    count = 0
    try:
        for problem in problems(Collection(Path(__file__).resolve().parent.parent)):
            print(problem)
            count += 1
    except (DocsError, ImportError) as error:
        print(f"check_docs: {error}")
        return 1
    if not count:
        print("documentation: every plugin and role is described, pages are current")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
