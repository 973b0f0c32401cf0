# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells cheaply, without a login, that somebody has changed a Pi-hole: what its own files say.

FTL rewrites ``pihole.toml`` when its configuration changes and only then; comments (a date, which values are changed)
do not count. Of ``gravity.db`` what people enter counts, and not what an update of the lists writes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import urllib.parse
from collections.abc import Mapping

from ansible_collections.kronos.homelab.plugins.module_utils import receipts

CONFIG = "pihole.toml"
DATABASE = "gravity.db"
_ENTERED = (
    'SELECT name, enabled, description FROM "group" ORDER BY name',
    "SELECT type, domain, enabled, comment FROM domainlist ORDER BY type, domain",
    "SELECT type, address, enabled, comment FROM adlist ORDER BY type, address",
    "SELECT ip, comment FROM client ORDER BY ip",
    "SELECT domainlist_id, group_id FROM domainlist_by_group ORDER BY 1, 2",
    "SELECT adlist_id, group_id FROM adlist_by_group ORDER BY 1, 2",
    "SELECT client_id, group_id FROM client_by_group ORDER BY 1, 2",
)


def look(folder: str) -> dict[str, str]:
    """Digests of what the files in *folder* say; of a file that is not there or cannot be read: the empty text."""
    return {"config": _config(os.path.join(folder, CONFIG)), "entries": _entries(os.path.join(folder, DATABASE))}


def reasons(left: Mapping[str, str] | None) -> list[str]:
    """What differs from the marks in a receipt. Without the folder there is no Pi-hole to speak of any more."""
    if not left or not os.path.isdir(left["folder"]):
        return []
    now = look(left["folder"])
    said = {"config": "its configuration was changed", "entries": "its domains, lists, groups or clients were changed"}
    return [f"Pi-hole: {words}" for name, words in said.items() if now[name] != left.get(name)]


def _config(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            lines = [line.split("### CHANGED")[0].strip() for line in stream]
    except OSError:
        return ""
    return receipts.digest([line for line in lines if line and not line.startswith("#")])


def _entries(path: str) -> str:
    if not os.path.isfile(path):
        return ""
    try:
        address = f"file:{urllib.parse.quote(path)}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=5)) as database:
            return receipts.digest([database.execute(query).fetchall() for query in _ENTERED])
    except sqlite3.Error:
        return ""
