# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``ip -j`` says (copied from iproute2 6.1), and what of it is as wanted."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import vlan_live, vlan_model
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_live import differences
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_model import Route, Rule
from ansible_collections.kronos.homelab.tests.unit.fakes.vlan_host import VlanHost

RULES = """[{"priority":0,"src":"all","table":"local"},
{"priority":10000,"src":"10.77.3.0","srclen":24,"fwmark":"0xfff00000","fwmask":"0xfff00000","table":"main"},
{"priority":10010,"src":"all","fwmark":"0x1e00000","fwmask":"0xfff00000","table":"10030"},
{"priority":10020,"src":"10.77.3.0","srclen":24,"table":"main","suppress_prefixlen":0},
{"priority":10030,"src":"10.30.0.2","table":"10030","protocol":"static"},
{"priority":10040,"src":"10.77.3.0","srclen":24,"action":"unreachable"},
{"priority":10050,"src":"all","fwmark":"0xca6c","table":"51820"},
{"priority":10050,"not":null,"src":"all","table":"51820"},
{"priority":10050,"src":"all","dst":"10.0.0.0","dstlen":8,"table":"7"},
{"priority":10050,"src":"all","table":"7","suppress_prefixlen":8},
{"priority":32766,"src":"all","table":"main"},{"priority":32767,"src":"all","table":"default"}]"""
RULES6 = """[{"priority":0,"src":"all","table":"local"},
{"priority":10020,"src":"all","iif":"kr-media","iif_detached":null,"table":"main","suppress_prefixlen":0},
{"priority":10040,"src":"all","iif":"kr-media","action":"unreachable"},{"priority":32766,"src":"all","table":"main"}]"""
ROUTES = """[{"dst":"default","gateway":"10.30.0.1","dev":"kr30","table":"10030","flags":[]},
{"dst":"10.30.0.0/24","dev":"kr30","table":"10030","scope":"link","flags":[]},
{"dst":"10.50.0.0/16","gateway":"10.30.0.254","dev":"kr30","flags":[]},
{"dst":"10.30.0.0/24","dev":"kr30","protocol":"kernel","scope":"link","prefsrc":"10.30.0.2","flags":[]},
{"type":"local","dst":"10.30.0.2","dev":"kr30","table":"local","protocol":"kernel","scope":"host","flags":[]},
{"type":"blackhole","dst":"10.9.0.0/16","flags":[]}]"""
ROUTES6 = """[{"dst":"fd30::/64","dev":"kr30","table":"10030","metric":1024,"flags":[],"pref":"medium"},
{"dst":"default","gateway":"fd30::1","dev":"kr30","table":"10030","metric":1024,"flags":[],"pref":"medium"},
{"dst":"fe80::/64","dev":"kr30","protocol":"kernel","metric":256,"flags":[],"pref":"medium"}]"""
LINKS = """[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"addr_info":[]},{},
{"ifindex":4,"link":"eth0","ifname":"kr30","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1400,
"linkinfo":{"info_kind":"vlan","info_data":{"protocol":"802.1Q","id":30,"flags":["REORDER_HDR"]}},
"addr_info":[{"family":"inet","local":"10.30.0.2","prefixlen":24,"scope":"global"},
{"family":"inet6","local":"fe80::b4fd:13ff:fee7:e326","prefixlen":64,"scope":"link"}]},
{"ifindex":3,"link":"p","ifname":"v","flags":["BROADCAST"],"mtu":1500,"linkinfo":{"info_kind":"veth"}}]"""


def answering(argv: Any, timeout: float = 0) -> Ran:
    words = list(argv)
    if "addr" in words:
        return Ran(0, LINKS, "")
    pairs = {"route": (ROUTES, ROUTES6), "rule": (RULES, RULES6)}
    return Ran(0, pairs["route" if "route" in words else "rule"]["-6" in words], "")


def test_reading() -> None:
    live = vlan_live.read(answering)
    link = live.links["kr30"]
    assert (link.index, link.id, link.parent, link.mtu, link.up, link.carrier) == (4, 30, "eth0", 1400, True, True)
    assert (live.links["v"].id, live.links["v"].parent, live.links["v"].up) == (None, "", False)
    assert live.routes == {
        "kr30": frozenset(
            {
                Route("0.0.0.0/0", "10.30.0.1", 10030),
                Route("10.30.0.0/24", "", 10030),
                Route("10.50.0.0/16", "10.30.0.254", 254),
                Route("fd30::/64", "", 10030),
                Route("::/0", "fd30::1", 10030),
            }
        )
    }
    ours = sorted(rule for rule in live.rules if rule.priority < 32000 and rule.priority > 0)
    assert ours == [
        Rule(4, 10000, "10.77.3.0/24", mark=0xFFF00000),
        Rule(4, 10010, mark=30 << 20, table=10030),
        Rule(4, 10020, "10.77.3.0/24", action="near"),
        Rule(4, 10030, "10.30.0.2/32", table=10030),
        Rule(4, 10040, "10.77.3.0/24", action="unreachable"),
        Rule(6, 10020, incoming="kr-media", action="near"),
        Rule(6, 10040, incoming="kr-media", action="unreachable"),
    ], "rules that say more than ours can are others'"


