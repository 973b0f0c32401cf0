# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of our modules that need not be repeated: what was asked for, bound to the receipt that it left.

A whole run is due as soon as one thing differs, and most of its tasks then find nothing to do. `host_check` has just
looked at everything that the receipts name. So where a task asks for what it asked for last time, where nobody has
written its receipt since, and where everything stands as that says, the answer is known without asking the host.

The note is a receipt of the kind ``asked``, named after the one that it is about. ``wanted`` is the digest of that
one; ``left`` is ``{calls: {digest of a call: facts}}``, facts being what of its result holds as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import receipts

KIND = "asked"
STACK = "stack"
# Kinds of receipts on which nothing else rests.
APART = (f"{STACK}--", "pihole--")


def note(call: str, about: tuple[str, str], facts: Mapping[str, Any], *, root: str = "") -> None:
    """Remember that the call with this digest ended well and left the receipt *about* (kind and name)."""
    receipt = receipts.read(*about, root=root)
    if receipt is None:
        return
    of, name = digest_of(receipt), "--".join(about)
    before = receipts.read(KIND, name, root=root)
    calls = before["left"].get("calls") or {} if before and before["wanted"] == of else {}
    receipts.write(KIND, name, of, {"calls": {**calls, call: dict(facts)}}, root=root)


def forget(about: tuple[str, str], *, root: str = "") -> None:
    """Drop what is noted about the receipt *about*, with it."""
    receipts.forget(*about, root=root)
    receipts.forget(KIND, "--".join(about), root=root)


def digest_of(receipt: Mapping[str, Any]) -> str:
    """Digest of a receipt, by which it is told from one that was written later."""
    return receipts.digest([receipt["wanted"], receipt["left"]])


def known_calls(
    kept: Iterable[Mapping[str, Any]], noted: Iterable[Mapping[str, Any]], differing: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Facts by the digest of each call that need not be repeated. Pure.

    *kept*: all receipts; *noted*: those of the kind ``asked``; *differing*: ``kind--name`` of receipts that do not
    hold. What is below the stacks (engine, networks, secrets, certificates) bears on all: where one of those does
    not hold, nothing is known.
    """
    differs = set(differing)
    if any(not name.startswith(APART) for name in differs):
        return {}
    now = {f"{each['kind']}--{each['name']}": digest_of(each) for each in kept}
    return {
        str(call): dict(facts)
        for each in noted
        if each["name"] not in differs and now.get(each["name"]) == each["wanted"]
        for call, facts in ((each["left"] or {}).get("calls") or {}).items()
    }
