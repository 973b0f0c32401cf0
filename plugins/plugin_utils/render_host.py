# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of a host, from the variables of the role `host`: packages, accounts, files with their hooks, units."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import did_you_mean
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_host_files import (
    LEAVING,
    journal,
    mebibytes,
    ntp,
    ssh,
    sudo,
    sysctl,
    upgrades,
)

SETTINGS: Data = {
    "packages": [],
    "timezone": True,
    "locale": "",
    "ntp": "detect",
    "ntp_servers": [],
    "admin": {},
    "ssh": True,
    "upgrades": True,
    "reboot": True,
    "reboot_time": "04:00",
    "sysctl": True,
    "sysctl_settings": {},
    "logs": True,
    "journal_size": "1G",
    "log_days": 30,
    "swap": "none",
    "swap_size": "2G",
    "hardware_tools": False,
    "service_account": True,
}
_ZRAM_DEVICE = "/run/kronos-zram"
# Any of these keeps the clock; apt would throw out the one that is there for another.
CLOCKS = "systemd-timesyncd | chrony | ntpsec | openntpd | ntp"
SERVICE_ACCOUNT = "kronos"


def host_parts(plan: Plan, settings: Mapping[str, Any] | None = None, keys: Mapping[str, Any] | None = None) -> Data:
    """Return {packages, groups, users, files, hooks, units} for these `settings` (variables of the role, unprefixed).

    `keys`: what the accounts module said of logins. Without it nothing is closed that somebody may need.
    """
    unknown = sorted(set(settings or {}) - set(SETTINGS))
    if unknown:
        raise RenderError(f"settings.{unknown[0]}: unknown key{did_you_mean(unknown[0], SETTINGS)}")
    said = {**SETTINGS, **(settings or {})}
    _check(said)
    parts = [part for part in _parts(plan, said, keys or {}) if part]
    return {
        "packages": _packages(said),
        **_accounts(plan, said),
        "files": [{"path": path, "content": text, "mode": mode} for path, text, mode, _hook in parts],
        "hooks": [*({"paths": [path], **hook} for path, _text, _mode, hook in parts if hook), *_leaving(parts)],
        "units": _units(said),
    }


def _check(said: Data) -> None:
    """Raise RenderError for a text that would end in a file which its reader refuses or, worse, reads otherwise."""
    if not re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", str(said["reboot_time"])):
        raise RenderError(f'settings.reboot_time: {said["reboot_time"]!r}: a quoted time is wanted, such as "04:00"')
    try:
        mebibytes(str(said["swap_size"]))
    except ValueError:
        raise RenderError(f"settings.swap_size: {said['swap_size']!r}: a size such as 512M or 2G is wanted") from None


def _leaving(parts: Sequence[tuple[str, str, str, Data]]) -> list[Data]:
    """What has to happen where a file of an earlier run goes, since its part was switched off."""
    kept = {path for path, _text, _mode, _hook in parts}
    return [{"paths": [path], "run": run} for path, run in LEAVING.items() if path not in kept]


def _parts(plan: Plan, said: Data, keys: Mapping[str, Any]) -> list[tuple[str, str, str, Data]]:
    """(path, content, mode, hook) of every file."""
    found = ntp(said["ntp"], said["ntp_servers"])
    if said["admin"]:
        found += sudo(said["admin"])
    if said["ssh"]:
        found += ssh(said["admin"], keys)
    if said["upgrades"]:
        found += upgrades(said["reboot"], said["reboot_time"])
    if said["sysctl"]:
        found += sysctl(said["sysctl_settings"], plan["settings"]["ipv6"])
    if said["logs"]:
        found += journal(said["journal_size"], said["log_days"])
    return found


def _packages(said: Data) -> list[str]:
    wanted = list(said["packages"])
    rules = {
        "locales": bool(said["locale"]) and not said["locale"].startswith("C."),
        "tzdata": said["timezone"],
        "sudo": bool(said["admin"]),
        "unattended-upgrades": said["upgrades"],
        "smartmontools": said["hardware_tools"],
        "lm-sensors": said["hardware_tools"],
        CLOCKS: said["ntp"] == "detect",
        "systemd-timesyncd": said["ntp"] == "timesyncd",
        "chrony": said["ntp"] == "chrony",
    }
    return list(dict.fromkeys([*wanted, *(name for name, holds in rules.items() if holds)]))


