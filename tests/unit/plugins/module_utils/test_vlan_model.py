# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a caller may ask for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import vlan_model
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

GOOD: dict[str, Any] = {
    "name": "kr30",
    "id": 30,
    "parent": "eth0",
    "addresses": ["10.30.0.2/24"],
    "gateways": [],
    "mtu": None,
    "ipv6": False,
    "routes": [],
    "rules": [],
}
ROUTE = {"to": "10.50.0.0/16", "via": "10.30.0.1", "table": 254}
RULE = {"family": 4, "priority": 1, "source": "", "incoming": "", "mark": 0, "action": "lookup", "table": 254}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"id": 4095, "name": "kr4095"}, "kr4095: VLAN id 4095; wanted 1 to 4094"),
        ({"id": 0, "name": "kr0"}, "kr0: VLAN id 0"),
        ({"name": "eth0.30"}, "eth0.30: wanted the name kr30"),
        ({"parent": "eth0; reboot"}, "parent 'eth0; reboot' is no name of an interface"),
        ({"addresses": ["10.30.0.2"]}, "address '10.30.0.2'; wanted one with its prefix length"),
        ({"addresses": ["10.30.0/24"]}, "address '10.30.0/24'; wanted"),
        ({"routes": [{**ROUTE, "to": "default"}]}, "route to 'default'; wanted a network"),
        ({"routes": [{**ROUTE, "via": "router"}]}, "route via 'router'; wanted an address"),
        ({"rules": [{**RULE, "source": "media"}]}, "rule for source 'media'; wanted a network"),
        ({"rules": [{**RULE, "incoming": "$(x)"}]}, r"rule for '\$\(x\)', which is no name of an interface"),
    ],
)
def test_what_is_wrong_is_said(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(KronosError, match=says):
        vlan_model.parse([{**GOOD, **wrong}])


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(KronosError) as caught:
        vlan_model.parse([{**GOOD, "id": 5000}, {**GOOD, "addresses": ["x"]}])
    assert str(caught.value).count(";") >= 3
    for part in ("VLAN id 5000", "address 'x'", "name kr30 is named twice"):
        assert part in str(caught.value)


def test_lines_are_in_one_order() -> None:
    swapped = {**GOOD, "addresses": ["fd30::2/64", "10.30.0.2/24"], "rules": [{**RULE, "priority": 2}, RULE]}
    straight = {**GOOD, "addresses": ["10.30.0.2/24", "fd30::2/64"], "rules": [RULE, {**RULE, "priority": 2}]}
    (one,), (other,) = vlan_model.parse([swapped]), vlan_model.parse([straight])
    assert one.lines() == other.lines()
