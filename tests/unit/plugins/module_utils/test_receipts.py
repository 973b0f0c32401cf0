# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts


@pytest.fixture
def root(tmp_path):
    return str(tmp_path / "receipts")


def test_write_and_read(root):
    assert receipts.read("stack", "media", root=root) is None
    assert receipts.read_all(root=root) == []
    assert receipts.write("stack", "media", "d1", {"files": {"/x": None}}, root=root)
    assert not receipts.write("stack", "media", "d1", {"files": {"/x": None}}, root=root)
    assert receipts.write("files", "a--b", "d2", {}, root=root)
    kept = receipts.read("stack", "media", root=root)
    assert kept == {
        "schema": 1,
        "kind": "stack",
        "name": "media",
        "wanted": "d1",
        "left": {"files": {"/x": None}},
    }
    assert [(each["kind"], each["name"]) for each in receipts.read_all(root=root)] == [
        ("files", "a--b"),
        ("stack", "media"),
    ]
    assert os.stat(root).st_mode & 0o777 == 0o700
    assert os.stat(f"{root}/stack--media.json").st_mode & 0o777 == 0o600


def test_without_a_root_all_work_on_the_hosts_own(root, monkeypatch):
    monkeypatch.setattr(receipts, "RECEIPTS", root)
    receipts.write("stack", "media", "d1", {})
    assert receipts.read("stack", "media") == receipts.read_all()[0]
    assert receipts.forget("stack", "media")
    assert os.listdir(root) == []


def test_forget(root):
    receipts.write("stack", "media", "d1", {}, root=root)
    assert receipts.forget("stack", "media", root=root)
    assert not receipts.forget("stack", "media", root=root)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 99, "left": {}}', '{"schema": 1, "left": null}', "\x00"])
def test_a_receipt_that_makes_no_sense_counts_as_none(root, text):
    receipts.write("stack", "media", "d1", {}, root=root)
    with open(f"{root}/stack--media.json", "w") as stream:
        stream.write(text)
    assert receipts.read("stack", "media", root=root) is None
    assert [(each["kind"], each["name"], each["left"]) for each in receipts.read_all(root=root)] == [
        ("stack", "media", None)
    ]
    assert receipts.write("stack", "media", "d1", {}, root=root)


@pytest.mark.parametrize(("kind", "name"), [("a", "../x"), ("a/b", "x"), ("a--b", "x")])
def test_names_that_lead_elsewhere(root, kind, name):
    with pytest.raises(ValueError, match="not a name"):
        receipts.write(kind, name, "", {}, root=root)


def test_file_state(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"abc")
    target.chmod(0o640)
    assert receipts.file_state(str(target)) == {
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "mode": 0o640,
    }
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "nothing", ".", "file/below"):
        assert receipts.file_state(str(tmp_path / name)) is None


def test_directory_state(tmp_path):
    (tmp_path / "file").write_text("")
    tmp_path.chmod(0o750)
    assert receipts.directory_state(str(tmp_path)) == {
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "mode": 0o750,
    }
    assert receipts.directory_state(str(tmp_path / "file")) is None
    assert receipts.directory_state(str(tmp_path / "nothing")) is None


def test_digest_does_not_depend_on_the_order_of_keys():
    assert receipts.digest({"a": 1, "b": [1, 2]}) == receipts.digest(json.loads('{"b": [1, 2], "a": 1}'))
    assert receipts.digest({"a": 1}) != receipts.digest({"a": "1"})
    assert receipts.digest("ü\udcff")


def test_inode(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    assert receipts.inode(str(tmp_path)) == receipts.inode(str(tmp_path / "link")) == os.stat(tmp_path).st_ino
    assert receipts.inode(str(tmp_path / "file")) is None
    assert receipts.inode(str(tmp_path / "nothing")) is None
