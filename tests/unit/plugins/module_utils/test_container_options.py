# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.container_options import hashes, options_of

CASES = [
    ({"Config": {"Env": ["A=1", "B=x=y", "C="]}}, {"environment.A": "1", "environment.B": "x=y"}),
    ({"Config": {"Labels": {"com.docker.compose.project": "p", "kronos.stack": "s"}}}, {"labels.kronos.stack": "s"}),
    ({"Id": "abcdef", "Config": {"Hostname": "abc"}}, {}),
    ({"Id": "abcdef", "Config": {"Hostname": "elsewhere"}}, {"hostname": "elsewhere"}),
    ({"HostConfig": {"NetworkMode": "container:77"}}, {"network_mode": "container"}),
    ({"HostConfig": {"CapDrop": ["b", "a"], "Memory": 5, "MemorySwap": 9}}, None),
    ({"HostConfig": {"Memory": 0, "Dns": [], "Init": False, "Runtime": "", "CpuQuota": 0}}, {}),
    ({}, {}),
]


@pytest.mark.parametrize(("document", "expected"), CASES)
def test_options(document, expected):
    wanted = {"cap_drop": ["a", "b"], "mem_limit": 5, "memswap_limit": 9} if expected is None else expected
    assert options_of(document) == wanted


def test_hashes_hold_no_value():
    found = hashes({"environment.A": "marker", "tty": True})
    assert set(found) == {"environment.A", "tty"}
    assert "marker" not in str(found)
