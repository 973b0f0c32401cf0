# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shares of a plan as the storage module takes them, and the packages that mounting them needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan

PASSED = (
    "type",
    "source",
    "path",
    "uid",
    "gid",
    "mode",
    "options",
    "read_only",
    "filesystem",
    "make_filesystem",
    "version",
    "credentials",
    "automount",
    "timeout",
    "guarded",
    "warn_below",
)
PACKAGES = {"nfs": ["nfs-common"], "cifs": ["cifs-utils"]}
OF_FILESYSTEMS = {
    "ext4": "e2fsprogs",
    "xfs": "xfsprogs",
    "btrfs": "btrfs-progs",
    "vfat": "dosfstools",
    "exfat": "exfatprogs",
    "ntfs3": "ntfs-3g",
}


def storage_shares(plan: Plan) -> list[Data]:
    """Return the shares with all folders that must exist on them, those that services mount included."""
    return [_share(plan, name, share) for name, share in sorted(plan["storage"].items())]


def storage_packages(plan: Plan) -> list[str]:
    """Return the Debian packages that the shares need beside the base system."""
    found: set[str] = set()
    for share in plan["storage"].values():
        found.update(PACKAGES.get(share["type"], ()) if share["mounted"] else ())
        if share["filesystem"]:
            found.add(OF_FILESYSTEMS[share["filesystem"]])
    return sorted(found)


def _share(plan: Plan, name: str, share: Mapping[str, Any]) -> Data:
    """The folders that the share states are kept as stated; what services mount is only made where it is missing."""
    root = str(share["root"])[len(str(share["path"])) :].strip("/")
    stated = [{**folder, "path": f"{root}/{folder['path']}".strip("/")} for folder in share["directories"]]
    known = {folder["path"] for folder in stated}
    needed = {root, *_mounted_folders(plan, share)} - {"", *known} if not share["read_only"] else set()
    made = [{"path": path, "stated": False} for path in needed]
    folders = sorted([*stated, *made], key=lambda folder: str(folder["path"]))
    return {"name": name, **{key: share[key] for key in PASSED}, "directories": folders}


def _mounted_folders(plan: Plan, share: Mapping[str, Any]) -> set[str]:
    """Paths below the share that services mount; those of the host's own disk are made by their stacks."""
    if not share["mounted"]:
        return set()
    top = f"{share['path']}/"
    mounts = [mount for service in plan["services"].values() for mount in service["mounts"]]
    return {m["source"][len(top) :] for m in mounts if m["kind"] == "storage" and m["source"].startswith(top)}
