# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host of this scenario: each of our folders is a small file system of its own, which a test can fill or lock."""

from __future__ import annotations

import labtest
import ordeal
import pytest


@pytest.fixture(scope="session", autouse=True)
def _converged() -> None:
    for folder in ordeal.OURS:
        ordeal.inside(
            f"mkdir -p {folder} && (mountpoint -q {folder} || mount -t tmpfs -o size=64m,mode=0755 kronos {folder})"
        )
    run = labtest.site(**ordeal.BASE)
    assert run.code == 0, run.output
