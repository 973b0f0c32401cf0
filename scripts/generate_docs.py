# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/reference and the tables in the roles' READMEs; --check only tells whether they are current."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kronos_docs.collection import Collection, DocsError
from kronos_docs.pages import reference_pages, role_readmes


def stale(collection: Collection, pages: dict[str, str]) -> list[str]:
    """Paths whose text on disk is not the generated one, and pages that nothing generates any more."""
    different = [path for path, text in pages.items() if _on_disk(collection.root / path) != text]
    present = {
        path.relative_to(collection.root).as_posix() for path in (collection.root / "docs/reference").glob("*.md")
    }
    return sorted({*different, *present.difference(pages)})


def _on_disk(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def write(collection: Collection, pages: dict[str, str], paths: list[str]) -> None:
    """Bring these paths on disk to the generated state."""
    for path in paths:
        target = collection.root / path
        if path in pages:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(pages[path], "utf-8")
        else:
            target.unlink()


def main() -> int:
    """Entry point; returns 1 with --check when something is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is not current")
    arguments = parser.parse_args()
    collection = Collection(Path(__file__).resolve().parent.parent)
    try:
        pages = reference_pages(collection) | role_readmes(collection)
    except (DocsError, ImportError, ValueError) as error:
        print(f"generate_docs: {error}", file=sys.stderr)
        return 1
    paths = stale(collection, pages)
    if not arguments.check:
        write(collection, pages, paths)
    for path in paths:
        print(f"{path}: {'not current; run `make docs`' if arguments.check else 'written'}")
    return 1 if arguments.check and paths else 0


if __name__ == "__main__":
    sys.exit(main())
