# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People come, go and change; what a run touches then, and what verify says. In this order."""

from __future__ import annotations

import copy

import labtest
import pytest
from logintest import ask, log_in, secret, variables


@pytest.fixture(scope="module")
def later():
    """Dora is gone, Anna has become an admin, and Carl has another password."""
    changed = copy.deepcopy(variables())
    del changed["kronos_users"]["dora"]
    changed["kronos_users"]["anna"]["groups"] = ["admins"]
    changed["kronos_secrets"]["authelia"]["user_carl"] = "carls-new-password"
    return changed


def test_what_changes_with_people_is_predicted_and_touches_the_login_alone(host, later):
    kept = {name: log_in(name, secret(host, "authelia", f"user_{name}")) for name in ("anna", "dora", "carl")}
    assert ask(kept["dora"], "house").status == 200
    assert ask(kept["anna"], "house", "/admin").status == 403
    before = secret(host, "authelia", "hash_anna")

    check = labtest.site("--check", **later)
    real = labtest.site(**later)
    assert real.code == 0, real.output[-3000:]
    assert check.actions() == real.actions() == {"authelia": "reloaded"}
    assert check.changed == real.changed
    assert "carls-new-password" not in check.output + real.output
    assert secret(host, "authelia", "hash_carl") not in real.output

    labtest.until(lambda: ask(kept["anna"], "house", "/admin").status == 200, 20, "Anna is an admin at once")
    assert ask(kept["dora"], "house").status == 302, "whoever is gone is out, logged in or not"
    assert not log_in("dora", secret(host, "authelia", "user_dora"))
    assert log_in("carl", "carls-new-password")
    assert not log_in("carl", "carls-own-password")
    assert secret(host, "authelia", "hash_anna") == before, "a hash stays while its password does"

    again = labtest.site(**later)
    assert (again.code, again.changed) == (0, [])


def test_an_invitation_is_shown_on_request(host, tmp_path):
    password = secret(host, "authelia", "user_anna")
    shown = labtest.play("invite.yml", variables={**variables(), "user": "anna"})
    assert shown.code == 0, shown.output
    assert password in shown.output
    path = tmp_path / "invitation"
    written = labtest.play("invite.yml", variables={**variables(), "user": "anna", "invitation": str(path)})
    assert written.code == 0, written.output
    assert password not in written.output
    assert password in path.read_text()
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    unknown = labtest.play("invite.yml", variables={**variables(), "user": "kid"})
    assert unknown.code != 0
    assert "'kid'" in unknown.output


def test_verify_sees_that_guarded_routes_ask(later):
    found = labtest.play("verify.yml", variables=later)
    assert found.code == 0, found.output[-3000:]
    rows = [row for task in found.tasks for row in task.get("rows") or [] if row["kind"] == "login"]
    assert sorted(row["subject"] for row in rows if row["ok"]) == ["house", "house-2", "house-3"]
