# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes what the tests of this scenario share importable."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def foretold():
    """A whole run in check mode on the converged host, with all that Ansible can be made to say."""
    from outsidetest import site

    return site("-vv", "--check", kronos_fast=False)
