# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of shares: names as systemd escapes them, options, order at boot, and what never shows."""

from __future__ import annotations

import random
import shutil
import subprocess
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import Login, Share, read_shares
from ansible_collections.kronos.homelab.plugins.module_utils.storage_units import (
    device_of,
    escape,
    files_of,
    on_unit,
    options_of,
)

# Right sides: systemd-escape --path of systemd 257.
ESCAPED = [
    ("/", "-"),
    ("/mnt/media", "mnt-media"),
    ("/mnt//media/", "mnt-media"),
    ("/mnt/a b/.c-d_é%x", r"mnt-a\x20b-.c\x2dd_\xc3\xa9\x25x"),
    ("/.hidden", r"\x2ehidden"),
    ("/dev/disk/by-uuid/0a-1b", r"dev-disk-by\x2duuid-0a\x2d1b"),
]


@pytest.mark.parametrize(("path", "wanted"), ESCAPED)
def test_names(path: str, wanted: str) -> None:
    assert escape(path) == wanted


@pytest.mark.skipif(not shutil.which("systemd-escape"), reason="no systemd here")
def test_names_are_those_of_systemd() -> None:
    chance = random.Random(7)
    paths = ["/" + "".join(chance.choices("ab/.-_ :é%\\@", k=12)) for _count in range(60)]
    paths = [path for path in paths if not {".", ".."} & set(path.split("/"))]
    said = subprocess.run(["systemd-escape", "--path", *paths], capture_output=True, text=True, check=True)
    assert [escape(path) for path in paths] == said.stdout.split()


def share(**said: Any) -> Share:
    usual: dict[str, Any] = {"name": "media", "type": "nfs", "source": "nas:/media", "path": "/mnt/media"}
    return Share(**{"mounted": True, "guarded": True, "uid": 1000, "gid": 1000, **usual, **said})


DISK: dict[str, Any] = {"type": "local", "source": "UUID=0a-1b", "filesystem": "ext4"}
CIFS: dict[str, Any] = {"type": "cifs", "source": "//nas/media"}

OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "nfs": ({}, "nofail,_netdev,nosuid,nodev,hard,retry=0"),
    "nfs as stated": (
        {"version": "4.2", "options": ("soft", "retry=1"), "read_only": True},
        "nofail,_netdev,nosuid,nodev,ro,vers=4.2,soft,retry=1",
    ),
    "cifs for guests": (
        CIFS,
        "nofail,_netdev,nosuid,nodev,guest,uid=1000,gid=1000,file_mode=0664,dir_mode=0775,iocharset=utf8",
    ),
    "cifs with login": (
        {**CIFS, "login": Login("me", "nas"), "options": ("uid=5", "nodev")},
        "nofail,_netdev,nosuid,nodev,credentials=/etc/kronos/storage/media.credentials,gid=1000,file_mode=0664,"
        "dir_mode=0775,iocharset=utf8,uid=5,nodev",
    ),
    "bind": ({"type": "bind", "source": "/srv/a", "read_only": True}, "bind,nofail,ro"),
    "device": ({**DISK, "options": ("noatime",)}, "nofail,noatime"),
}


@pytest.mark.parametrize(("said", "wanted"), OPTIONS.values(), ids=OPTIONS.keys())
def test_options(said: dict[str, Any], wanted: str) -> None:
    assert ",".join(options_of(share(**said))) == wanted


DEVICES = [
    ("UUID=0a-1b", "/dev/disk/by-uuid/0a-1b"),
    ("LABEL=my data", r"/dev/disk/by-label/my\x20data"),
    ("PARTLABEL=é", r"/dev/disk/by-partlabel/\xc3\xa9"),
    ("/dev/sdb1", "/dev/sdb1"),
]


@pytest.mark.parametrize(("source", "wanted"), DEVICES)
def test_devices(source: str, wanted: str) -> None:
    assert device_of(source) == wanted


def texts(one: Share) -> dict[str, str]:
    return {file.path: file.content.decode() for file in files_of(one)}


