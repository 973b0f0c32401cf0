# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The neighbour of the host under test, and what the tests of this scenario share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import labtest
import pytest
import testinfra

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def nas() -> Any:
    """The guest on the same cable: router of the VLAN and file server."""
    return testinfra.get_host("ansible://guest-nas", ansible_inventory=str(labtest.INVENTORY))
