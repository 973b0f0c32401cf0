# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units module: prediction, run and quiet second run, with systemd played by a fake."""

from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts, tree, units
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.modules import units as module

OWNER = (os.geteuid(), os.getegid())


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A folder for units, one for receipts, and a systemd that obeys."""
    states = {}

    def systemctl(argv):
        if argv[1] == "show":
            enabled, active = states.get(argv[2], ("", "inactive"))
            return Ran(0, f"UnitFileState={enabled}\nActiveState={active}\n", "")
        if argv[1] in ("enable", "start"):
            states[argv[2]] = ("enabled", "active" if argv[1] == "start" else "inactive")
        return Ran(0, "", "")

    wanted = tree.Wanted  # the tests need not be root
    monkeypatch.setattr(tree, "Wanted", lambda path, content, mode: wanted(path, content, mode, *OWNER))
    monkeypatch.setattr(units, "FOLDER", str(tmp_path / "units"))
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    monkeypatch.setattr(module, "HostRunner", lambda: systemctl)
    return tmp_path


def options(host):
    program = {"path": str(host / "units" / "program"), "content": "#!/bin/sh\n", "mode": "0755"}
    timer = {"name": "a.timer", "content": "[Timer]\n", "enabled": True}
    return {"name": "a", "units": [timer], "files": [program]}


def test_prediction_run_and_second_run_agree(host, run_module):
    predicted = run_module(module, check=True, **options(host))
    assert not (host / "units").exists()
    real = run_module(module, **options(host))
    for key in ("changed", "diff", "enabled", "started"):
        assert predicted[key] == real[key]
    assert (real["changed"], real["enabled"], real["started"]) == (True, ["a.timer"], ["a.timer"])
    assert (host / "units" / "a.timer").read_text() == "[Timer]\n"
    assert receipts.read("units", "a")["left"]["units"] == {"a.timer": "active"}
    again = run_module(module, **options(host))
    assert (again["changed"], again["diff"]) == (False, [])


def test_a_unit_that_is_not_named_any_more_is_removed(host, run_module):
    run_module(module, **options(host))
    gone = run_module(module, name="a", units=[], files=[])
    assert (gone["changed"], os.listdir(host / "units")) == (True, [])
    assert not run_module(module, name="a", units=[], files=[])["changed"]
