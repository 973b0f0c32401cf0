# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import getpass
import grp
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import certificates, receipts
from ansible_collections.kronos.homelab.plugins.modules import internal_ca

OWNER = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getegid()).gr_name}
LEAVES = [{"name": "proxy", "names": ["Home.example"], **OWNER}]


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    monkeypatch.setattr(internal_ca, "FOLDER", str(tmp_path / "kronos"))
    return tmp_path


def test_check_mode_says_what_the_run_does_and_a_second_run_is_quiet(host, run_module):
    predicted = run_module(internal_ca, check=True, leaves=LEAVES)
    assert list(host.iterdir()) == []
    done = run_module(internal_ca, leaves=LEAVES)
    for key in ("changed", "diff", "root", "issued"):
        assert predicted[key] == done[key]
    assert (done["root"], done["issued"]) == ("created", {"proxy": "there is none"})
    assert done["root_certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert done["leaves"]["proxy"]["names"] == ["home.example"]
    again = run_module(internal_ca, leaves=LEAVES)
    assert (again["changed"], again["diff"]) == (False, [])
    assert "PRIVATE" not in str(done) + str(again)


def test_the_prediction_knows_the_root_certificate_that_comes_back(host, run_module):
    root = run_module(internal_ca, leaves=LEAVES)["root_certificate"]
    (host / "kronos" / "ca" / "root.crt").unlink()
    predicted = run_module(internal_ca, check=True, leaves=LEAVES)
    assert (predicted["root"], predicted["root_certificate"]) == ("restored", root)
    assert run_module(internal_ca, leaves=LEAVES)["root_certificate"] == root
    forced = run_module(internal_ca, check=True, leaves=LEAVES, force_new_root=True)
    assert forced["root_certificate"] == "", "nobody knows it yet"


def test_a_lost_key_is_one_line(host, run_module):
    run_module(internal_ca, leaves=LEAVES)
    (host / "kronos" / "ca" / "root.key").unlink()
    for check in (True, False):
        failed = run_module(internal_ca, check=check, leaves=LEAVES)
        assert failed["msg"].startswith("ca/root.key, the key of the authority, is lost; put it back from a backup")
    forced = run_module(internal_ca, leaves=LEAVES, force_new_root=True)
    assert forced["root"] == "created"


def test_without_the_library(host, run_module, monkeypatch):
    monkeypatch.setattr(certificates, "available", lambda: False)
    predicted = run_module(internal_ca, check=True, leaves=LEAVES)
    assert predicted["issued"] == {"proxy": "there is none"}
    assert "could not be looked at" not in str(predicted)
    assert run_module(internal_ca, leaves=LEAVES)["msg"].startswith("Python's cryptography is missing on the host")
    (host / "kronos" / "ca").mkdir(parents=True)
    (host / "kronos" / "ca" / "root.crt").write_text("x")
    (host / "kronos" / "ca" / "root.key").write_text("x")
    assert "what stands could not be looked at" in str(run_module(internal_ca, check=True, leaves=LEAVES)["warnings"])
