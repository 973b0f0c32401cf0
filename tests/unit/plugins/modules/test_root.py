# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the machine itself, used without root and outside of the site: one line, and nothing is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts, runner, shell, timed, timed_script
from ansible_collections.kronos.homelab.plugins.modules import accounts, firewall, storage, vlan

MODULES = [
    (accounts, {"users": [{"name": "anna"}]}),
    (firewall, {"ruleset": "table inet kronos {}"}),
    (storage, {"shares": []}),
    (vlan, {"interfaces": []}),
]


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(("module", "options"), MODULES)
def test_without_root_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run_module: Any, module: Any, options: dict[str, Any], check: bool
) -> None:
    def refuse(*words: Any, **_more: Any) -> None:
        raise AssertionError(f"asked the host: {words}")

    monkeypatch.setattr(shell, "is_root", lambda: False)
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path))  # where it is asked all the same
    monkeypatch.setattr(timed, "Place", lambda: timed_script.Place(str(tmp_path), str(tmp_path), str(tmp_path)))
    monkeypatch.setattr(runner.HostRunner, "__call__", refuse)
    said = run_module(module, check=check, **options)
    assert (said["failed"], said["msg"]) == (True, shell.NEEDS_ROOT)
    assert "\n" not in said["msg"]