def _accounts(plan: Plan, said: Data) -> Data:
    """The administrator, and who owns the data of the services."""
    settings, groups, users = plan["settings"], [], []
    if said["service_account"]:
        groups.append({"name": SERVICE_ACCOUNT, "gid": settings["gid"]})
        users.append(
            {
                "name": SERVICE_ACCOUNT,
                "uid": settings["uid"],
                "group": str(settings["gid"]),
                "system": True,
                "home": settings["data_dir"],
                "shell": "/usr/sbin/nologin",
            }
        )
    admin = said["admin"]
    if admin:
        users.append(
            {
                "name": admin["name"],
                "groups": list(admin.get("groups") or ["sudo"]),
                "shell": admin.get("shell") or "/bin/bash",
                "keys": list(admin.get("keys") or []),
                "types_password": not admin.get("passwordless"),
            }
        )
    return {"groups": groups, "users": users}


def _units(said: Data) -> list[Data]:
    units = []
    if said["logs"]:
        units += _log_units(int(said["log_days"]))
    if said["swap"] == "file":
        units += _swap_units(str(said["swap_size"]))
    if said["swap"] == "zram":
        units += _zram_units(mebibytes(str(said["swap_size"])))
    return units


def _log_units(days: int) -> list[Data]:
    """What logrotate has turned away and nobody fetches; the journal keeps its own bounds."""
    # Backslashes are doubled for systemd.
    turned = r"-regextype posix-extended -regex .*\\.(gz|xz|zst|bz2|old|[0-9]{1,3})"
    service = f"""[Unit]
Description=Remove rotated logs that are older than {days} days

[Service]
Type=oneshot
Nice=19
IOSchedulingClass=idle
ExecStart=/usr/bin/find /var/log -xdev -type f -not -path /var/log/journal/* {turned} -mtime +{days} -delete
"""
    timer = """[Unit]
Description=Clean up logs every night

[Timer]
OnCalendar=03:30
RandomizedDelaySec=15min
Persistent=true

[Install]
WantedBy=timers.target
"""
    return [
        {"name": "kronos-log-cleanup.service", "content": service, "enabled": False},
        {"name": "kronos-log-cleanup.timer", "content": timer, "enabled": True},
    ]


def _swap_units(size: str) -> list[Data]:
    """A swap file of this size, made before it is used for the first time; one that is there is left as it is."""
    made = f"fallocate -l {size} /swapfile.new && mkswap /swapfile.new"
    maker = f"""[Unit]
Description=Make the swap file
ConditionPathExists=!/swapfile
DefaultDependencies=no
After=systemd-remount-fs.service
Before=swapfile.swap

[Service]
Type=oneshot
RemainAfterExit=yes
UMask=0077
ExecStart=/bin/sh -c '{made} && mv /swapfile.new /swapfile || {{ rm -f /swapfile.new; exit 1; }}'
"""
    swap = """[Unit]
Description=Swap file
Requires=kronos-swapfile.service
After=kronos-swapfile.service

[Swap]
What=/swapfile
Priority=10

[Install]
WantedBy=swap.target
"""
    return [
        {"name": "kronos-swapfile.service", "content": maker, "enabled": False},
        {"name": "swapfile.swap", "content": swap, "enabled": True},
    ]


def _zram_units(most: int) -> list[Data]:
    """Compressed swap in memory, of half of it, at *most* of so many MiB.

    Not by systemd-zram-generator: its package comes with swap of half the memory of its own, which would stay when ours
    is switched off, and a device that udev looks at while it is reset cannot be set up again. Here each start takes a
    free device, and a reset is tried again: zramctl(8).
    """
    service = f"""[Unit]
Description=Compressed swap in memory
DefaultDependencies=no
After=systemd-modules-load.service
Before=swap.target umount.target
Conflicts=umount.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=/sbin/modprobe zram
ExecStart=/bin/sh -ec '\\
  read -r _ memory _ < /proc/meminfo; size=$$((memory / 2048)); [ $$size -lt {most} ] || size={most}; \\
  device=$$(zramctl --find --size $${{size}}M --algorithm zstd || zramctl --find --size $${{size}}M); \\
  echo $$device > {_ZRAM_DEVICE}; mkswap --label kronos $$device; swapon --priority 100 $$device'
ExecStopPost=/bin/sh -c 'device=$$(cat {_ZRAM_DEVICE}) || exit 0; rm {_ZRAM_DEVICE}; swapoff $$device; \\
  for _try in 1 2 3 4 5; do zramctl --reset $$device && exit 0; sleep 1; done; exit 1'

[Install]
WantedBy=swap.target
"""
    return [{"name": "kronos-zram.service", "content": service, "enabled": True}]
