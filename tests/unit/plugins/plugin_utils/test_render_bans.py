# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program for bans is told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_bans import ban_rules
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError


def test_rules(plans: Any) -> None:
    zone = {"vlan": {"address": "10.0.30.2/24"}, "backup_vlan": None}
    plan = plans.plan(settings={"ssh_sources": ["198.51.100.0/24"]}, zones={"iot": zone})
    found = ban_rules(plan, {"within": "2m"})
    assert (found["failures"], found["within"], found["ban"]) == (30, 120, 3600)
    assert {"192.0.2.0/24", "10.9.0.0/24", "198.51.100.0/24", "10.0.30.0/24", "173.245.48.0/20"} <= set(found["never"])
    assert found["open"] == [{"protocol": "tcp", "port": 22}]


def test_the_tunnel_stays_open(plans: Any) -> None:
    found = ban_rules(plans.plan(settings={"ssh_port": 2222}, vpn={"port": 51820}))
    assert found["open"] == [{"protocol": "tcp", "port": 2222}, {"protocol": "udp", "port": 51820}]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"failure": 3}, r"traefik_ban\.failure: no such key"),
        ({"failures": 1}, r"traefik_ban\.failures: a number from 2 to 1000"),
        ({"failures": True}, r"traefik_ban\.failures: "),
        ({"failures": "5"}, r"traefik_ban\.failures: "),
        ({"within": "0m"}, r"traefik_ban\.within: a duration"),
        ({"for": "1h; id"}, r"traefik_ban\.for: a duration"),
        ({"for": 60}, r"traefik_ban\.for: a duration"),
    ],
)
def test_bad_input(said: dict[str, Any], message: str, plans: Any) -> None:
    with pytest.raises(RenderError, match=message):
        ban_rules(plans.plan(), said)
