# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A share as the storage module works with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.owners import mode_of

REMOTE = ("nfs", "cifs")


@dataclass(frozen=True)
class Folder:
    """A folder below a share, by its full path; one that is not ``stated`` is only made where it is missing."""

    path: str
    uid: int
    gid: int
    mode: int
    stated: bool = True


@dataclass(frozen=True)
class Login:
    """How to log in to a server; ``password`` is what the host keeps under ``secret``."""

    user: str
    secret: str
    domain: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Share:
    """One share. ``mounted``: something has to be mounted at ``path``; else it is a folder of the host's own disk."""

    name: str
    type: str
    source: str
    path: str
    mounted: bool
    uid: int = 0
    gid: int = 0
    mode: int = 0o2775
    options: tuple[str, ...] = ()
    read_only: bool = False
    filesystem: str = ""
    make_filesystem: bool = False
    version: str = ""
    automount: bool = False
    timeout: int = 30
    guarded: bool = False
    warn_below: int = 5
    login: Login | None = None
    folders: tuple[Folder, ...] = ()

    @property
    def on_device(self) -> bool:
        """Whether it is a device with a file system."""
        return self.mounted and self.type == "local"

    @property
    def layout(self) -> list[list[Any]]:
        """Its folders as a receipt keeps them."""
        return [[one.path, one.mode, one.uid, one.gid, one.stated] for one in self.folders]

    @property
    def server(self) -> str:
        """The server of a share of the network; empty for others."""
        if self.type == "cifs":
            return self.source[2:].split("/", 1)[0]
        return self.source.rsplit(":/", 1)[0].strip("[]") if self.type == "nfs" else ""


def read_shares(given: Sequence[Mapping[str, Any]]) -> list[Share]:
    """The module's option as shares; raises KronosError for two of one name or place."""
    shares = [_share(each) for each in given]
    for key in ("name", "path"):
        seen: set[str] = set()
        for share in shares:
            value = getattr(share, key)
            if value in seen:
                raise KronosError(f"shares: the {key} {value} is there twice")
            seen.add(value)
    return sorted(shares, key=lambda one: one.path)  # what lies below another one is mounted after it


def _share(given: Mapping[str, Any]) -> Share:
    name, path = str(given["name"]), str(given["path"])
    login = given.get("credentials")
    kept = ("type", "read_only", "make_filesystem", "automount", "timeout", "uid", "gid", "warn_below", "guarded")
    source = str(given.get("source") or path)
    return Share(
        name=name,
        path=path,
        source=source,
        mounted=source != path,
        mode=mode_of(given["mode"], f"share {name}"),
        options=tuple(given.get("options") or ()),
        filesystem=given.get("filesystem") or "",
        version=given.get("version") or "",
        login=Login(login["user"], login["secret"], login.get("domain") or "") if login else None,
        folders=tuple(_folder(path, each, given) for each in given.get("directories") or ()),
        **{key: given[key] for key in kept},
    )


def _folder(path: str, given: Mapping[str, Any], share: Mapping[str, Any]) -> Folder:
    def said(key: str) -> Any:
        return share[key] if given.get(key) is None else given[key]

    mode = mode_of(said("mode"), f"share {share['name']}, folder {given['path']}")
    return Folder(f"{path}/{given['path']}", said("uid"), said("gid"), mode, given.get("stated", True))
