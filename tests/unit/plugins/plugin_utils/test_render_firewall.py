# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ruleset, read as the kernel would read it: what it lets in is what the reach table says, and nothing else."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.exposure import exposure
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_firewall import firewall_ruleset
from hypothesis import given, settings
from hypothesis import strategies as st

VLAN = {"id": 30, "parent": "eth0", "address": "10.30.0.2/24", "gateway": "10.30.0.1", "mtu": None}
OTHER = {"id": 40, "parent": "eth0", "address": "10.40.0.2/24", "gateway": None, "mtu": None}
ZONES = {
    "default": {"network": "kronos-default", "driver": "bridge", "vlan": None, "backup_vlan": None},
    "iot": {"network": "kronos-iot", "driver": "bridge", "vlan": VLAN, "backup_vlan": None},
    "nas": {"network": "kronos-nas", "driver": "bridge", "vlan": OTHER, "backup_vlan": None},
}
NETWORKS = [
    {"name": f"kronos-{name}", "bridge": f"kr-{name}", "internal": name.startswith(("in-", "to-"))}
    for name in ("default", "in-default", "iot", "in-iot", "nas", "to-app")
]
# An address for each source of the table.
PLACES = {
    ("internet", 4): "198.51.100.7",
    ("internet", 6): "2001:db8:ffff::7",
    ("lan", 4): "192.0.2.50",
    ("lan", 6): "2001:db8:1::50",
    ("vpn", 4): "10.9.0.5",
    ("cloudflare", 4): "104.16.0.9",
    ("cloudflare", 6): "2606:4700::9",
    ("zone iot", 4): "10.30.0.77",
    ("zone nas", 4): "10.40.0.77",
}


# Who publishes, and where Docker sends what comes to the ports.
APPS = {"app-0": "default", "app-1": "iot"}


def make_plan(plans, ports=(), **said):
    published = [{"service": f"app-{port['port'] % 2}", "target": 80, **port} for port in ports]
    both = {"lan": ["192.0.2.0/24", "2001:db8:1::/64"], **said}
    meter = plans.service("meter", network="host", networks=[], joins_zones=False)
    proxy = plans.service("proxy", joins_zones=True)
    scrape = {"service": "meter", "target": "172.17.0.1:9100"}
    apps = [plans.service(name, networks=[f"kronos-{zone}"], joins_zones=False) for name, zone in APPS.items()]
    rest = {"zones": ZONES, "networks": NETWORKS, "published": published, "scrapes": [scrape]}
    return plans.plan(meter, proxy, *apps, settings=both, **rest)


@dataclass
class Packet:
    """A first packet of a connection: by what bridge it came, where it goes, and what Docker did to it."""

    source: str
    port: int
    protocol: str = "tcp"
    came: str = "eth0"
    goes: str = ""
    dnat: bool = False
    target: str = "192.0.2.10"

    @property
    def family(self):
        return ipaddress.ip_address(self.source).version


