# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of the scenario, told once for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from guarding.story import Story, forget, story_of


@pytest.fixture(scope="session", autouse=True)
def story() -> Iterator[Story]:
    """The runs, and what was seen meanwhile."""
    yield story_of()
    forget()
