# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One entry of kronos_storage: where large data lies, and how it gets onto the host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.model import (
    AbsolutePath,
    Id,
    Key,
    Line,
    RelativePath,
    Strict,
    matching,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Path, shown
from pydantic import AfterValidator, Field

REMOTE = ("nfs", "cifs")
# Where the secrets of shares lie in kronos_secrets and on the host: {storage: {<name>: value}}.
SECRETS_OF_SHARES = "storage"
# A share there would hide what the host itself needs.
SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "tmp", "usr")
OURS = ("/opt/kronos", "/var/lib/kronos", "/var/lib/docker")
# Said by keys of the share, or always.
OPTION_KEYS = {
    "ro": "read_only: true",
    "rw": "read_only: false",
    "nofail": "nothing: every share may be absent at boot",
    "_netdev": "nothing: it is set for every share of the network",
    "bind": "type: bind",
    "rbind": "type: bind",
}
SECRET_OPTIONS = ("password", "pass", "username", "user", "domain", "credentials", "cred")
TAG = re.compile(r"(UUID|PARTUUID)=[A-Za-z0-9-]+|(LABEL|PARTLABEL)=(?!\.+$)[^/]+")
DEVICE = re.compile(r"/dev/[A-Za-z0-9_.:+@=/-]+")
NFS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):/[^,]*")
CIFS = re.compile(r"//[A-Za-z0-9][A-Za-z0-9._-]*/[^,/][^,]*")
A_DEVICE = "a device: UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or /dev/…; a folder of the host's own disk is path alone"
SOURCES = {
    "local": ("a device such as UUID=…, or path alone for a folder of the host's own disk", A_DEVICE),
    "bind": ("a source: the folder to show elsewhere", "an absolute path of a folder"),
    "nfs": ("a source: server:/export", "server:/export"),
    "cifs": ("a source: //server/share", "//server/share"),
}
Say = Iterator[tuple[Path, str, str]]

FileMode = Annotated[str, AfterValidator(matching(r"[0-7]{3,4}", 'octal digits in quotes, such as "2775"'))]


class ShareFolder(Strict):
    """A folder below a share."""

    uid: Id | None = Field(None, description="User id that owns it; default: that of the share.")
    gid: Id | None = Field(None, description="Group id; default: that of the share.")
    mode: FileMode | None = Field(None, description="Mode in octal digits; default: that of the share.")


class Credentials(Strict):
    """How to log in to a cifs server."""

    user: Annotated[Line, Field(pattern=r"^\S+$")] = Field(description="User of the server.")
    secret: Key = Field(description="Name of its password in kronos_secrets.storage.")
    domain: Annotated[Line, Field(pattern=r"^\S+$")] | None = Field(None, description="Domain or workgroup.")


class Share(Strict):
    """A place where large data lies."""

    type: Literal["local", "bind", "nfs", "cifs"] = Field(
        description="local: the host's own disk or a device; bind: a folder shown elsewhere; nfs, cifs: a server's."
    )
    source: Line | None = Field(
        None, description="Device (UUID=…, LABEL=…, /dev/…), folder, server:/export or //server/share."
    )
    path: AbsolutePath | None = Field(
        None, description="Where it is on this host; default: /mnt/<name>, for bind the source itself."
    )
    folder: RelativePath | None = Field(
        None,
        description="The folder of a mounted share that services see as its root. Nothing but the share has it, "
        "so that no service can start on an empty mount point.",
    )
    directories: dict[RelativePath, ShareFolder] = Field(
        default_factory=dict, description="Folders that must exist, below the folder that services see."
    )
    uid: Id | None = Field(None, description="User id that owns its folders; default: kronos_uid.")
    gid: Id | None = Field(None, description="Group id of its folders; default: kronos_gid.")
    mode: FileMode = Field("2775", description="Mode of its folders in octal digits.")
    options: list[Line] = Field(default_factory=list, description="Further mount options, one each.")
    read_only: bool = Field(False, description="Mount it read-only.")
    filesystem: Literal["ext4", "xfs", "btrfs", "vfat", "exfat", "ntfs3"] | None = Field(
        None, description="File system of a device; default: what is found on it."
    )
    make_filesystem: bool = Field(
        False, description="Consent to making the file system where the device is empty; storage_safe_mode forbids it."
    )
    version: Annotated[Line, Field(pattern=r"^[0-9](\.[0-9]{1,2}){0,2}$")] | None = Field(
        None, description="Version of the protocol; default: what both sides agree on."
    )
    credentials: Credentials | None = Field(None, description="Login of a cifs share; without it: as a guest.")
    automount: bool = Field(False, description="Mount it at the first access instead of at boot.")
    timeout: int = Field(30, ge=5, le=600, description="Seconds until a server or device counts as absent.")
    guard: bool = Field(True, description="Stop the services that use it while it is away, and start them afterwards.")
    warn_below: int = Field(5, ge=0, le=99, description="Per cent of free space or inodes below which a run warns.")

    def place(self, name: str) -> str:
        """Where it is on the host."""
        if self.path:
            return self.path
        return self.source if self.type == "bind" and self.source else f"/mnt/{name}"

    def mounted(self, name: str) -> bool:
        """Whether something has to be mounted; else it is a folder of the host's own disk."""
        return self.source is not None and (self.type != "bind" or self.source != self.place(name))

    def entry(self, name: str, uid: int, gid: int) -> dict[str, Any]:
        """The plan's entry; *uid* and *gid* own what says nothing else."""
        path, mounted = self.place(name), self.mounted(name)
        owner = {"uid": uid if self.uid is None else self.uid, "gid": gid if self.gid is None else self.gid}
        said = {"mode": self.mode, **owner}
        kept = ("type", "options", "read_only", "filesystem", "make_filesystem", "version", "automount", "timeout")
        return {
            **{key: getattr(self, key) for key in kept},
            "source": self.source or path,
            "path": path,
            "root": f"{path}/{self.folder}" if self.folder else path,
            "mounted": mounted,
            "guarded": mounted and self.guard,
            "credentials": self.credentials.model_dump() if self.credentials else None,
            "warn_below": self.warn_below,
            **said,
            "directories": [
                {"path": below, **said, **folder.model_dump(exclude_none=True)}
                for below, folder in sorted(self.directories.items())
            ],
        }