def test_a_kernel_without_ipv6() -> None:
    def run(argv: Any, timeout: float = 0) -> Ran:
        if "-6" in argv:
            return Ran(2, "", "RTNETLINK answers: Operation not supported")
        return answering(argv)

    live = vlan_live.read(run)
    assert {rule.family for rule in live.rules} == {4}


def test_ip_that_fails_is_one_clear_line() -> None:
    with pytest.raises(KronosError, match=r"^ip -d addr show: Operation not permitted$"):
        vlan_live.read(lambda argv, timeout: Ran(1, "", "Operation not permitted\n"))


WANTED: dict[str, Any] = {
    "name": "kr30",
    "id": 30,
    "parent": "eth0",
    "addresses": ["10.30.0.2/24"],
    "gateways": ["10.30.0.1"],
    "mtu": 1400,
    "ipv6": False,
    "routes": [
        {"to": "10.30.0.0/24", "via": "", "table": 10030},
        {"to": "0.0.0.0/0", "via": "10.30.0.1", "table": 10030},
    ],
    "rules": [
        {"family": 4, "priority": 10030, "source": "10.77.3.0/24", "incoming": "", "mark": 0}
        | {"action": "lookup", "table": 10030}
    ],
}


@pytest.fixture
def host() -> VlanHost:
    made = VlanHost()
    made.bring_up([copy.deepcopy(WANTED)])
    return made


def test_what_stands_has_no_differences(host: VlanHost) -> None:
    assert differences(vlan_model.parse([WANTED]), vlan_live.read(host)) == []


SIZES = [
    # parent, stated, of the VLAN: what it has to be given
    (1500, None, 1500, 0),
    (1500, None, 1496, 0),  # of a parent that has no room for the tag
    (1500, None, 1400, 1500),
    (9000, None, 1500, 9000),
    (9000, 1500, 1500, 0),
    (1400, None, 1500, 0),
]


@pytest.mark.parametrize(("parent", "stated", "now", "wanted"), SIZES)
def test_an_mtu_that_nobody_states_is_the_parents(
    host: VlanHost, parent: int, stated: int | None, now: int, wanted: int
) -> None:
    host.links["eth0"]["mtu"], host.links["kr30"]["mtu"] = parent, now
    (each,) = vlan_model.parse([{**WANTED, "mtu": stated}])
    assert vlan_live.read(host).full_size(each) == wanted
    told = [f"kr30 has mtu: {now}"] if wanted else []
    assert differences([each], vlan_live.read(host)) == told


DRIFTS = [
    (lambda host: host.take_down("kr30"), ["kr30 is not there"]),
    (lambda host: host.links["kr30"].update(flags=[]), ["kr30 lacks state: up", "kr30 has state: down"]),
    (lambda host: host.links["kr30"].update(mtu=1500), ["kr30 lacks mtu: 1400", "kr30 has mtu: 1500"]),
    (lambda host: host.links["kr30"].update(link="eth1"), ["kr30 lacks vlan: 30 on eth0", "kr30 has vlan: 30 on eth1"]),
    (lambda host: host.links["kr30"].update(addr_info=[]), ["kr30 lacks address: 10.30.0.2/24"]),
    (
        lambda host: host.links["kr30"]["addr_info"].append({"local": "fe80::1", "prefixlen": 64}),
        ["kr30 has address: fe80::1/64"],
    ),
    (lambda host: host.routes[4].pop(), ["kr30 lacks route: 0.0.0.0/0 via 10.30.0.1 table 10030"]),
    (lambda host: host.rules[4].pop(), ["kr30 lacks rule: ipv4 pref 10030 from 10.77.3.0/24 lookup 10030"]),
]


@pytest.mark.parametrize(("drift", "says"), DRIFTS)
def test_every_drift_is_seen(host: VlanHost, drift: Any, says: list[str]) -> None:
    drift(host)
    assert differences(vlan_model.parse([WANTED]), vlan_live.read(host)) == says


def test_with_ipv6_on_a_link_local_address_is_no_drift(host: VlanHost) -> None:
    host.links["kr30"]["addr_info"].append({"local": "fe80::1", "prefixlen": 64})
    assert differences(vlan_model.parse([{**WANTED, "ipv6": True}]), vlan_live.read(host)) == []


def test_without_a_wanted_mtu_any_will_do(host: VlanHost) -> None:
    host.links["kr30"]["mtu"] = 9000
    assert differences(vlan_model.parse([{**WANTED, "mtu": None}]), vlan_live.read(host)) == []