class Kernel:
    """Walks through the chains; understands exactly the words that our ruleset is made of, and fails on any other."""

    def __init__(self, text):
        self.sets, self.chains = {}, {}
        for kind, name, body in re.findall(r"\t(set|chain) (\w+) \{\n(.*?)\n\t\}", text, re.DOTALL):
            lines = [line.strip() for line in body.splitlines()]
            if kind == "chain":
                self.chains[name] = lines
            else:
                listed = re.search(r"elements = \{ (.*) \}", body)
                ranges = listed.group(1).split(", ") if listed else []
                self.sets[name] = [ipaddress.ip_network(item) for item in ranges]

    def verdict(self, chain, packet):
        for line in self.chains[chain]:
            if line.startswith("type filter"):
                continue
            said = self.step(line, packet)
            if said is None:
                continue
            kind, _space, target = said.partition(" ")
            if kind in ("accept", "drop"):
                return kind
            found = self.verdict(target, packet)
            if found or kind == "goto":
                return found
        return None if chain not in ("input", "forward") else re.search(r"policy (\w+)", self.chains[chain][0]).group(1)

    def step(self, line, packet):
        """Return the verdict of a rule that matches."""
        if line.startswith(("ct state", "icmp", "udp sport", "ip6 saddr fe80", "limit rate", "meta pkttype")):
            return None  # known connections, other protocols, and what slows down or logs
        rest = line
        while rest:
            if re.fullmatch(r"(counter )?(accept|drop|(jump|goto) \w+)", rest):
                return rest.removeprefix("counter ")
            if rest == "meta l4proto igmp accept":
                return None
            holds, rest = self.match(rest, packet)
            if not holds:
                return None
        raise AssertionError(f"no verdict: {line}")

    def match(self, text, packet):
        def took(pattern):
            return re.match(pattern + r" ", text)

        if found := took(r'([io]ifname) (!= )?(?:"([^"]+)"|\{ ([^}]*) \})'):
            name = packet.came if found[1] == "iifname" else packet.goes
            names = [found[3]] if found[3] else re.findall(r'"([^"]+)"', found[4])
            fits = any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in names)
            holds = fits != bool(found[2])
        elif found := took(r"meta nfproto ipv([46])"):
            holds = packet.family == int(found[1])
        elif found := took(r"ct status dnat"):
            holds = packet.dnat
        elif found := took(r"meta l4proto (tcp|udp) ct original proto-dst \{ ([^}]*) \}"):
            holds = packet.protocol == found[1] and str(packet.port) in found[2].split(", ")
        elif found := took(r"(tcp|udp) dport (\d+)"):
            holds = (packet.protocol, packet.port) == (found[1], int(found[2]))
        elif found := took(r"(ip6?) (saddr|daddr) (?:@(\w+)|\{ ([^}]*) \}|([0-9a-f.:/]+))"):
            ranges = (
                self.sets[found[3]]
                if found[3]
                else [ipaddress.ip_network(r) for r in (found[4] or found[5]).split(", ")]
            )
            address = ipaddress.ip_address(packet.source if found[2] == "saddr" else packet.target)
            same = address.version == (6 if found[1] == "ip6" else 4)
            holds = same and any(address in one for one in ranges if one.version == address.version)
        else:
            raise AssertionError(f"unknown words: {text}")
        return holds, text[found.end() :]


REACHES = ("public", "lan", "vpn", "iot", "nas", "default")
PORTS = st.lists(
    st.fixed_dictionaries(
        {
            "port": st.sampled_from([80, 443, 7000, 7001, 53]),
            "protocol": st.sampled_from(["tcp", "udp"]),
            "reach": st.sampled_from(REACHES),
        }
    ),
    max_size=6,
    unique_by=lambda port: (port["port"], port["protocol"]),
)
OPTIONS = st.fixed_dictionaries(
    {
        "ipv6": st.booleans(),
        "web_from": st.sampled_from(["anywhere", "cloudflare"]),
        "ssh_sources": st.sampled_from([[], ["192.0.2.0/24"], ["10.9.0.0/24", "2001:db8:1::/64"]]),
        "ssh_port": st.sampled_from([22, 2222]),
    }
)


@settings(max_examples=150, deadline=None)
@given(ports=PORTS, options=OPTIONS)
def test_what_is_let_in_is_what_the_table_says(plans, ports, options):
    plan = make_plan(plans, ports, **options)
    kernel = Kernel(firewall_ruleset(plan))
    table = {(row["source"], row["port"], row["protocol"], fam) for row in exposure(plan) for fam in row["families"]}
    sources = {row["source"] for row in exposure(plan)} | {"internet", "lan", "vpn", "zone iot", "zone nas"}
    for (source, family), address in PLACES.items():
        if source not in sources:
            continue
        for port in (22, 80, 443, 7000, 7001, 53, 2222, 9100):
            for protocol in ("tcp", "udp"):
                wanted = (source, port, protocol, f"ipv{family}") in table
                packet = Packet(address, port, protocol)
                assert (kernel.verdict("input", packet) == "accept") == wanted, packet
                # What Docker translates takes the other way. No service of the host, such as SSH, is translated.
                translated = Packet(address, port, protocol, goes="kr-default", dnat=True)
                assert (kernel.verdict("forward", translated) == "accept") == wanted, translated


