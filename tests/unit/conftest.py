# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property tests try the same examples each time; `make test-full` tries ten times as many, and new ones each time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

FULL = os.environ.get("KRONOS_FULL", "") not in ("", "0")

settings.register_profile(
    "kronos",
    derandomize=not FULL,
    database=None,
    deadline=None,
    max_examples=250 if FULL else 15,
    # To look for the smallest failing example takes minutes; `make test-full` does.
    phases=list(Phase) if FULL else [Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("kronos")
