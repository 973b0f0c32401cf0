# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of the inventory: where they lie, what the plan says of them, and every mistake that one can hold."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import path_text
from ansible_collections.kronos.homelab.plugins.plugin_utils.share import Share, doubles, mistakes

NFS = {"type": "nfs", "source": "nas:/media"}
CIFS = {"type": "cifs", "source": "//nas/media"}
DISK = {"type": "local", "source": "UUID=0a1b"}
BIND = {"type": "bind", "source": "/srv/a"}

PLACES: dict[str, tuple[dict[str, Any], tuple[str, str, str, bool, bool]]] = {
    # share: (source, path, root, mounted, guarded)
    "a folder": ({"type": "local", "path": "/mnt/a"}, ("/mnt/a", "/mnt/a", "/mnt/a", False, False)),
    "a folder by bind": (BIND, ("/srv/a", "/srv/a", "/srv/a", False, False)),
    "elsewhere": ({**BIND, "path": "/mnt/b"}, ("/srv/a", "/mnt/b", "/mnt/b", True, True)),
    "a disk": ({**DISK, "folder": "x/y"}, ("UUID=0a1b", "/mnt/one", "/mnt/one/x/y", True, True)),
    "a server": ({**NFS, "path": "/data"}, ("nas:/media", "/data", "/data", True, True)),
    "without guard": ({**CIFS, "guard": False}, ("//nas/media", "/mnt/one", "/mnt/one", True, False)),
}


@pytest.mark.parametrize(("said", "wanted"), PLACES.values(), ids=PLACES.keys())
def test_places(said: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    entry = Share.model_validate(said).entry("one", 1000, 1000)
    assert tuple(entry[key] for key in ("source", "path", "root", "mounted", "guarded")) == wanted


def test_folders_are_owned_by_whom_the_share_says() -> None:
    folders = {"films": {}, "photos": {"mode": "0750", "uid": 0}}
    share = Share.model_validate({**DISK, "gid": 7, "directories": folders})
    assert share.entry("one", 1000, 1000)["directories"] == [
        {"path": "films", "uid": 1000, "gid": 7, "mode": "2775"},
        {"path": "photos", "uid": 0, "gid": 7, "mode": "0750"},
    ]


SOUND: list[dict[str, Any]] = [
    *(said for said, _wanted in PLACES.values()),
    {**NFS, "source": "[2001:db8::1]:/", "version": "4.2", "options": ["soft", "timeo=50"]},
    {**CIFS, "source": "//nas.home.example/My Files", "version": "3.1.1", "credentials": {"user": "me", "secret": "x"}},
    {**DISK, "source": "/dev/disk/by-id/ata-X_1", "filesystem": "ext4", "make_filesystem": True},
    {**DISK, "source": "LABEL=my data", "automount": True, "read_only": True},
    {"type": "local", "path": "/mnt/storage", "directories": {"media/films": {}}},
]


@pytest.mark.parametrize("said", SOUND)
def test_sound(said: dict[str, Any]) -> None:
    assert list(mistakes("one", Share.model_validate(said))) == []


BROKEN: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no source": ({"type": "nfs"}, ["source"]),
    "bind without source": ({"type": "bind", "path": "/mnt/a"}, ["source"]),
    "neither path nor device": ({"type": "local"}, ["source"]),
    "a folder as a device": ({"type": "local", "source": "/srv/a"}, ["source"]),
    "a label that leads elsewhere": ({"type": "local", "source": "LABEL=.."}, ["source"]),
    "a number that is none": ({"type": "local", "source": "UUID=0 1"}, ["source"]),
    "a device elsewhere": ({"type": "local", "source": "/dev/../etc/x"}, ["source"]),
    "an export without a server": ({"type": "nfs", "source": "/media"}, ["source"]),
    "options in the export": ({"type": "nfs", "source": "nas:/media,rw"}, ["source"]),
    "a server alone": ({"type": "cifs", "source": "//nas"}, ["source"]),
    "a relative folder": ({"type": "bind", "source": "srv/a", "path": "/mnt/a"}, ["source"]),
    "the root": ({**NFS, "path": "/"}, ["path"]),
    "the system": ({**NFS, "path": "/etc/media"}, ["path"]),
    "Docker's own": ({**NFS, "path": "/var/lib/docker/volumes"}, ["path"]),
    "a bind over its source": ({"type": "bind", "source": "/srv/a/b", "path": "/srv/a"}, ["path"]),
    "keys of others": (
        {"type": "local", "path": "/mnt/a", "filesystem": "ext4", "version": "4", "automount": True, "folder": "x"},
        ["filesystem", "version", "automount", "folder"],
    ),
    "a login for nfs": ({**NFS, "credentials": {"user": "me", "secret": "x"}}, ["credentials"]),
    "consent alone": ({**DISK, "make_filesystem": True}, ["filesystem", "source"]),
    "options": (
        {**NFS, "options": ["ro", "a,b", "password=x", "vers=3", "nofail", "", "hard"]},
        ["options[0]", "options[1]", "options[2]", "options[3]", "options[4]", "options[5]"],
    ),
}


@pytest.mark.parametrize(("said", "paths"), BROKEN.values(), ids=BROKEN.keys())
def test_every_mistake_is_told_with_its_key(said: dict[str, Any], paths: list[str]) -> None:
    found = list(mistakes("one", Share.model_validate(said)))
    assert [path_text(path) for path, _found, _wanted in found] == paths
    assert all(shown and wanted for _path, shown, wanted in found)
    assert "x" not in [shown.split("=")[-1] for _path, shown, _wanted in found]  # never a password


def test_two_shares_need_two_places_and_two_devices() -> None:
    shares = {"a": DISK, "b": {**DISK, "path": "/mnt/a"}, "c": NFS, "d": {**NFS, "path": "/mnt/c"}}
    told = list(doubles({name: Share.model_validate(said) for name, said in shares.items()}))
    assert [(name, path_text(path)) for name, path, _found, _wanted in told] == [
        ("b", "path"),
        ("b", "source"),
        ("d", "path"),
    ]