@settings(max_examples=50, deadline=None)
@given(ports=PORTS, options=OPTIONS)
def test_what_containers_reach_at_the_host(plans, ports, options):
    plan = make_plan(plans, ports, **options)
    kernel = Kernel(firewall_ruleset(plan))
    table = {(row["source"], row["port"], row["protocol"]) for row in exposure(plan) if "containers" in row["source"]}
    published = {(port["port"], port["protocol"]) for port in ports}
    for zone in ZONES:
        for port in (22, 80, 443, 7000, 7001, 53, 2222, 9100):
            for protocol in ("tcp", "udp"):
                packet = Packet("192.0.2.77", port, protocol, came=f"kr-{zone}", target="172.17.0.1")
                wanted = (f"containers in {zone}", port, protocol) in table
                assert (kernel.verdict("input", packet) == "accept") == wanted, packet
                if (port, protocol) in published and APPS[f"app-{port % 2}"] != zone:
                    goes = f"kr-{APPS[f'app-{port % 2}']}"  # Docker translates what comes by another bridge
                    packet = Packet("192.0.2.77", port, protocol, came=f"kr-{zone}", goes=goes, dnat=True)
                    assert (kernel.verdict("forward", packet) == "accept") == wanted, packet


@pytest.mark.parametrize(
    ("came", "goes", "target", "verdict"),
    [
        ("kr-default", "eth0", "1.1.1.1", "accept"),
        ("kr-default", "kr-default", "172.18.0.3", "accept"),  # two ports of one bridge
        ("kr-in-default", "kr-in-default", "172.18.1.3", "accept"),
        ("kr-in-default", "eth0", "1.1.1.1", "drop"),  # an internal network has no way out
        ("kr-default", "kr-iot", "172.18.2.3", "drop"),  # zones meet on shared networks alone
        ("kr-iot", "docker0", "172.17.0.3", "drop"),
        ("kr-iot", "kr30", "10.30.0.9", "accept"),  # its own VLAN
        ("kr-iot", "kr40", "10.40.0.9", "drop"),  # not that of another zone
        ("kr-default", "kr40", "10.40.0.9", "drop"),
        ("eth0", "kr-default", "172.18.0.3", "drop"),  # routed straight to a container
        ("eth0", "docker0", "172.17.0.3", "drop"),
        ("kr30", "kr40", "10.40.0.9", "drop"),  # the host is no router between VLANs
        ("eth0", "kr40", "10.40.0.9", "drop"),
        ("kr30", "eth0", "192.0.2.9", "drop"),
        ("br-0123456789ab", "eth0", "1.1.1.1", "accept"),  # containers of others, going out
        ("br-0123456789ab", "kr-default", "172.18.0.3", "drop"),
        ("wg0", "eth0", "192.0.2.9", "accept"),  # a VPN server of the user's own
    ],
)
def test_what_passes_through(plans, came, goes, target, verdict):
    kernel = Kernel(firewall_ruleset(make_plan(plans, [{"port": 7000, "protocol": "tcp", "reach": "public"}])))
    packet = Packet("192.0.2.77", 7000, came=came, goes=goes, target=target)
    assert kernel.verdict("forward", packet) == verdict


