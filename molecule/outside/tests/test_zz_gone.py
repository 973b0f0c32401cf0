# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without the settings nothing of all this is left, neither here nor at Cloudflare."""

from __future__ import annotations

import json

from outsidetest import site


def test_without_the_settings_nothing_of_ours_stays(host):
    wanted = {"kronos_users": {}, "kronos_cloudflare": False, "kronos_vpn_forward": []}
    run = site(**wanted)
    assert run.code == 0, run.output
    world = json.loads(host.check_output("curl -s http://127.0.0.1:8055/test/look"))
    assert not [
        each for records in world["records"].values() for each in records if "kronos" in (each["comment"] or "")
    ]
    assert host.run("systemctl is-enabled kronos-cloudflare.timer").rc != 0
    assert host.run("ip link show wg-kronos").rc != 0
    assert host.run("iptables -n -L KRONOS-VPN").rc != 0
    for path in ("/etc/kronos/cloudflare", "/etc/kronos/wireguard", "/etc/systemd/system/kronos-vpn.service"):
        assert not host.file(path).exists, path
    assert "51820" not in host.check_output("nft list table inet kronos")
    again = site(**wanted)
    assert (again.code, again.changed) == (0, []), again.output
