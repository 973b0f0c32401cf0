# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storage module: prediction, run and quiet second run; passwords; and how problems are told."""

from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import (
    receipts,
    secret_store,
    storage_apply,
    storage_plan,
    storage_present,
    storage_units,
)
from ansible_collections.kronos.homelab.plugins.modules import storage as module
from ansible_collections.kronos.homelab.tests.unit.fakes.storage_host import StorageHost, own


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A played host, with everything it writes below the test's folder."""
    files_of = storage_units.files_of
    monkeypatch.setattr(storage_units, "FOLDER", str(tmp_path / "units"))
    monkeypatch.setattr(storage_units, "CREDENTIALS", str(tmp_path / "logins"))
    monkeypatch.setattr(secret_store, "ROOT", str(tmp_path / "secrets"))
    for each in (storage_plan, storage_apply, storage_present):
        monkeypatch.setattr(each, "files_of", lambda one: [own(file) for file in files_of(one)])
    played = StorageHost(tmp_path)
    monkeypatch.setattr(module, "Outside", lambda run: played.outside())
    return played


def bind(host, name, **said):
    owner = {"uid": os.geteuid(), "gid": os.getegid()}
    return {"name": name, "type": "bind", "source": f"{host.top}/src", "path": f"{host.top}/{name}", **owner, **said}


def test_prediction_run_and_second_run_agree(host, run_module):
    os.mkdir(host.top / "src")
    shares = [bind(host, "a", directories=[{"path": "films", "mode": "0750"}])]
    predicted = run_module(module, check=True, shares=shares)
    assert sorted(os.listdir(host.top)) == ["src"]
    real = run_module(module, shares=shares)
    for key in ("changed", "diff", "mounted", "unmounted", "made", "problems"):
        assert predicted[key] == real[key]
    assert (real["changed"], real["mounted"], real["problems"]) == (True, ["a"], {})
    assert receipts.read("storage", "shares", root=str(host.top / "receipts"))
    again = run_module(module, shares=shares)
    assert (again["changed"], again["diff"]) == (False, [])


def test_problems_are_told_by_share_after_all_else_was_done(host, run_module):
    os.mkdir(host.top / "src")
    nfs = bind(host, "n", type="nfs", source="nas:/x")
    one = run_module(module, shares=[nfs, bind(host, "b")])
    assert (one["failed"], one["changed"], one["mounted"]) == (True, True, ["b"])
    assert one["msg"] == f"share n: the server nas does not answer; nothing is mounted at {nfs['path']}"
    two = run_module(module, shares=[nfs, {**nfs, "name": "m", "path": f"{host.top}/m"}], check=True)
    assert two["msg"].splitlines()[0] == "2 shares:"
    assert sorted(two["problems"]) == ["m", "n"]


SECRETS = [("s3cret", False, ""), (None, True, ""), (None, False, "has no secret storage/nas"), ("a\nb", False, "line")]


@pytest.mark.parametrize(("value", "check", "wanted"), SECRETS)
def test_the_password_of_a_login(host, run_module, value, check, wanted):
    host.servers.add("nas")
    if value is not None:
        os.makedirs(host.top / "secrets" / "storage")
        (host.top / "secrets" / "storage" / "nas").write_text(value)
    login = {"user": "me", "secret": "nas"}
    result = run_module(module, check, shares=[bind(host, "a", type="cifs", source="//nas/x", credentials=login)])
    assert wanted in result.get("msg", "")
    assert bool(result.get("failed")) is bool(wanted)
    assert value is None or value not in str(result)


def test_two_shares_in_one_place(host, run_module):
    result = run_module(module, shares=[bind(host, "a"), {**bind(host, "b"), "path": f"{host.top}/a"}])
    assert result["msg"] == f"shares: the path {host.top}/a is there twice"