def mistakes(name: str, share: Share) -> Say:
    """What is wrong with one share beyond the kinds of its values: (key path, found, wanted)."""
    yield from _about_source(share)
    yield from _about_place(name, share)
    yield from _about_keys(name, share)
    yield from _about_options(share)


def _about_source(share: Share) -> Say:
    missing, wanted = SOURCES[share.type]
    if share.source is None:
        if share.type != "local" or share.path is None:
            yield ("source",), "nothing", missing
        return
    sound = {
        "local": TAG.fullmatch(share.source) or DEVICE.fullmatch(share.source),
        "bind": share.source.startswith("/") and ".." not in share.source.split("/"),
        "nfs": NFS.fullmatch(share.source),
        "cifs": CIFS.fullmatch(share.source),
    }
    if not sound[share.type] or ".." in share.source.split("/"):
        yield ("source",), shown(share.source), wanted


def _about_place(name: str, share: Share) -> Say:
    place = share.place(name)
    first = place.split("/")[1] if place.startswith("/") else ""
    if not first or first in SYSTEM or any(f"{place}/".startswith(f"{ours}/") for ours in OURS):
        yield ("path",) if share.path else ("source",), shown(place), f"a folder of its own, such as /mnt/{name}"
    elif share.type == "bind" and share.source and f"{share.source}/".startswith(f"{place}/") and share.mounted(name):
        yield ("path",), shown(place), f"a folder that does not hold the source {share.source}"


def _about_keys(name: str, share: Share) -> Say:
    device = share.type == "local" and share.source is not None
    rules = [
        ("filesystem", share.filesystem, device, "only beside a device"),
        ("make_filesystem", share.make_filesystem, device, "only beside a device"),
        ("version", share.version, share.type in REMOTE, "only for nfs and cifs"),
        ("credentials", share.credentials, share.type == "cifs", "only for cifs"),
        ("automount", share.automount, share.mounted(name), "only for what is mounted"),
        ("folder", share.folder, share.mounted(name), "only for what is mounted; directories makes folders"),
    ]
    for key, value, fits, wanted in rules:
        if value and not fits:
            shows = "it" if key == "credentials" else shown(value)
            yield (key,), f"{shows} for {share.type}", wanted
    if device and share.make_filesystem:
        if share.filesystem is None:
            yield ("filesystem",), "nothing beside make_filesystem", "the file system to make"
        if share.source and share.source.startswith(("UUID=", "LABEL=")):
            wanted = "/dev/disk/by-id/…, since an empty device has neither UUID nor label"
            yield ("source",), f"{shown(share.source)} beside make_filesystem", wanted


def _about_options(share: Share) -> Say:
    for index, option in enumerate(share.options):
        where, word = ("options", index), option.split("=")[0]
        if "," in option or " " in option or not option:
            yield where, shown(option), "one option each, without blanks"
        elif option in OPTION_KEYS:
            yield where, shown(option), OPTION_KEYS[option]
        elif word in SECRET_OPTIONS and share.type in REMOTE:
            yield where, f"the option {word}", "credentials with a secret: options are no secret"
        elif word in ("vers", "nfsvers"):
            yield where, shown(option), "the key version"


def doubles(shares: dict[str, Share]) -> Iterator[tuple[str, Path, str, str]]:
    """Mistakes between shares: (name, key path, found, wanted)."""
    places: dict[str, str] = {}
    devices: dict[str, str] = {}
    for name, share in sorted(shares.items()):
        place = share.place(name)
        if place in places:
            key = "path" if share.path else "source"
            yield name, (key,), f"{place}, which is the place of {places[place]} too", "a folder of its own"
        places.setdefault(place, name)
        if share.type == "local" and share.source:
            if share.source in devices:
                found = f"{share.source}, which {devices[share.source]} has too"
                yield name, ("source",), found, "a device of its own, or type bind for a part of the other"
            devices.setdefault(share.source, name)
