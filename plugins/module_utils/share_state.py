# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the shares that receipts name still stand and answer, and what the mount guard holds back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.share_look import (
    Look,
    Mount,
    Question,
    is_same,
    look_all,
    read_mounts,
    waits,
)

GUARD_STATE = "/run/kronos-guard/state.json"


def look(
    noted: Iterable[Mapping[str, Mapping[str, Any]]],
    mounts: Callable[[], list[Mount]] = read_mounts,
    ask: Callable[[Mapping[str, Question]], Mapping[str, Look]] = look_all,
) -> tuple[dict[str, str], list[str], list[str]]:
    """({mount point: what is wrong}, mount points that nobody may touch, what is nearly full), of all receipts' shares.

    Comes back in bounded time.
    """
    shares = {path: share for each in noted for path, share in each.items()}
    if not shares:
        return {}, [], []
    there = mounts()
    waiting = {path for path in shares if waits(path, there)}
    standing = {path for path, share in shares.items() if is_same(share["type"], share["source"], path, there)}
    looks = ask({path: Question(path) for path in standing})
    sick = {path: one.error for path, one in looks.items() if one.error}
    names = {path: f"share {share['name']}" for path, share in shares.items()}
    resting = {path for path in waiting if str(shares[path].get("on")).endswith(".automount")}
    gone = {*shares} - standing - resting
    lost = {path: f"{name}: is not mounted at {path}" for path, name in names.items() if path in gone}
    lost.update({path: f"{names[path]}: is mounted at {path}, but {error}" for path, error in sick.items()})
    low = {path: one.low(int(shares[path].get("warn_below") or 0)) for path, one in sorted(looks.items())}
    return lost, sorted({*sick, *waiting}), [f"{names[path]}: {words}" for path, words in low.items() if words]


def without(left: Mapping[str, Any], hung: Iterable[str]) -> Mapping[str, Any]:
    """A receipt without what lies on shares that hang: looking at it would never end."""
    tops = tuple(f"{path}/" for path in hung)
    if not tops:
        return left
    kept = dict(left)
    for key in ("files", "directories", "mounts"):
        kept[key] = {path: value for path, value in (left.get(key) or {}).items() if not f"{path}/".startswith(tops)}
    return kept


def read_held(path: str = "") -> dict[str, str]:
    """Container → share, of the containers that the mount guard has stopped."""
    try:
        with open(path or GUARD_STATE, encoding="utf-8") as stream:
            held = json.load(stream)["held"]
        return {str(name): str(share) for name, share in held.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
