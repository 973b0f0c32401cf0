# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress
import sys

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.host_ranges import Needed, in_the_way, read_needed

pytestmark = pytest.mark.skipif(sys.byteorder == "big", reason="the files below are of a little-endian machine")

ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0150A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0050A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t0000EC0A\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0
lo\t0000EF0A\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0
kr-in-media\t0020EC0A\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0
"""
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0250A8C0:0016 0500ED0A:D431 01 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0100007F:0016 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: 0250A8C0:0016 0600ED0A:D431 06 00000000:00000000 00:00000000 00000000     0        0 4 1
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 0000000000000000FFFF00000250A8C0:0016 0000000000000000FFFF00000700ED0A:D431 01 00000000:00000000
   1: 000080FE00000000FF005450DD1234FE:0016 000080FE00000000FF005450DD1234FF:D431 01 00000000:00000000
"""


@pytest.fixture
def needed(tmp_path):
    for name, text in (("route", ROUTE), ("tcp", TCP), ("tcp6", TCP6)):
        (tmp_path / name).write_text(text)
    return read_needed(str(tmp_path))


def test_what_a_host_needs(needed):
    assert [(str(one.network), one.interface) for one in needed] == [
        ("192.168.80.0/24", "eth0"),
        ("10.236.0.0/20", "tun0"),
        ("10.236.32.0/20", "kr-in-media"),
        ("10.237.0.5/32", ""),
        ("10.237.0.7/32", ""),
    ]


def test_a_host_that_tells_nothing(tmp_path):
    assert read_needed(str(tmp_path)) == []


@pytest.mark.parametrize(
    ("wanted", "standing", "why"),
    [
        ("10.236.0.0/20", [], "the route to 10.236.0.0/20 over tun0"),
        ("10.236.8.0/24", [], "the route to 10.236.0.0/20 over tun0"),
        ("192.168.0.0/16", [], "the route to 192.168.80.0/24 over eth0"),
        ("10.237.0.0/20", [], "a connection with 10.237.0.5"),
        ("10.237.0.0/20", ["10.237.0.0/24"], ""),  # a container of a network that is there already
        ("10.236.32.0/20", [], ""),  # a bridge of ours
        ("10.236.64.0/20", [], ""),
    ],
)
def test_in_the_way(needed, wanted, standing, why):
    ranges = [ipaddress.IPv4Network(one) for one in standing]
    assert in_the_way(ipaddress.IPv4Network(wanted), needed, ["kr-in-media"], ranges) == why


def test_nothing_is_needed():
    assert in_the_way(ipaddress.IPv4Network("10.0.0.0/8"), [], [], []) == ""
    route = Needed(ipaddress.IPv4Network("10.1.0.0/16"), "eth1", "why")
    assert in_the_way(ipaddress.IPv4Network("10.0.0.0/8"), [route], ["eth1"], []) == ""