def test_a_share_of_the_network_waits_for_it_and_delays_nothing() -> None:
    (text,) = texts(share(timeout=20)).values()
    assert text.splitlines()[1:] == [
        "[Unit]",
        "Description=Share media",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Mount]",
        "What=nas:/media",
        "Where=/mnt/media",
        "Type=nfs",
        "Options=nofail,_netdev,nosuid,nodev,hard,retry=0",
        "TimeoutSec=20",
        "DirectoryMode=0755",
        "",
        "[Install]",
        "WantedBy=remote-fs.target",
    ]


def test_a_device_is_checked_and_not_waited_for_without_end() -> None:
    found = texts(share(**DISK, timeout=20))
    drop_in = r"/etc/systemd/system/dev-disk-by\x2duuid-0a\x2d1b.device.d/50-kronos-media.conf"
    assert found[drop_in].endswith("[Unit]\nJobRunningTimeoutSec=20\n")
    text = found["/etc/systemd/system/mnt-media.mount"]
    assert r"Requires=systemd-fsck@dev-disk-by\x2duuid-0a\x2d1b.service" in text
    assert "What=/dev/disk/by-uuid/0a-1b\n" in text
    assert "systemd-fsck" not in texts(share(**{**DISK, "filesystem": "xfs"}))["/etc/systemd/system/mnt-media.mount"]


def test_percents_and_blanks_are_kept_from_systemd() -> None:
    text = texts(share(type="bind", source='/srv/a b%"', path="/mnt/c d%"))[r"/etc/systemd/system/mnt-c\x20d\x25.mount"]
    assert 'RequiresMountsFor="/srv/a b%%\\""\n' in text
    assert 'What=/srv/a b%%"\nWhere=/mnt/c d%%\nType=none\n' in text


def test_without_guard_docker_waits_for_it() -> None:
    (text,) = texts(share(guarded=False)).values()
    assert "Before=docker.service\n" in text


def test_at_the_first_access_the_automount_is_what_is_on() -> None:
    one = share(automount=True)
    found = texts(one)
    assert on_unit(one) == "mnt-media.automount"
    assert "[Install]" in found["/etc/systemd/system/mnt-media.automount"]
    assert "[Install]" not in found["/etc/systemd/system/mnt-media.mount"]


def test_a_password_is_in_a_file_of_root_alone_and_never_shows() -> None:
    one = share(**CIFS, login=Login("me", "nas", "HOME", "to-be-hidden"))
    login, unit = files_of(one)
    assert (login.path, login.mode, login.secret) == ("/etc/kronos/storage/media.credentials", 0o600, True)
    assert login.content == b"username=me\npassword=to-be-hidden\ndomain=HOME\n"
    assert b"to-be-hidden" not in unit.content
    assert "to-be-hidden" not in repr(one) + repr(login)


def test_a_folder_of_the_own_disk_needs_no_unit() -> None:
    assert files_of(share(type="local", source="/mnt/media", mounted=False)) == []


SERVERS = [("nfs", "nas:/a", "nas"), ("nfs", "[2001:db8::1]:/a", "2001:db8::1"), ("cifs", "//nas.x/a/b", "nas.x")]


@pytest.mark.parametrize(("kind", "source", "wanted"), [*SERVERS, ("bind", "/srv/a:/b", "")])
def test_servers(kind: str, source: str, wanted: str) -> None:
    assert share(type=kind, source=source).server == wanted


def test_the_option_of_the_module_becomes_shares() -> None:
    usual = {key: getattr(share(), key) for key in ("read_only", "make_filesystem", "automount", "timeout", "guarded")}
    given = {**usual, "type": "bind", "source": "/srv/a", "uid": 5, "gid": 6, "warn_below": 5, "mode": "0750"}
    folders = [{"path": "b", "mode": "0700", "uid": None, "gid": 0}, {"path": "c", "stated": False}]
    one, two = read_shares(
        [
            {**given, "name": "two", "path": "/mnt/b"},
            {**given, "name": "one", "path": "/mnt/a", "directories": folders},
        ]
    )
    assert (one.name, two.name, one.mounted, one.mode) == ("one", "two", True, 0o750)
    first, second = one.folders
    assert (first.path, first.uid, first.gid, first.mode, first.stated) == ("/mnt/a/b", 5, 0, 0o700, True)
    assert (second.path, second.mode, second.stated) == ("/mnt/a/c", 0o750, False)
