# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import atomic
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, explain

ME = {"uid": os.geteuid(), "gid": os.getegid()}


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("before", [None, b"old", b""])
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o400])
def test_write_file(tmp_path, before, mode):
    target = tmp_path / "file.yml"
    if before is not None:
        target.write_bytes(before)
    atomic.write_file(str(target), b"new\n" * 100_000, mode=mode, **ME)
    assert target.read_bytes() == b"new\n" * 100_000
    assert mode_of(target) == mode
    assert os.listdir(tmp_path) == ["file.yml"]


def test_a_link_is_replaced_never_followed(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "file").symlink_to("precious")
    atomic.write_file(str(tmp_path / "file"), b"new", mode=0o600, **ME)
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()


def test_an_empty_directory_is_replaced_and_a_full_one_stays(tmp_path):
    target = tmp_path / "file"
    target.mkdir()
    atomic.write_file(str(target), b"new", mode=0o600, **ME)
    assert target.read_text() == "new"
    target.unlink()
    (target / "mine").mkdir(parents=True)
    with pytest.raises(OSError, match="not empty"):
        atomic.write_file(str(target), b"new", mode=0o600, **ME)
    assert os.listdir(tmp_path) == ["file"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_text("old")

    def no_space(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left") as failure:
        atomic.write_file(str(target), b"new", mode=0o600, **ME)
    hint = f"df -h {tmp_path} and df -i {tmp_path} show it"
    assert explain(failure.value) == f"{target}: no space is left on the file system ({hint})"
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_what_killed_writers_left_is_swept_and_what_living_ones_hold_is_not(tmp_path):
    dead, living, other = ".file.kronos-4194999", ".file.kronos-1", ".file.kronos-notes"
    for name in (dead, living, other, f".file.kronos-{os.getpid()}"):
        (tmp_path / name).write_text("half")
    atomic.write_file(str(tmp_path / "file"), b"new", mode=0o600, **ME)
    assert sorted(os.listdir(tmp_path)) == [living, other, "file"]


def test_a_reader_never_sees_half(tmp_path):
    target = tmp_path / "file"
    atomic.write_file(str(target), b"a" * 10, mode=0o600, **ME)
    with open(target, "rb") as reader:
        atomic.write_file(str(target), b"b" * 20, mode=0o600, **ME)
        assert reader.read() == b"a" * 10


def test_a_long_name(tmp_path):
    atomic.write_file(str(tmp_path / ("n" * 255)), b"x", mode=0o600, **ME)


def test_ensure_dir(tmp_path):
    target = tmp_path / "a" / "b"
    assert atomic.ensure_dir(str(target), mode=0o700, **ME)
    assert (mode_of(target), mode_of(tmp_path / "a")) == (0o700, 0o755)
    assert not atomic.ensure_dir(str(target), mode=0o700, **ME)
    assert atomic.ensure_dir(str(target), mode=0o750, **ME)
    assert mode_of(target) == 0o750


def test_ensure_dir_ignores_the_umask(tmp_path):
    old = os.umask(0o077)
    try:
        atomic.ensure_dir(str(tmp_path / "a" / "b"), mode=0o755, **ME)
    finally:
        os.umask(old)
    assert (mode_of(tmp_path / "a"), mode_of(tmp_path / "a" / "b")) == (0o755, 0o755)


@pytest.mark.parametrize("where", ["file", "file/below", "file/far/below"])
def test_ensure_dir_with_a_file_in_the_way(tmp_path, where):
    (tmp_path / "file").write_text("")
    with pytest.raises((KronosError, NotADirectoryError)):
        atomic.ensure_dir(str(tmp_path / where), mode=0o700, **ME)


def test_ensure_dir_refuses_the_link_of_a_service(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    assert not atomic.ensure_dir(str(tmp_path / "link"), mode=0o755, **ME)
    if os.geteuid() != 0:
        pytest.skip("only root can give a link away")
    os.lchown(tmp_path / "link", 1000, 1000)
    with pytest.raises(KronosError, match="symbolic link of user id 1000"):
        atomic.ensure_dir(str(tmp_path / "link"), mode=0o755, **ME)


def test_remove(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("/nowhere")
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    for name in ("file", "link", "folder"):
        assert atomic.remove(str(tmp_path / name))
        assert not atomic.remove(str(tmp_path / name))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KronosError("as it is"), "as it is"),
        (
            OSError(30, "Read-only file system", "/etc/x"),
            "/etc/x: the file system is read-only (dmesg may say why; findmnt -T /etc shows what to mount again with "
            "remount,rw)",
        ),
        (OSError(28, "No space left on device"), "no space is left on the file system"),
        (OSError(2, "No such file or directory"), "no such file or directory"),
        (OSError("bare"), "bare"),
        (ValueError(), "ValueError"),
    ],
)
def test_explain(error, says):
    assert explain(error) == says
