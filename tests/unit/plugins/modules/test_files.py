# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import getpass
import grp
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts
from ansible_collections.kronos.homelab.plugins.modules import files

OWNER = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getegid()).gr_name}


@pytest.fixture
def wish(tmp_path, monkeypatch):
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    (tmp_path / "old").write_text("old")
    return {
        "name": "app",
        "directories": [{"path": f"{tmp_path}/app", "mode": "0750", **OWNER}],
        "files": [{"path": f"{tmp_path}/app/conf", "content": "a: ü\n", "mode": "0640", **OWNER}],
        "absent": [f"{tmp_path}/old"],
    }


def test_check_mode_says_what_the_run_does_and_a_second_run_is_quiet(wish, tmp_path, run_module):
    predicted = run_module(files, check=True, **wish)
    assert os.listdir(tmp_path) == ["old"]
    done = run_module(files, **wish)
    assert predicted == done
    assert done["created"] == [f"{tmp_path}/app", f"{tmp_path}/app/conf"]
    assert done["removed"] == [f"{tmp_path}/old"]
    assert (tmp_path / "app" / "conf").read_text() == "a: ü\n"
    again = run_module(files, **wish)
    assert (again["changed"], again["diff"]) == (False, [])
    left = receipts.read("files", "app")["left"]
    assert {path: receipts.file_state(path) for path in left["files"]} == left["files"]
    (tmp_path / "app" / "conf").chmod(0o644)
    assert run_module(files, **wish)["updated"] == [f"{tmp_path}/app/conf"]


def test_a_link_to_a_file_of_the_same_call_that_says_the_same_stays(wish, tmp_path, run_module):
    wish["files"].append({**wish["files"][0], "path": f"{tmp_path}/other"})
    assert run_module(files, forget=True, **wish)["changed"]
    (tmp_path / "other").unlink()
    (tmp_path / "other").symlink_to("app/conf")  # as systemd does to Debian's /etc/default/locale at boot
    again = run_module(files, forget=True, **wish)
    assert (again["changed"], os.readlink(tmp_path / "other")) == (False, "app/conf")
    wish["files"][1]["content"] = "b\n"
    assert run_module(files, forget=True, **wish)["updated"] == [f"{tmp_path}/other"]
    assert (tmp_path / "app" / "conf").read_text() == "a: ü\n"


def test_a_user_that_a_run_would_make_first(wish, run_module):
    wish["files"][0]["owner"] = "no-such-one"
    assert run_module(files, check=True, **wish)["changed"]
    assert run_module(files, **wish)["msg"] == "there is no user 'no-such-one' on the host"


def test_a_directory_in_the_way(wish, tmp_path, run_module):
    (tmp_path / "app" / "conf" / "mine").mkdir(parents=True)
    for check in (True, False):
        failed = run_module(files, check=check, **wish)
        assert failed["msg"].startswith(f"{tmp_path}/app/conf is a directory with something in it: a file is wanted")
