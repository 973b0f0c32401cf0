# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes long without hardware virtualisation, for the full run: CIFS, removal, all of site.yml, other managers.

Last by name: the guest is made anew here.
"""

from __future__ import annotations

from typing import Any

import labtest
import pytest
from guesttest import VARIABLES, ask, converge, lab, vlans

pytestmark = pytest.mark.skipif(not labtest.FULL, reason="runs in make test-full")

PASSWORD = "with % and, a comma"
SAMBA = f"""
id nina >/dev/null 2>&1 || useradd --no-create-home nina
printf '%s\\n%s\\n' '{PASSWORD}' '{PASSWORD}' | smbpasswd -s -a nina
mkdir -p /srv/pictures && chown nina /srv/pictures
printf '[pictures]\\npath = /srv/pictures\\nread only = no\\nvalid users = nina\\n' > /etc/samba/smb.conf
systemctl restart smbd
"""


def test_a_share_of_a_cifs_server(host: Any, nas: Any) -> None:
    nas.check_output(SAMBA)
    server = labtest.host_variables()["lab_guests"]["guest-nas"]
    pictures = {
        "type": "cifs",
        "source": f"//{server}/pictures",
        "credentials": {"user": "nina", "secret": "nas"},
        "directories": {"raw": {}},
    }
    said = {"kronos_storage_cifs": {"pictures": pictures}, "kronos_secrets": {"storage": {"nas": PASSWORD}}}
    run = converge(**said)
    assert run.code == 0, run.output
    assert host.mount_point("/mnt/pictures").filesystem == "cifs"
    assert nas.file("/srv/pictures/raw").is_directory
    host.check_output("echo here > /mnt/pictures/raw/file")
    assert nas.check_output("cat /srv/pictures/raw/file") == "here"
    again = converge(**said)
    assert (again.code, again.changed) == (0, []), again.output
    assert converge().code == 0
    assert not host.mount_point("/mnt/pictures").exists


def test_what_no_zone_wants_goes_and_what_is_not_ours_stays(host: Any) -> None:
    host.check_output("ip link add link eth0 name eth0.99 type vlan id 99 && ip link set eth0.99 up")
    run = vlans(kronos_zones={})
    assert run.code == 0, run.output
    assert "kr30" not in host.check_output("ip -br link; ls /etc/systemd/network; ip rule; ip route show table all")
    assert host.run("nft list table inet kronos_marks").rc != 0
    assert "eth0.99@eth0" in host.check_output("ip -br link")
    assert vlans().code == 0
    assert ask("vlan_info")["vlans"]["kr30"]["gateways"] == {"10.30.0.1": True}


def test_all_of_a_host() -> None:
    run = labtest.site(**VARIABLES)
    assert run.code == 0, run.output
    slow = labtest.site(**VARIABLES, kronos_fast=False)
    assert (slow.code, slow.changed) == (0, []), slow.output


@pytest.mark.parametrize(
    ("suite", "manager"),
    [("trixie", "ifupdown"), ("trixie", "netplan"), ("bookworm", "networkd"), ("bookworm", "ifupdown")],
)
def test_other_managers_and_releases(suite: str, manager: str) -> None:
    lab("up", "--fresh", "--suite", suite, "--manager", manager, "--guest", "guest")
    first, second = vlans(), vlans()
    assert first.code == 0, first.output
    assert (second.code, second.changed) == (0, []), second.output
    for _boot in range(2):
        found = ask("vlan_info")
        assert found["manager"] == {"eth0": manager}
        assert (found["vlans"]["kr30"]["gateways"], found["vlans"]["kr30"]["differences"]) == ({"10.30.0.1": True}, [])
        if suite == "bookworm":
            break  # without hardware virtualisation the kernel 6.1 was seen to hang after a reset (soft lockup)
        lab("reboot", "--hard", "guest")
    gone = vlans(kronos_zones={})
    assert gone.code == 0, gone.output
    assert ask("vlan_info")["vlans"] == {}
