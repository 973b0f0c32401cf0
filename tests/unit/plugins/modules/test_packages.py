# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.modules import packages


class Host:
    """A host where apt-get really makes a package appear."""

    def __init__(self, receipts):
        self.receipts = receipts
        self.installed = {"adduser"}

    def __call__(self, argv, stdin="", timeout=600):
        if argv[0] == "dpkg-query":
            return Ran(0, "".join(f"{name}\tinstalled\t1\t\n" for name in self.installed), "")
        if "install" in argv:
            self.installed |= set(argv[argv.index("--") + 1 :])
        return Ran(0, "", "")


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    host = Host(tmp_path / "receipts")
    monkeypatch.setattr(packages, "HostRunner", lambda environment: host)
    return host


def test_check_mode_says_what_the_run_does_and_a_second_run_is_quiet(host, run_module):
    names = ["adduser", "docker.io"]
    predicted = run_module(packages, check=True, names=names)
    assert host.installed == {"adduser"}
    assert not host.receipts.exists()
    done = run_module(packages, names=names)
    assert predicted["installed"] == done["installed"] == ["docker.io"]
    assert predicted["diff"] == done["diff"]
    assert host.installed == {"adduser", "docker.io"}
    assert receipts.read("packages", "all")["left"] == {"packages": names}
    assert not run_module(packages, names=names)["changed"]
