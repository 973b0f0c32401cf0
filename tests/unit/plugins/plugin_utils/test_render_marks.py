# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks of connections, as nftables reads them."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_marks import mark_chains, vlan_marks

ZONE = {
    "vlan": {"id": 30, "parent": "eth0", "address": "10.30.0.2/24", "gateway": "10.30.0.1"},
    "network": {"subnet": "10.77.3.0/24"},
}
TEXT = """\
table inet kronos_marks
delete table inet kronos_marks
table inet kronos_marks {
  chain kronos_arrive {
    type filter hook prerouting priority mangle; policy accept;
    ct direction reply jump kronos_answer
    ct direction reply ct mark and 0xfff00000 == 0xfff00000 meta mark set meta mark and 0x000fffff or 0xfff00000 return
    ct direction reply return
    ct state != new return
    iifname "lo" return
    iifname "docker0" return
    iifname "br-*" return
    iifname "kr-*" return
    iifname "veth*" return
    iifname "kr30" ct mark set ct mark and 0x000fffff or 0x01e00000 return
    ct mark set ct mark and 0x000fffff or 0xfff00000
  }
  chain kronos_leave {
    type route hook output priority mangle; policy accept;
    ct direction reply jump kronos_answer
  }
  chain kronos_answer {
    ct direction reply ct mark and 0xfff00000 == 0x01e00000 meta mark set meta mark and 0x000fffff or 0x01e00000 return
  }
}
"""


def test_the_table(planning: Any) -> None:
    assert vlan_marks(planning.plan(kronos_zones={"media": ZONE})) == TEXT


def test_without_vlans_nothing_is_marked(planning: Any) -> None:
    plan = planning.plan(kronos_zones={"media": {}})
    assert (vlan_marks(plan), mark_chains(plan)) == ("", [])


def test_each_vlan_has_a_mark_of_its_own(planning: Any) -> None:
    other = {
        "vlan": {**ZONE["vlan"], "id": 31, "address": "10.31.0.2/24", "gateway": None},
        "network": {"subnet": "10.77.4.0/24"},
    }
    lines = mark_chains(planning.plan(kronos_zones={"media": ZONE, "apps": other}))
    assert [line.strip() for line in lines if 'iifname "kr3' in line] == [
        'iifname "kr30" ct mark set ct mark and 0x000fffff or 0x01e00000 return',
        'iifname "kr31" ct mark set ct mark and 0x000fffff or 0x01f00000 return',
    ]


@pytest.mark.skipif(not shutil.which("nft"), reason="nft is not installed")
def test_nftables_takes_it(planning: Any) -> None:
    text = vlan_marks(planning.plan(kronos_zones={"media": ZONE}))
    done = subprocess.run(["nft", "-c", "-f", "-"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
