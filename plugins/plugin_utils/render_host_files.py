# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the base system, each with what must happen when it changes: lists of (path, content, mode, hook).

All are files of our own beside the distribution's, so that a package never asks which of two versions to keep.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

File = tuple[str, str, str, dict[str, list[str]]]


def _service(verb: str, unit: str) -> list[str]:
    """Tell a service, where there is one."""
    return ["sh", "-c", f"! systemctl cat {unit} >/dev/null 2>&1 || systemctl {verb} {unit}"]


HEAD = "# Written by kronos.homelab: changes are lost.\n"
SSHD = "/etc/ssh/sshd_config.d/10-kronos.conf"
TIMESYNCD = "/etc/systemd/timesyncd.conf.d/90-kronos.conf"
CHRONY = "/etc/chrony/sources.d/kronos.sources"
JOURNALD = "/etc/systemd/journald.conf.d/90-kronos.conf"

_RELOAD_SSHD = _service("try-reload-or-restart", "ssh.service")
_RESTART_TIMESYNCD = _service("try-restart", "systemd-timesyncd.service")
_RELOAD_CHRONY = _service("try-reload-or-restart", "chrony.service")
_RESTART_JOURNALD = _service("restart", "systemd-journald.service")

# What makes it count that a file is gone. Kernel settings stay until the next boot: nobody knows what they were.
LEAVING: dict[str, list[str]] = {
    SSHD: _RELOAD_SSHD,
    TIMESYNCD: _RESTART_TIMESYNCD,
    CHRONY: _RELOAD_CHRONY,
    JOURNALD: _RESTART_JOURNALD,
}
# Says which lines are not in force: sshd takes the first one it reads, and reads the folder only where it is told to.
# It knows "prohibit-password" by its old name too.
_IN_FORCE = r"""command -v sshd >/dev/null || exit 0
now=$(sshd -T | sed s/without-password/prohibit-password/) || exit 0
missing=
for line; do printf '%s\n' "$now" | grep -Fqix -- "$line" || missing="$missing, $line"; done
[ -z "$missing" ] && exit 0
echo "not in force:${missing#,}; a file that is read before says otherwise, or sshd_config has no Include"
exit 1"""

# https://docs.kernel.org/admin-guide/sysctl/ — for a host of containers: forwarding stays on, and return paths are
# checked loosely, since an answer may leave by another interface than the question came in.
SYSCTL: dict[str, str | int] = {
    "fs.inotify.max_user_instances": 1024,
    "fs.inotify.max_user_watches": 524288,
    "fs.protected_fifos": 2,
    "fs.protected_hardlinks": 1,
    "fs.protected_regular": 2,
    "fs.protected_symlinks": 1,
    "kernel.dmesg_restrict": 1,
    "kernel.kptr_restrict": 1,
    "kernel.panic": 10,
    "kernel.unprivileged_bpf_disabled": 1,
    "kernel.yama.ptrace_scope": 1,
    "net.core.bpf_jit_harden": 1,
    "net.core.somaxconn": 4096,
    "net.ipv4.conf.all.accept_redirects": 0,
    "net.ipv4.conf.all.accept_source_route": 0,
    "net.ipv4.conf.all.rp_filter": 2,
    "net.ipv4.conf.all.secure_redirects": 0,
    # A link sends redirects where it or "all" may, so that each has to be told.
    "net.ipv4.conf.*.send_redirects": 0,
    "net.ipv4.conf.default.rp_filter": 2,
    "net.ipv4.icmp_echo_ignore_broadcasts": 1,
    "net.ipv4.ip_forward": 1,
    "net.ipv4.tcp_syncookies": 1,
    "net.ipv6.conf.all.accept_redirects": 0,
    "net.ipv6.conf.all.accept_source_route": 0,
    "vm.max_map_count": 262144,
    "vm.swappiness": 10,
}
# A host that forwards ignores router advertisements unless told not to, and would lose its own address. "all" does not
# reach the links that are there, and "default" would reach our VLANs, whose addresses are stated: so by the names that
# real links and their bridges have.
SYSCTL_IPV6: dict[str, str | int] = {
    "net.ipv6.conf.all.forwarding": 1,
    **{f"net.ipv6.conf.{links}.accept_ra": 2 for links in ("bond*", "br[0-9]*", "e*", "vmbr*", "w*")},
}


