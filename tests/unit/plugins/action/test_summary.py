# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that a run has lost are told once."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.action.summary import lost_hosts


@pytest.mark.parametrize(
    ("host", "left", "everyone", "told"),
    [
        ("a", ["a", "b"], ["a", "b"], []),
        ("a", ["a", "b"], ["a", "b", "c"], ["c"]),
        ("b", ["a", "b"], ["a", "b", "c"], []),
        ("b", ["b"], ["a", "b", "c"], ["a", "c"]),
    ],
)
def test_lost_hosts(host: str, left: list[str], everyone: list[str], told: list[str]) -> None:
    variables: dict[str, Any] = {
        "inventory_hostname": host,
        "ansible_play_hosts": left,
        "ansible_play_hosts_all": everyone,
    }
    assert [line.split(":")[0] for line in lost_hosts(variables)] == told
    assert lost_hosts({}) == []
