# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In a container of the tests: looks every 5 ms at all files that containers of ours see, and notes what they hold.

Mounted at /stacks is the folder of all stacks; each new content of a file is one line (JSON) in /log/seen.
"""

from __future__ import annotations

import hashlib
import json
import os
import time

ROOT, LOG = "/stacks", "/log/seen"
SHOWN = ("files", "secrets")


def visible() -> list[str]:
    """Every file that a container of ours can see; programs pass over hidden ones."""
    found = []
    for stack in os.listdir(ROOT):
        for kind in SHOWN:
            for folder, _folders, names in os.walk(os.path.join(ROOT, stack, kind)):
                found += [os.path.join(folder, name) for name in names if not name.startswith(".")]
    return found


def watch() -> None:
    """For ever."""
    known: dict[str, tuple[int, ...]] = {}
    seen: set[tuple[str, str]] = set()
    with open(LOG, "a", encoding="utf-8", buffering=1) as log:
        while True:
            for path in visible():
                try:
                    found = os.stat(path)
                    mark = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
                    if known.get(path) == mark:
                        continue
                    with open(path, "rb") as stream:
                        content = stream.read()
                except OSError:  # removed meanwhile
                    continue
                known[path] = mark
                one = (path, hashlib.sha256(content).hexdigest())
                if one not in seen:
                    seen.add(one)
                    log.write(
                        json.dumps({"path": path[len(ROOT) + 1 :], "sha256": one[1], "size": len(content)}) + "\n"
                    )
            time.sleep(0.005)


if __name__ == "__main__":
    watch()
