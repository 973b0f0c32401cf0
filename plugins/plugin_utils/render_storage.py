# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shares of a plan: as the storage module takes them, the packages they need, and who guards them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.share_guard import CONFIG, unit_of
from ansible_collections.kronos.homelab.plugins.module_utils.storage_units import device_of, escape
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_compose import guards_of

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


def storage_guard(plan: Plan) -> Data:
    """Return what the mount guard watches, as {shares, users}: who uses which guarded share, by stack."""
    users: dict[str, dict[str, list[str]]] = {}
    for stack in plan["stack_order"]:
        for name in plan["stacks"][stack]["services"]:
            service = plan["services"][name]
            for share in guards_of(plan, service) if service["kind"] == "service" else ():
                users.setdefault(share, {}).setdefault(stack, []).append(name)
    guarded = {name: share for name, share in sorted(plan["storage"].items()) if share["guarded"]}
    return {
        "shares": {name: _watched(share) for name, share in guarded.items()},
        "users": {name: users.get(name, {}) for name in guarded},
    }


def storage_guard_units(plan: Plan, revision: str = "") -> list[Data]:
    """Return the units of the guard: its watch, and one for each share and stack; none without a guarded share.

    `revision` stands for the guard's program: the watch is restarted when it is another one.
    """
    guard = storage_guard(plan)
    if not guard["shares"]:
        return []
    program = "/usr/bin/python3 /usr/local/lib/kronos/kronos_share_guard.py"
    units = [{"name": "kronos-share-guard.service", "enabled": True, "content": _watch_text(program, revision)}]
    for share, stacks in sorted(guard["users"].items()):
        mount = guard["shares"][share]["unit"]
        for stack in sorted(stacks):
            text = _pair_text(share, stack, mount, program)
            units.append({"name": unit_of(share, stack), "enabled": True, "content": text})
    return units


def _watched(share: Mapping[str, Any]) -> Data:
    source = device_of(share["source"]) if share["type"] == "local" else share["source"]
    unit = f"{escape(share['path'])}.mount"
    return {**{key: share[key] for key in ("type", "path", "root")}, "source": source, "unit": unit}


def _watch_text(program: str, revision: str) -> str:
    return f"""# Program {revision}
[Unit]
Description=Stop the services of a share that goes, and start them when it is back
After=local-fs.target network-online.target docker.service
Wants=network-online.target

[Service]
ExecStart={program} --config {CONFIG} watch
Restart=always
RestartSec=5
RuntimeDirectory=kronos-guard
RuntimeDirectoryMode=0755

[Install]
WantedBy=multi-user.target
"""


def _pair_text(share: str, stack: str, mount: str, program: str) -> str:
    return f"""[Unit]
Description=Services of the stack {stack} that use the share {share}
BindsTo={mount.replace("%", "%%")}
After={mount.replace("%", "%%")} docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={program} --config {CONFIG} start {share} {stack}
ExecStop={program} --config {CONFIG} stop {share} {stack}
TimeoutStartSec=10min
TimeoutStopSec=10min

[Install]
WantedBy={mount.replace("%", "%%")}
"""
