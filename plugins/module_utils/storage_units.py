# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systemd units of a share: systemd.mount(5), systemd.automount(5), and the credentials file of mount.cifs(8). Pure.

Units, and not lines of fstab: a file of our own can be written, compared and removed without touching anybody else's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import tree
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import REMOTE, Share
from ansible_collections.kronos.homelab.plugins.module_utils.units import FOLDER

CREDENTIALS = "/etc/kronos/storage"
NO_FSCK = ("xfs", "btrfs", "exfat", "ntfs3")  # they are checked when they are mounted, or by nobody
BY_TAG = {"UUID": "by-uuid", "LABEL": "by-label", "PARTUUID": "by-partuuid", "PARTLABEL": "by-partlabel"}


def escape(path: str) -> str:
    """A path as part of a unit's name, as systemd-escape(1) --path does it."""
    parts = "/".join(part for part in path.split("/") if part)
    if not parts:
        return "-"
    escaped = []
    for index, byte in enumerate(parts.encode("utf-8", "surrogateescape")):
        char = chr(byte)
        if char == "/":
            escaped.append("-")
        elif (char == "." and index) or re.fullmatch(r"[A-Za-z0-9:_]", char):
            escaped.append(char)
        else:
            escaped.append(f"\\x{byte:02x}")
    return "".join(escaped)


def mount_unit(share: Share) -> str:
    """Name of its mount unit."""
    return f"{escape(share.path)}.mount"


def automount_unit(share: Share) -> str:
    """Name of its automount unit."""
    return f"{escape(share.path)}.automount"


def on_unit(share: Share) -> str:
    """The unit that is enabled, so that the share is there after a boot."""
    return automount_unit(share) if share.automount else mount_unit(share)


def is_automount(note: Mapping[str, Any]) -> bool:
    """Whether what a receipt says of a share is that it is mounted at the first access."""
    return str(note.get("on")).endswith(".automount")


def device_of(source: str) -> str:
    """The path that stands for a device: udev's link for UUID=… and its like."""
    tag, equals, value = source.partition("=")
    if not equals or tag not in BY_TAG:
        return source
    safe = re.sub(rb"[^A-Za-z0-9#+.:=@_-]", lambda found: b"\\x%02x" % found[0][0], value.encode())
    return f"/dev/disk/{BY_TAG[tag]}/{safe.decode()}"


def credentials_path(share: Share) -> str:
    """Where its login is kept."""
    return f"{CREDENTIALS}/{share.name}.credentials"


def options_of(share: Share) -> list[str]:
    """Its mount options; what the user states wins over ours."""
    options = ["nofail"]
    if share.type == "bind":
        options.insert(0, "bind")
    if share.type in REMOTE:
        options += ["_netdev", "nosuid", "nodev"]
    if share.read_only:
        options.append("ro")
    stated = {option.split("=")[0] for option in share.options}
    ours = _of_nfs(share) if share.type == "nfs" else _of_cifs(share) if share.type == "cifs" else []
    if stated & {"soft", "softerr"}:
        ours = [option for option in ours if option != "hard"]
    ours = [option for option in ours if option.split("=")[0] not in stated]
    return [*options, *ours, *share.options]


def _of_nfs(share: Share) -> list[str]:
    # `hard`, since a soft mount loses writes; the guard, not the mount, tells that the server is away. `retry=0`:
    # one attempt, since systemd and the guard try again anyway.
    version = [f"vers={share.version}"] if share.version else []
    return [*version, "hard", "retry=0"]


def _of_cifs(share: Share) -> list[str]:
    version = [f"vers={share.version}"] if share.version else []
    login = [f"credentials={credentials_path(share)}"] if share.login else ["guest"]
    rights = [f"uid={share.uid}", f"gid={share.gid}", f"file_mode={share.mode & 0o666:04o}"]
    return [*version, *login, *rights, f"dir_mode={share.mode & 0o777:04o}", "iocharset=utf8"]


def files_of(share: Share) -> list[tree.Wanted]:
    """Every file that the share needs; none for a folder of the host's own disk."""
    if not share.mounted:
        return []
    texts = {mount_unit(share): _mount_text(share)}
    if share.automount:
        texts[automount_unit(share)] = _automount_text(share)
    if share.on_device:
        # Without it a boot, and a run, would wait for an absent disk for 90 s.
        texts[f"{escape(device_of(share.source))}.device.d/50-kronos-{share.name}.conf"] = _text(
            {"Unit": [f"JobRunningTimeoutSec={share.timeout}"]}
        )
    files = [tree.Wanted(f"{FOLDER}/{name}", text.encode(), 0o644) for name, text in sorted(texts.items())]
    if share.login:
        files.insert(0, tree.Wanted(credentials_path(share), _login_text(share).encode(), 0o600, secret=True))
    return files


def _mount_text(share: Share) -> str:
    unit = [f"Description=Share {share.name}"]
    if share.type in REMOTE:
        unit += ["Wants=network-online.target", "After=network-online.target"]
    if share.type == "bind":
        unit.append(f"RequiresMountsFor={_quoted(share.source)}")
    if share.on_device and share.filesystem not in NO_FSCK:
        check = f"systemd-fsck@{escape(device_of(share.source))}.service"
        unit += [f"Requires={_percent(check)}", f"After={_percent(check)}"]
    if not share.guarded:
        unit.append("Before=docker.service")  # nobody else starts the services that use it after it
    what = device_of(share.source) if share.on_device else share.source
    mount = [f"What={_percent(what)}", f"Where={_percent(share.path)}"]
    kind = {"bind": "none", "local": share.filesystem}.get(share.type, share.type)
    if kind:
        mount.append(f"Type={kind}")
    mount += [f"Options={_percent(','.join(options_of(share)))}", f"TimeoutSec={share.timeout}", "DirectoryMode=0755"]
    target = "remote-fs.target" if share.type in REMOTE else "local-fs.target"
    install = {} if share.automount else {"Install": [f"WantedBy={target}"]}
    return _text({"Unit": unit, "Mount": mount, **install})


def _automount_text(share: Share) -> str:
    target = "remote-fs.target" if share.type in REMOTE else "local-fs.target"
    return _text(
        {
            "Unit": [f"Description=Share {share.name}, mounted at the first access"],
            "Automount": [f"Where={_percent(share.path)}", "DirectoryMode=0755"],
            "Install": [f"WantedBy={target}"],
        }
    )


def _login_text(share: Share) -> str:
    if share.login is None:
        return ""
    domain = [f"domain={share.login.domain}"] if share.login.domain else []
    lines: Sequence[str] = [f"username={share.login.user}", f"password={share.login.password}", *domain]
    return "".join(f"{line}\n" for line in lines)


def _text(sections: dict[str, list[str]]) -> str:
    parts = ["[{}]\n{}".format(name, "".join(f"{line}\n" for line in lines)) for name, lines in sections.items()]
    return "# Written by kronos.homelab.storage: changes are lost.\n" + "\n".join(parts)


def _percent(text: str) -> str:
    """A value in which systemd looks for specifiers."""
    return text.replace("%", "%%")


def _quoted(path: str) -> str:
    """A path in a list of paths, as systemd.syntax(7) quotes it."""
    escaped = _percent(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if re.search(r"[\s\"'\\]", path) else escaped
