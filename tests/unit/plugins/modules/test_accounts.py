# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts module: what it runs, what it remembers, and when it wants to look again."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import accounts, logins, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.modules import accounts as module


@pytest.fixture
def host(monkeypatch, tmp_path):
    """A host with anna, a journal, and useradd."""
    asked = []
    users = {"anna": (1001, 1001, str(tmp_path), "/bin/bash")}
    said = {"journal": ""}

    def run(argv, timeout=0):
        if argv[0] == "journalctl":
            return Ran(0, said["journal"], "")
        asked.append(" ".join(argv))
        if argv[0] == "useradd":
            users[argv[-1]] = (1002, 1002, str(tmp_path), "")
        return Ran(0, "", "")

    monkeypatch.setattr(module, "HostRunner", lambda: run)
    monkeypatch.setattr(logins, "AUTH_LOG", str(tmp_path / "none"))
    monkeypatch.setattr(logins, "present", lambda environment: logins.Login("root", "192.0.2.1 port 7"))
    there = accounts.Present(users, locked=frozenset({"bob"}))
    monkeypatch.setattr(accounts, "read_present", lambda wanted: there)
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    return asked, said


WISH = {"groups": [{"name": "staff2"}], "users": [{"name": "bob"}, {"name": "anna"}], "watch": ["anna"]}


def test_prediction_run_and_what_is_remembered(host, run_module):
    asked, said = host
    predicted = run_module(module, check=True, **WISH)
    assert asked == []
    real = run_module(module, **WISH)
    assert (predicted["changed"], predicted["diff"]) == (real["changed"], real["diff"])
    assert asked == ["groupadd staff2", "useradd --create-home --user-group bob"]
    assert (real["login"], real["proven"]) == ("root", [])
    left = receipts.read("accounts", "host")["left"]
    assert (left["users"]["anna"][3], "due" in left) == ("/bin/bash", True)
    line = "Accepted publickey for {} from 192.0.2.1 port 7 ssh2: x\n"
    said["journal"] = "".join(line.format(name) for name in ("root", "anna", "x"))
    assert run_module(module, **WISH)["proven"] == ["anna", "root"]
    assert "due" not in receipts.read("accounts", "host")["left"]
    said["journal"] = ""  # rotated away
    assert run_module(module, **WISH)["proven"] == ["anna", "root"]
    said["journal"] = "Accepted password for anna from 192.0.2.9 port 8 ssh2\n"
    assert run_module(module, **WISH)["proven"] == ["root"]
    assert "due" in receipts.read("accounts", "host")["left"]


def test_who_cannot_type_a_password_is_told_of(host, run_module):
    result = run_module(module, users=[{"name": name, "types_password": True} for name in ("bob", "anna")])
    assert "bob has no password, so sudo lets bob do nothing" in str(result["warnings"])
    assert "anna" not in str(result["warnings"])


def test_what_is_no_key_touches_nothing(host, run_module):
    result = run_module(module, users=[{"name": "anna", "keys": ["no key"]}])
    assert (result["failed"], host[0]) == (True, [])
    assert "keys[0] is no public SSH key" in result["msg"]


def test_what_a_program_refuses_is_one_line(host, run_module, monkeypatch):
    said = Ran(1, "", "useradd: Permission denied.\nuseradd: cannot lock /etc/passwd; try again later.\n")
    monkeypatch.setattr(module, "HostRunner", lambda: lambda argv, timeout=0: said)
    assert run_module(module, users=[{"name": "bob"}])["msg"] == (
        "useradd --create-home --user-group bob: "
        "useradd: Permission denied. / useradd: cannot lock /etc/passwd; try again later."
    )
