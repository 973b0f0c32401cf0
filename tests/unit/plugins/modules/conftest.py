# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module as Ansible would, within the test's own process."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kronos.homelab.plugins.module_utils import lease, shell


@pytest.fixture(autouse=True)
def _turns_elsewhere(monkeypatch, tmp_path_factory):
    """Modules take turns in a folder of the test, not in the machine's own."""
    monkeypatch.setattr(lease, "FOLDER", str(tmp_path_factory.mktemp("run") / "kronos"))


@pytest.fixture(autouse=True)
def _as_root(monkeypatch):
    """The tests need not be root."""
    monkeypatch.setattr(shell, "is_root", lambda: True)


@pytest.fixture
def run_module(capsys, monkeypatch):
    """``run_module(module, check=False, **options)`` gives the module's result, failed or not."""
    # once another test has imported controller code, warnings would be displayed instead of returned
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)

    def run(module, check=False, **options):
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run
