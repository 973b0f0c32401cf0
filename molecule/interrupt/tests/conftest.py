# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that all tests of this scenario work on."""

from __future__ import annotations

import faults
import labtest
import pytest
from faults import Fault
from faults.wishes import A, wish
from faults.world import World
from ordeal import inside


@pytest.fixture(scope="session")
def world() -> World:
    """A fresh host's first run is killed while packages are being installed; the second one makes everything."""
    if not inside("command -v dockerd", check=False):
        faults.install()
        fault = Fault("packages", find="run apt-get .* install", delay=4)
        run = labtest.site(**wish(A), **faults.arm(fault))
        assert faults.struck(), run.output
        assert run.code != 0
    world = World()
    world.go(A)
    world.settle()
    return world