def ntp(provider: str, servers: Sequence[str]) -> list[File]:
    """Time servers of the user's; without any, what the distribution brings. Who is not there reads no file of his."""
    if not servers or provider == "none":
        return []
    chrony = HEAD + "".join(f"server {server} iburst\n" for server in servers)
    timesyncd = f"{HEAD}[Time]\nNTP={' '.join(servers)}\n"
    files: list[File] = [
        (TIMESYNCD, timesyncd, "0644", {"run": _RESTART_TIMESYNCD}),
        (CHRONY, chrony, "0644", {"run": _RELOAD_CHRONY}),
    ]
    alone = {"timesyncd": files[:1], "chrony": files[1:]}
    return alone.get(provider, files)


def sudo(admin: Mapping[str, Any]) -> list[File]:
    """Whether the administrator is asked for a password."""
    if not admin.get("passwordless"):
        return []
    path = "/etc/sudoers.d/90-kronos"
    return [(path, f"{HEAD}{admin['name']} ALL=(ALL:ALL) NOPASSWD: ALL\n", "0440", {"check": ["visudo", "-cf", path]})]


def ssh(admin: Mapping[str, Any], keys: Mapping[str, Any]) -> list[File]:
    """How to get in. A way is closed only where another one has proven to work.

    Passwords: once Ansible itself has logged in with a key, and the administrator (if there is one) too. Root: once
    the administrator has, and not while Ansible logs in as root; then at least not with a password.
    """
    proven, login = set(keys.get("proven") or ()), keys.get("login") or "root"
    people = {login, admin["name"]} if admin else {login}
    lines = [
        "X11Forwarding no",
        "AllowAgentForwarding no",
        "PermitEmptyPasswords no",
        "LoginGraceTime 30",
        "ClientAliveInterval 120",
        "ClientAliveCountMax 3",
    ]
    if login != "root" and admin and admin["name"] in proven - {"root"}:
        lines.append("PermitRootLogin no")
    elif "root" in proven or login in proven - {"root"}:
        lines.append("PermitRootLogin prohibit-password")
    if people <= proven:
        lines += ["PasswordAuthentication no", "KbdInteractiveAuthentication no"]
    text = HEAD + "".join(f"{line}\n" for line in lines)
    hook = {
        "check": ["sh", "-c", "! command -v sshd >/dev/null || { mkdir -p /run/sshd && sshd -t; }"],
        "run": _RELOAD_SSHD,
        "verify": ["sh", "-c", _IN_FORCE, "sshd", *lines],
    }
    return [(SSHD, text, "0644", hook)]


def upgrades(reboot: bool, time: str) -> list[File]:
    """Security updates by themselves, and a reboot at a stated time where one asks for it."""
    periodic = (
        'APT::Periodic::Update-Package-Lists "1";\n'
        'APT::Periodic::Unattended-Upgrade "1";\n'
        'APT::Periodic::AutocleanInterval "7";\n'
    )
    rules = (
        f'Unattended-Upgrade::Automatic-Reboot "{"true" if reboot else "false"}";\n'
        'Unattended-Upgrade::Automatic-Reboot-WithUsers "true";\n'
        f'Unattended-Upgrade::Automatic-Reboot-Time "{time}";\n'
        'Unattended-Upgrade::Remove-Unused-Kernel-Packages "true";\n'
        'Unattended-Upgrade::SyslogEnable "true";\n'
    )
    check = {"check": ["apt-config", "dump"]}
    comment = HEAD.replace("#", "//")
    return [("/etc/apt/apt.conf.d/90kronos-upgrades", f"{comment}{periodic}{rules}", "0644", check)]


def sysctl(further: Mapping[str, Any], ipv6: bool) -> list[File]:
    """Kernel settings; those of the user win."""
    path = "/etc/sysctl.d/90-kronos.conf"
    merged = {**SYSCTL, **(SYSCTL_IPV6 if ipv6 else {}), **further}
    text = HEAD + "".join(f"{key} = {value}\n" for key, value in sorted(merged.items()) if value is not None)
    # --ignore: not every kernel has every key
    return [(path, text, "0644", {"run": ["sysctl", "--quiet", "--ignore", "--load", path]})]


def journal(size: str, days: int) -> list[File]:
    """Bounds of the journal, in which the containers' logs lie too."""
    text = f"{HEAD}[Journal]\nStorage=persistent\nSystemMaxUse={size}\nMaxRetentionSec={days}day\n"
    return [(JOURNALD, text, "0644", {"run": _RESTART_JOURNALD})]


def mebibytes(size: str) -> int:
    """The number of MiB in a size such as 512M or 2G; raises ValueError for another text."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([MGT])", size)
    number = int(float(found[1]) * {"M": 1, "G": 1024, "T": 1048576}[found[2]]) if found else 0
    if not number:
        raise ValueError(size)
    return number
