# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine module: prediction, run, quiet second run, and what it refuses."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import machine, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.modules import machine as module


@pytest.fixture
def places(monkeypatch, tmp_path):
    """Files of the test's own."""
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "CET").write_text("")
    names = ("hostname", "hosts", "localtime", "timezone", "zones", "kernel", "languages", "cloud")
    found = machine.Places(language=(), **{name: str(tmp_path / name) for name in names})
    monkeypatch.setattr(module, "PLACES", found)
    monkeypatch.setattr(module, "HostRunner", lambda: lambda argv, timeout=0: Ran(0, "", ""))
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    return found


WISH = {"timezone": "CET", "hosts": [{"address": "192.0.2.5", "names": ["nas"]}]}


def test_prediction_run_and_second_run_agree(places, run_module):
    predicted = run_module(module, check=True, **WISH)
    real = run_module(module, **WISH)
    assert (predicted["changed"], predicted["diff"]) == (real["changed"], real["diff"]) == (True, real["diff"])
    left = receipts.read("machine", "host")["left"]
    assert left["links"] == {places.localtime: f"{places.zones}/CET"}
    before = receipts.read("machine", "host")
    assert not run_module(module, run="another", **WISH)["changed"]
    assert receipts.read("machine", "host") == before  # what a later run has nothing to do with is as it was


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"hosts": [{"address": "nas", "names": ["nas"]}]}, "hosts[0].address: 'nas' is no IP address"),
        ({"hosts": [{"address": "::1", "names": ["a b"]}]}, "hosts[0].names: ['a b'] is no host name"),
        ({"hosts": [{"address": "::1", "names": []}]}, "hosts[0].names: nothing is no host name"),
    ],
)
def test_what_is_refused(places, run_module, wish, says):
    assert run_module(module, **wish)["msg"] == says
