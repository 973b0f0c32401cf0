# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to happen when files have changed: a check that may still refuse them, then a program that takes them.

A run that was killed between the two leaves files that nobody has taken. The receipt, which is written last, does not
name them then, and the next run makes up for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran, Runner

PATIENCE = 300


@dataclass(frozen=True)
class Hook:
    """For these paths: ``check`` must end with 0 once they are written, then ``run`` makes them count. ``verify`` tells
    in every run whether they do: what it prints, unless it ends with 0, is worth a warning."""

    paths: tuple[str, ...]
    check: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()


def due(
    hooks: Sequence[Hook], change: tree.TreeChange, files: Iterable[tree.Wanted], left: Mapping[str, Any]
) -> list[Hook]:
    """The hooks of files that change now, or that a killed run left untaken. Pure."""
    noted = left.get("files") or {}
    touched = {*change.creates, *change.updates, *change.removes}
    for file in files:
        if (noted.get(file.path) or {}).get("sha256") != receipts.sha256(file.content):
            touched.add(file.path)
    return [hook for hook in hooks if touched.intersection(hook.paths)]


def diff_of(hooks: Iterable[Hook], change: tree.TreeChange) -> list[dict[str, str]]:
    """One entry for each hook whose files are in place already."""
    touched = {*change.creates, *change.updates, *change.removes}
    owed = [hook for hook in hooks if hook.run and not touched.intersection(hook.paths)]
    headers = [" ".join(hook.run) for hook in owed]
    return [{"before_header": each, "after_header": each, "before": "", "after": "run again\n"} for each in headers]


def take(hooks: Iterable[Hook], present: Mapping[str, tree.Present], run: Runner) -> None:
    """Check and run each hook; files that a check refuses are put back as they were, and nothing takes them."""
    for hook in hooks:
        if hook.check:
            answer = run(list(hook.check), timeout=PATIENCE)
            if answer.code:
                _put_back(hook, present)
                raise KronosError(
                    f"{hook.check[0]} refuses {', '.join(hook.paths)}, which are as before: {_said(answer)}"
                )
    for hook in hooks:
        if hook.run:
            answer = run(list(hook.run), timeout=PATIENCE)
            if answer.code:
                raise KronosError(f"{' '.join(hook.run)}: {_said(answer)}")


def warnings(hooks: Iterable[Hook], run: Runner) -> list[str]:
    """What is in files that stand, and yet does not count."""
    asked = [(hook, run(list(hook.verify), timeout=PATIENCE)) for hook in hooks if hook.verify]
    return [f"{', '.join(hook.paths)}: {_said(answer)}" for hook, answer in asked if answer.code]


def _put_back(hook: Hook, present: Mapping[str, tree.Present]) -> None:
    for path in hook.paths:
        old = present.get(path)
        if old is None:
            continue
        if old.kind == "file" and old.content is not None:
            atomic.write_file(path, old.content, mode=old.mode, uid=old.uid, gid=old.gid)
        elif old.kind == "absent" and os.path.lexists(path):
            os.unlink(path)


def _said(answer: Ran) -> str:
    lines = [line.strip() for line in (answer.err.strip() or answer.out).splitlines() if line.strip()]
    return " | ".join(lines[-3:]) or f"exit code {answer.code}"
