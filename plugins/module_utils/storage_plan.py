# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change that leads from the present of the shares to what is wanted. Pure.

Check mode, diff and the real run all come from the one Change made here. A share that something is wrong with is a
problem of its own; the others are mounted all the same.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.storage_device import Device, judge
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import Folder, Share
from ansible_collections.kronos.homelab.plugins.module_utils.storage_present import Present
from ansible_collections.kronos.homelab.plugins.module_utils.storage_units import (
    files_of,
    is_automount,
    mount_unit,
    on_unit,
)


@dataclass(frozen=True)
class Change:
    """Everything that has to happen, in this order; ``problems``: what cannot be done, by share.

    ``noted``: what the last receipt says of the paths to unmount, where it may be an automount that is taken away.
    """

    unmount: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    make: tuple[tuple[Share, Device], ...] = ()
    files: tree.TreeChange = field(default_factory=tree.TreeChange)
    reload: bool = False
    enable: tuple[str, ...] = ()
    mount: tuple[Share, ...] = ()
    remount: tuple[Share, ...] = ()
    folders: tree.TreeChange = field(default_factory=tree.TreeChange)
    later: tuple[Share, ...] = ()
    keep: Mapping[str, Any] = field(default_factory=dict)
    noted: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    diff: tuple[dict[str, str], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        steps = (self.unmount, self.disable, self.make, self.reload, self.enable, self.mount, self.remount)
        return any(steps) or self.files.changed or self.folders.changed


def make_change(shares: Sequence[Share], present: Present, safe_mode: bool) -> Change:
    """The change for *shares*; raises KronosError where something of another kind is in a file's place."""
    refused = {one.name: why for one in shares if (why := _refusal(one, present, safe_mode))}
    plain = {folder.path for one in shares if not one.mounted for folder in one.folders}
    absent = {one.name: why for one in shares if (why := _absence(one, present, safe_mode, plain))}
    able = [one for one in shares if one.name not in refused]
    mount = [one for one in able if one.mounted and one.name not in present.standing and one.name not in absent]
    noted = present.left.get("shares") or {}
    moving = [one.path for one in mount if one.name in present.foreign or _drops_automount(one, present)]
    gone, keep, warnings = _leaving(shares, present, refused)
    files = _files(able, present, [*gone, *keep], refused, shares)
    changed = {*files.creates, *files.updates}
    owed = [one for one in able if any(_owed(file, changed, present) for file in files_of(one))]
    touched = [one for one in able if one in owed or any(file.path in changed for file in files_of(one))]
    make = [(one, present.devices[one.name]) for one in mount if _makes(one, present, safe_mode)]
    lost = _lost(able, present)
    folders = _folders([one for one in able if one.name not in lost], present, {one.name for one, _device in make})
    there = [path for path in gone if path in present.ours or path in present.waiting]
    other = [str(noted[one.path]["on"]) for one in able if one.path in noted and one.mounted]
    change = Change(
        unmount=(*moving, *there),
        disable=(*(str(note["on"]) for note in gone.values()), *(on for on in other if on not in map(on_unit, able))),
        make=tuple(make),
        files=files,
        reload=bool(files.changed or owed),
        enable=tuple(on_unit(one) for one in able if one.mounted and present.states[on_unit(one)][0] != "enabled"),
        mount=tuple(mount),
        remount=tuple(one for one in touched if one.name in present.standing and one.path not in present.waiting),
        folders=folders,
        later=tuple(one for one in mount if one.folders and not _foreseen(one, present, make)),
        keep=keep,
        noted={path: noted[path] for path in (*moving, *there)},
        problems={**lost, **absent, **refused, **_silent(able, present)},
        warnings=(*warnings, *_listed(shares, present), *_low(able, present)),
    )
    return _with_diff(change, owed, present)


def _refusal(share: Share, present: Present, safe_mode: bool) -> str:
    """Why nothing at all may be done for a share; empty where it may."""
    if not share.mounted or share.name in present.standing:
        return ""
    other = present.foreign.get(share.name)
    if other is not None:
        return _refuse_move(share, other, present, safe_mode)
    if share.on_device:
        verdict = judge(share, present.devices[share.name], safe_mode)
        if verdict.refusal:
            return verdict.refusal
    count = present.hidden.get(share.name, 0)
    if count and safe_mode:
        entries = "an entry" if count == 1 else f"{count} entries"
        return (
            f"storage_safe_mode: would have mounted over {share.path}, which holds {entries} that nobody could see any "
            f"more; move that away, or set storage_safe_mode: false"
        )
    return ""


def _refuse_move(share: Share, other: str, present: Present, safe_mode: bool) -> str:
    if share.path not in present.ours:
        return f"{other} is mounted at {share.path}, and not by us: unmount it first"
    users = present.users.get(share.path) or ()
    if users:
        return f"{other} is mounted at {share.path} and in use by {', '.join(users)}: stop them first"
    if safe_mode:
        would = f"would have unmounted {other} from {share.path} and mounted {share.source} there"
        return f"storage_safe_mode: {would}; storage_safe_mode: false does it"
    return ""


def _absence(share: Share, present: Present, safe_mode: bool, plain: Container[str]) -> str:
    """Why a share cannot be mounted now, though it is to be as soon as it can; empty where it can."""
    if not share.mounted or share.name in present.standing:
        return ""
    if share.on_device and (absent := judge(share, present.devices[share.name], safe_mode).absent):
        return absent
    if share.name in present.away:
        return f"{present.away[share.name]}; nothing is mounted at {share.path}"
    if share.name in present.missing and share.source not in plain:
        return f"its source {share.source}: {present.missing[share.name]}; nothing is mounted at {share.path}"
    return ""


def _drops_automount(share: Share, present: Present) -> bool:
    """Whether an automount of ours waits where the share is to be mounted at once."""
    note = (present.left.get("shares") or {}).get(share.path) or {}
    return share.path in present.waiting and not share.automount and is_automount(note)


def _makes(share: Share, present: Present, safe_mode: bool) -> bool:
    return share.on_device and judge(share, present.devices[share.name], safe_mode).make


def _silent(shares: Iterable[Share], present: Present) -> dict[str, str]:
    """Shares that are mounted and do not answer."""
    looks = {one.name: present.looks[one.name] for one in shares if one.name in present.looks}
    return {name: f"is mounted, but {look.error}" for name, look in looks.items() if look.error}


def _lost(shares: Iterable[Share], present: Present) -> dict[str, str]:
    """Shares without a folder that an earlier run found there.

    To make it anew would start services on what is perhaps another disk, or an empty one.
    """
    found = {}
    for share in shares:
        note = (present.left.get("shares") or {}).get(share.path) or {}
        seen = set(note.get("seen") or ()) if note.get("name") == share.name else set()
        gone = [one.path for one in share.folders if one.path in seen and present.folders.get(one.path) == tree.ABSENT]
        if gone:
            found[share.name] = (
                f"{gone[0]}, which an earlier run found there, is gone: is it the right share? Where that is meant, "
                f"make the folder by hand"
            )
    return found


def _low(shares: Iterable[Share], present: Present) -> list[str]:
    looked = [(one, present.looks[one.name]) for one in shares if one.name in present.looks]
    return [f"share {one.name}: {low}" for one, look in looked if (low := look.low(one.warn_below))]


def _listed(shares: Iterable[Share], present: Present) -> list[str]:
    """Shares that something else mounts as well; from which of the two a boot has them is nobody's guess."""
    return [
        f"share {one.name}: {one.path} is also in /etc/fstab: remove that line, since `mount -a` goes by it and this "
        f"share by a unit of systemd"
        for one in shares
        if one.path in present.listed
    ]


def _leaving(
    shares: Sequence[Share], present: Present, refused: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Shares of the last receipt that are wanted no more: those that go, those that stay since they are in use."""
    wanted = {one.path for one in shares if one.mounted}
    old = {path: note for path, note in (present.left.get("shares") or {}).items() if path not in wanted}
    keep = {path: note for path, note in old.items() if present.users.get(path)}
    warnings = [
        f"share {note['name']} is not wanted any more, but in use by {', '.join(present.users[path])}: it stays "
        f"mounted at {path} until a run finds it unused"
        for path, note in sorted(keep.items())
    ]
    return {path: note for path, note in sorted(old.items()) if path not in keep}, keep, warnings


def _files(
    able: Sequence[Share],
    present: Present,
    old: Iterable[str],
    refused: Mapping[str, str],
    shares: Sequence[Share],
) -> tree.TreeChange:
    """Unit files and logins: those of shares that may be touched; those of no share any more go."""
    wanted = [file for one in able for file in files_of(one)]
    kept = present.left.get("shares") or {}
    spared = {path for one in shares if one.name in refused for path in (kept.get(one.path) or {}).get("files") or ()}
    spared |= {path for place in old if present.users.get(place) for path in kept[place].get("files") or ()}
    paths = {file.path for file in wanted}
    gone = sorted(path for path in present.left.get("files") or {} if path not in paths and path not in spared)
    return tree.plan_tree(wanted, [], gone, present.files)


def _owed(file: tree.Wanted, changed: set[str], present: Present) -> bool:
    """Whether a run wrote the file and was killed before systemd went by it."""
    noted = (present.left.get("files") or {}).get(file.path) or {}
    return file.path not in changed and noted.get("sha256") != receipts.sha256(file.content)


def _foreseen(share: Share, present: Present, make: Sequence[tuple[Share, Device]]) -> bool:
    """Whether it is known before it is mounted which folders it lacks."""
    return share in [one for one, _device in make] or all(one.path in present.folders for one in share.folders)


def _folders(shares: Sequence[Share], present: Present, empty: set[str]) -> tree.TreeChange:
    """Folders of shares that can be looked into now, or that are about to be made empty."""
    wanted: list[tree.WantedDirectory] = []
    seen: dict[str, tree.Present] = {}
    for share in shares:
        own = [] if share.mounted else [Folder(share.path, share.uid, share.gid, share.mode)]
        for folder in [*own, *share.folders]:
            found = tree.ABSENT if share.name in empty else present.folders.get(folder.path)
            if found is None or (found.kind == "directory" and not (folder.stated and share.type != "cifs")):
                continue  # cannot be known yet, or its owner is its own affair
            wanted.append(tree.WantedDirectory(folder.path, folder.mode, folder.uid, folder.gid))
            seen[folder.path] = found
    return tree.plan_tree([], wanted, [], seen)


def folders_now(share: Share, present: Present) -> tuple[tree.TreeChange, str]:
    """The folders that a share lacks, once it is mounted and could be looked into; or why none may be made."""
    lost = _lost([share], present).get(share.name, "")
    return (tree.TreeChange() if lost else _folders([share], present, set())), lost


def _with_diff(change: Change, owed: Sequence[Share], present: Present) -> Change:
    diff: list[dict[str, str]] = []
    for path in change.unmount:
        before = "at the first access" if path in present.waiting else "yes"
        diff.append(_entry(path, f"mounted: {before}\n", "mounted: no\n"))
    for share, device in change.make:
        diff.append(_entry(device.path, "empty\n", f"file system: {share.filesystem}\n"))
    diff += change.files.diff
    told = {file.path for file in change.files.files}
    for share in owed:
        for path in sorted({file.path for file in files_of(share)} - told):
            diff.append(_entry(path, "", "read again by systemd\n"))
    for name in change.enable:
        diff.append(_entry(name, f"enabled: {present.states[name][0]}\n", "enabled: enabled\n"))
    for share in change.mount:
        diff.append(_entry(share.path, "mounted: no\n", f"mounted: {share.source}\n"))
    for share in change.remount:
        diff.append(_entry(share.path, "", f"mounted again, by {mount_unit(share)}\n"))
    diff += change.folders.diff
    return Change(**{**vars(change), "diff": tuple(diff)})


def _entry(header: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": header, "after_header": header, "before": before, "after": after}