@pytest.mark.parametrize(
    ("came", "source", "verdict"),
    [
        ("wg-kronos", "10.9.0.5", "accept"),
        ("lo", "10.9.0.1", "accept"),
        ("eth0", "10.9.0.5", "drop"),  # a neighbour who says that he is a device of ours
        ("wg0", "10.8.0.5", "accept"),  # another VPN of the home
        ("eth0", "192.0.2.50", "drop"),
    ],
)
def test_nobody_has_an_address_of_our_vpn_who_does_not_come_out_of_it(plans, came, source, verdict):
    plan = make_plan(plans, [{"port": 7000, "protocol": "udp", "reach": "vpn"}], vpn=["10.9.0.0/24", "10.8.0.0/24"])
    plan["vpn"] = {"interface": "wg-kronos", "address": "10.9.0.1/24", "port": 51820, "forward": []}
    kernel = Kernel(firewall_ruleset(plan))
    assert kernel.verdict("input", Packet(source, 7000, "udp", came=came)) == verdict
    if came != "lo":
        dnat = Packet(source, 7000, "udp", came=came, goes="kr-default", dnat=True)
        assert kernel.verdict("forward", dnat) == verdict


def test_what_others_publish_is_closed(plans):
    kernel = Kernel(firewall_ruleset(make_plan(plans)))
    for goes in ("docker0", "br-0123456789ab", "kr-default"):
        assert kernel.verdict("forward", Packet("192.0.2.50", 7777, goes=goes, dnat=True)) == "drop"


def test_replaced_in_one_transaction(plans):
    lines = firewall_ruleset(make_plan(plans)).splitlines()
    assert lines[2:5] == ["table inet kronos", "delete table inet kronos", "table inet kronos {"]
    assert "flush ruleset" not in "\n".join(lines)


# What a home network lives by: addresses given by DHCP, neighbours found, packets that are too big told so.
ALIVE = [
    "udp sport 67 udp dport 68 accept",
    "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
    "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
    "icmp type echo-request limit rate 50/second burst 100 packets accept",
    "icmpv6 type echo-request limit rate 50/second burst 100 packets accept",
    "meta l4proto igmp accept",
]
ALIVE6 = ["packet-too-big", "nd-router-advert", "nd-neighbor-solicit", "nd-neighbor-advert", "destination-unreachable"]


@pytest.mark.parametrize("ipv6", [False, True])
def test_what_a_network_lives_by_is_let_in(plans, ipv6):
    chain = Kernel(firewall_ruleset(make_plan(plans, ipv6=ipv6))).chains["input"]
    for line in ALIVE:
        assert chain.index(line) < chain.index("jump published"), line
    (neighbours,) = (line for line in chain if line.startswith("icmpv6 type {"))
    assert neighbours.endswith(" } accept")
    assert {*ALIVE6} <= {*neighbours.partition("{ ")[2].partition(" }")[0].split(", ")}


def test_refused_packets_are_all_counted_and_few_are_logged(plans):
    refused = Kernel(firewall_ruleset(make_plan(plans), {"log_rate": "5/minute"})).chains["refused"]
    assert refused == [
        "meta pkttype { broadcast, multicast } counter drop",
        'limit rate 5/minute burst 20 packets counter log prefix "kronos refused: "',
        "counter drop",
    ]


def test_lines_of_the_user_stand_before_the_refusal(plans):
    text = firewall_ruleset(make_plan(plans), {"input": ["udp dport 5353 accept"], "forward": ["iifname wg0 accept"]})
    assert text.index("udp dport 5353 accept") < text.index("goto refused", text.index("chain input"))
    assert text.index("iifname wg0 accept") < text.index("ct status dnat goto refused")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ssh_rat": "1/second"}, "options.ssh_rat: no such option"),
        ({"web_rate": "fast"}, "options.web_rate: a rate such as 30/minute is wanted, found 'fast'"),
        ({"log_rate": "1/second; flush ruleset"}, "options.log_rate"),
        ({"cloudflare": ["x"]}, "options.cloudflare: networks are wanted"),
    ],
)
def test_wrong_options(plans, options, message):
    with pytest.raises(RenderError, match=message):
        firewall_ruleset(make_plan(plans), options)
