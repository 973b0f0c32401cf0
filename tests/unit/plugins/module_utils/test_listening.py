# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import listening
from ansible_collections.kronos.homelab.plugins.module_utils.listening import Socket

# Captured from a Debian 13 host.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00007F:9A4D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 33157 1 0000000000000000
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 16911 1 0000000000000000
   2: 0C501CAC:0016 01501CAC:C6D4 01 00000000:00000000 02:00001D2C 00000000     0        0 36212 2 0000000000000000
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 00000000:00000000
   2: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000
   3: 000080FE00000000FF005450B2AEFFFE:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000
"""
UDP = """\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  100: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2 2 0 0
  101: 0C501CAC:8000 01501CAC:0035 01 00000000:00000000 00:00000000 00000000     0        0 2 2 0 0
"""


@pytest.mark.parametrize(
    ("protocol", "table", "found"),
    [
        ("tcp", TCP, [("127.0.0.11", 39501, True), ("0.0.0.0", 22, False)]),
        (
            "tcp",
            TCP6,
            [
                ("::", 22, False),
                ("::1", 631, True),
                ("127.0.0.1", 8080, True),
                ("fe80::5054:ff:feff:aeb2", 8081, False),
            ],
        ),
        ("udp", UDP, [("0.0.0.0", 53, False)]),
        ("tcp", "", []),
    ],
)
def test_parse(protocol, table, found):
    sockets = listening.parse(protocol, table)
    assert sockets == [Socket(protocol, port, address) for address, port, _loopback in found]
    assert [one.loopback for one in sockets] == [loopback for _address, _port, loopback in found]


def test_ports():
    sockets = listening.parse("tcp", TCP) + listening.parse("tcp", TCP6) + listening.parse("udp", UDP)
    assert listening.ports(sockets, "tcp") == [22, 8081]
    assert listening.ports(sockets, "udp") == [53]


def test_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        sockets = listening.read()
        assert Socket("tcp", port, "127.0.0.1") in sockets
        assert port not in listening.ports(sockets, "tcp")
    assert listening.read("/nothing") == []
