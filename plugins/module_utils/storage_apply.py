# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out the change of the shares, one share's trouble never being another's."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, explain
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import is_same
from ansible_collections.kronos.homelab.plugins.module_utils.storage_device import make
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import Share
from ansible_collections.kronos.homelab.plugins.module_utils.storage_plan import Change, folders_now
from ansible_collections.kronos.homelab.plugins.module_utils.storage_present import (
    RECEIPT,
    Outside,
    Present,
    read_present,
    stands,
)
from ansible_collections.kronos.homelab.plugins.module_utils.storage_units import (
    automount_unit,
    device_of,
    escape,
    files_of,
    is_automount,
    mount_unit,
    on_unit,
)

GRACE = 15  # beyond a unit's own timeout
DUE_WHAT = "a share that is not wanted any more is still mounted, since it was in use"


@dataclass
class Outcome:
    """What came of a change: problems by share (those that were known, and new ones), and diffs of late folders.

    ``stuck``: paths that could not be unmounted.
    """

    problems: dict[str, str] = field(default_factory=dict)
    diff: list[dict[str, str]] = field(default_factory=list)
    stuck: set[str] = field(default_factory=set)


def apply(change: Change, shares: Sequence[Share], outside: Outside) -> Outcome:
    """Carry out *change*. Raises OSError where a file cannot be written: then nothing has been mounted yet."""
    outcome = Outcome(dict(change.problems))
    _unmount(change, shares, outside, outcome)
    change = _without(outcome.stuck, change, shares)
    if change.disable:
        _must(outside, ["disable", *change.disable])
    for share, device in change.make:
        _try(share, outcome, lambda share=share, device=device: make(share, device, outside.run))
    tree.apply(change.files)
    if change.reload:
        _must(outside, ["daemon-reload"])
    if change.enable:
        _must(outside, ["enable", *change.enable])
    _make_folders(change, [one for one in shares if not one.mounted], outside, outcome)
    for share in change.mount:
        if share.name not in outcome.problems:
            _try(share, outcome, lambda share=share: _mount(share, outside))
    for share in change.remount:
        _try(share, outcome, lambda share=share: _remount(share, outside))
    _make_folders(change, [one for one in shares if one.mounted], outside, outcome)
    return outcome


def _unmount(change: Change, shares: Sequence[Share], outside: Outside, outcome: Outcome) -> None:
    """Leave the mount points, and note which of them somebody still works in."""
    names = {share.path: share.name for share in shares}
    for path in change.unmount:
        note = change.noted[path]
        try:
            _leave(path, note, outside)
        except KronosError as error:
            outcome.stuck.add(path)
            outcome.problems[names.get(path) or f"{note['name']} (not wanted any more)"] = str(error)


def _leave(path: str, note: Mapping[str, Any], outside: Outside) -> None:
    """Unmount one; the kernel's list, not systemctl, tells whether that was done."""
    done = outside.run(["systemctl", "stop", f"{escape(path)}.mount"], timeout=120)
    if is_same(note["type"], note["source"], path, outside.mounts()):
        said = " | ".join((done.err or done.out).strip().splitlines()[:1]) or f"exit code {done.code}"
        raise KronosError(f"is still mounted at {path}: {said}; `fuser -vm {path}` tells who uses it, run again later")
    if is_automount(note):  # only now: it takes along whatever is mounted over it, in use or not
        _must(outside, ["stop", str(note["on"])])


def _without(stuck: set[str], change: Change, shares: Sequence[Share]) -> Change:
    """The change for everything but the paths that are still mounted: what belongs to them stays as it is."""
    held = {file for path in stuck for file in change.noted[path]["files"]}
    held |= {file.path for share in shares if share.path in stuck for file in files_of(share)}
    on = {str(change.noted[path]["on"]) for path in stuck}
    new = {on_unit(share) for share in shares if share.path in stuck}
    files = replace(
        change.files,
        files=tuple(file for file in change.files.files if file.path not in held),
        absent=tuple(path for path in change.files.absent if path not in held),
    )
    return replace(
        change,
        files=files,
        disable=tuple(name for name in change.disable if name not in on),
        enable=tuple(name for name in change.enable if name not in new),
        make=tuple((share, device) for share, device in change.make if share.path not in stuck),
    )


def left_of(shares: Sequence[Share], change: Change, outcome: Outcome, present: Present) -> dict[str, Any]:
    """What the receipt says of the shares that stand, and of those that are to be: their files are ours either way."""
    refused = {name for name in change.problems if name not in {one.name for one in change.mount}}
    old_files, old_shares = present.left.get("files") or {}, present.left.get("shares") or {}
    files: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    directories: list[tree.WantedDirectory] = []
    for share in shares:
        if share.mounted:
            stands_not = share.name in refused and share.name not in present.standing
            if share.path in outcome.stuck or (stands_not and share.path in old_shares):
                kept[share.path] = old_shares[share.path]
                files.update({path: old_files[path] for path in old_shares[share.path]["files"] if path in old_files})
                continue
            kept[share.path] = {**_note(share), **_folders_of(share, outcome, present)}
            noted = tree.receipt_of(files_of(share), [])["files"]
            if share in change.remount and share.name in outcome.problems:
                noted = _as_before(noted, old_files)
            files.update(noted)
            continue
        stated = [tree.WantedDirectory(one.path, one.mode, one.uid, one.gid) for one in share.folders if one.stated]
        directories += [tree.WantedDirectory(share.path, share.mode, share.uid, share.gid), *stated]
    stuck = {path: change.noted[path] for path in outcome.stuck if path not in kept}
    for path, note in {**change.keep, **stuck}.items():
        kept[path] = note
        files.update({each: old_files[each] for each in note["files"] if each in old_files})
    left = {**tree.receipt_of([], directories), "files": files, "shares": kept}
    dormant = {on_unit(share) for share in shares if _is_dormant(share, change, present)}
    left["units"] = {note["on"]: "active" for note in kept.values() if note["on"] not in dormant}
    if change.keep or outcome.stuck:
        left.update(due=0, due_what=DUE_WHAT)
    return left


