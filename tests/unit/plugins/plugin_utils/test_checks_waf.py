# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall's memory and the largest bodies that it is to look at; the message is in tests/broken."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError


@pytest.mark.parametrize(
    ("waf", "memory", "fits"),
    [
        (True, "1g", True),
        ({"max_body": "99m"}, "1g", True),
        ({"max_body": "100m"}, "1g", False),
        ({"max_body": "100m"}, "2g", True),
        (True, "128m", False),
        (False, "128m", True),
    ],
)
def test_largest_body_and_memory(planning: Any, waf: Any, memory: str, fits: bool) -> None:
    services = {
        "a": {"image": "x/a:1", "routes": [{"host": "a", "port": 80, "access": "lan", "waf": waf}]},
        "waf": {"limits": {"memory": memory}},
    }
    variables = {"kronos_stacks": ["traefik", "waf"], "kronos_services": services}
    if fits:
        assert planning.plan(**variables)["routes"]
    else:
        with pytest.raises(PlanError, match="times the memory"):
            planning.plan(**variables)
