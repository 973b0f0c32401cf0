# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import lease, receipts, secret_store
from ansible_collections.kronos.homelab.plugins.modules import secret

WANTED = [{"service": "radarr", "name": "api_key"}, {"service": "dns", "name": "token", "format": "given"}]
GIVEN = {"dns": {"token": "marker-value"}}


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(secret_store, "ROOT", str(tmp_path / "etc" / "secrets"))
    monkeypatch.setattr(secret_store, "STACKS", str(tmp_path / "stacks"))
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    monkeypatch.setattr(lease, "FOLDER", str(tmp_path / "run"))
    return tmp_path


def test_check_mode_says_what_the_run_does_and_a_second_run_is_quiet(host, run_module):
    predicted = run_module(secret, check=True, secrets=WANTED, given=GIVEN)
    assert list(host.iterdir()) == []
    done = run_module(secret, secrets=WANTED, given=GIVEN, run="run 1")
    assert {key: predicted[key] for key in ("changed", "diff", "actions", "renewed", "unused")} == {
        key: done[key] for key in ("changed", "diff", "actions", "renewed", "unused")
    }
    assert done["actions"] == {"radarr/api_key": "created", "dns/token": "given"}
    assert sorted(done["renewed"]) == ["dns/token", "radarr/api_key"]
    again = run_module(secret, secrets=WANTED, given=GIVEN, run="run 1")
    assert (again["changed"], again["diff"], again["actions"]) == (False, [], {})
    assert lease.read()["id"] == "run 1"


def test_no_value_in_the_result(host, run_module):
    done = run_module(secret, secrets=WANTED, given=GIVEN)
    values = [path.read_text() for path in (host / "etc").rglob("*") if path.is_file()]
    assert len(values) == 3
    assert not any(value in json.dumps(done) for value in values)


def test_what_services_use_already_is_not_renewed_but_returning(host, run_module):
    run_module(secret, secrets=WANTED, given=GIVEN)
    for service, name in (("dns", "token"), ("radarr", "api_key")):
        master = host / "etc" / "secrets" / service / name
        copy = host / "stacks" / "own" / "secrets" / service / name
        copy.parent.mkdir(parents=True)
        copy.write_text(master.read_text())
        master.unlink() if name == "api_key" else master.write_text("edited")
    predicted = run_module(secret, check=True, secrets=WANTED, given=GIVEN)
    done = run_module(secret, secrets=WANTED, given=GIVEN)
    assert (done["renewed"], sorted(done["returning"])) == ([], ["dns/token", "radarr/api_key"])
    assert predicted["returning"] == done["returning"]
    other = run_module(secret, secrets=WANTED, given={"dns": {"token": "another-value"}})
    assert (other["renewed"], other["returning"]) == (["dns/token"], [])


def test_the_key_of_the_fingerprints(host, run_module):
    run_module(secret, secrets=WANTED, given=GIVEN)
    path = host / "etc" / "fingerprint.key"
    text = path.read_text()
    path.chmod(0o644)
    for says, harm in (("repaired", lambda: path.chmod(0o644)), ("created", path.unlink)):
        harm()
        predicted = run_module(secret, check=True, secrets=WANTED, given=GIVEN)
        done = run_module(secret, secrets=WANTED, given=GIVEN)
        assert predicted["diff"] == done["diff"]
        assert [(one["after_header"], says in one["after"]) for one in done["diff"]] == [(str(path), True)]
        assert path.stat().st_mode & 0o777 == 0o600
        assert (path.read_text() == text) is (says == "repaired")
        assert path.read_text().strip() not in json.dumps(done)
        assert not run_module(secret, secrets=WANTED, given=GIVEN)["changed"]


def test_another_run_is_not_disturbed(host, run_module):
    lease.take("other", "somebody")
    failed = run_module(secret, secrets=WANTED, given=GIVEN, run="mine")
    assert failed["failed"]
    assert "another run holds this host: somebody" in failed["msg"]
    assert not (host / "etc").exists()


def test_a_missing_value_fails_in_one_line(host, run_module):
    failed = run_module(secret, secrets=WANTED)
    assert failed["msg"].startswith("kronos_secrets.dns.token has no value")
    assert "exception" not in failed