def _as_before(noted: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The share's files as far as systemd goes by them; what it did not take is tried again by the next run."""
    return {path: {**each, "sha256": (old.get(path) or {}).get("sha256", "")} for path, each in noted.items()}


def write_receipt(left: Mapping[str, Any], outside: Outside) -> None:
    """Keep it."""
    receipts.write(*RECEIPT, receipts.digest(left), dict(left), root=outside.receipts)


def _is_dormant(share: Share, change: Change, present: Present) -> bool:
    """Whether the automount of a share begins at the next boot: systemd starts none over what is mounted."""
    begun = share in change.mount or present.states.get(on_unit(share), ("", ""))[1] == "active"
    return share.mounted and share.automount and not begun


def _note(share: Share) -> dict[str, Any]:
    return {
        "name": share.name,
        "type": share.type,
        "source": device_of(share.source) if share.on_device else share.source,
        "on": on_unit(share),
        "files": [file.path for file in files_of(share)],
        "warn_below": share.warn_below,
    }


def _folders_of(share: Share, outcome: Outcome, present: Present) -> dict[str, Any]:
    """Its folders, and in ``seen`` those that only this share has, as far as they were there once."""
    if share.name not in outcome.problems:
        seen = sorted(one.path for one in share.folders if not one.stated)
        return {"folders": share.layout, "seen": seen}
    before = (present.left.get("shares") or {}).get(share.path) or {}
    return {"folders": before.get("folders"), "seen": list(before.get("seen") or ())}


def _mount(share: Share, outside: Outside) -> None:
    """Start its unit, within its own time, and see that it stands."""
    names = [automount_unit(share), mount_unit(share)] if share.automount else [mount_unit(share)]
    outside.run(["systemctl", "reset-failed", *names], timeout=30)
    done = outside.run(["systemctl", "start", *names], timeout=share.timeout * 2 + GRACE)
    if stands(share, outside.mounts()):
        return
    if done.endless:
        raise KronosError(f"could not be mounted at {share.path} within {share.timeout} s")
    raise KronosError(f"could not be mounted at {share.path}: {_why(share, outside)}")


def _remount(share: Share, outside: Outside) -> None:
    """Take new options without taking the share from anybody."""
    if outside.run(["systemctl", "reload", mount_unit(share)], timeout=share.timeout + GRACE).code:
        why = _why(share, outside)
        raise KronosError(f"does not take its new options while it is mounted ({why}); unmount it, and run again")


def _why(share: Share, outside: Outside) -> str:
    """The last words of the mount program, from the journal of its unit."""
    asked = ["journalctl", "--no-pager", "--output=cat", "--lines=8", f"--unit={mount_unit(share)}"]
    lines = [line.strip() for line in outside.run(asked, timeout=30).out.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("mount", "Mount process", "fsck"))] or lines[-2:]
    return " | ".join(told[-2:]) or "the journal does not say why"


def _make_folders(change: Change, shares: Sequence[Share], outside: Outside, outcome: Outcome) -> None:
    """Those that were foreseen, and those of shares that could not be looked into before; each share by itself."""
    wanted = {one.path: one for one in change.folders.directories}
    late = {one.name for one in change.later}
    fresh = read_present([one for one in shares if one.name in late], outside) if late else Present()
    for share in shares:
        if share.name in outcome.problems:
            continue
        if share.name in late:
            trees, lost = folders_now(share, fresh)
            if lost:
                outcome.problems[share.name] = lost
            outcome.diff += trees.diff
            folders: Iterable[tree.WantedDirectory] = trees.directories
        else:
            own = {share.path, *(one.path for one in share.folders)}
            folders = [one for path, one in wanted.items() if path in own]
        _try(share, outcome, lambda folders=folders: tree.apply(tree.TreeChange(directories=tuple(folders))))


def _try(share: Share, outcome: Outcome, work: Any) -> None:
    try:
        work()
    except KronosError as error:
        outcome.problems[share.name] = str(error)
    except OSError as error:
        hint = ""
        if share.type == "nfs" and error.errno in (errno.EPERM, errno.EACCES):
            hint = "; the server does not let root of this host do that (root_squash): make the folders there"
        outcome.problems[share.name] = explain(error) + hint


def _must(outside: Outside, words: Sequence[str]) -> None:
    done = outside.run(["systemctl", *words], timeout=120)
    if done.code and not re.search("not loaded|does not exist", done.err):
        said = " | ".join((done.err or done.out).strip().splitlines()[-2:]) or f"exit code {done.code}"
        raise KronosError(f"systemctl {' '.join(words)}: {said}")
