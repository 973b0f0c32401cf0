# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall's ruleset: one nftables table of ours, from the plan. Pure.

What enters the host is matched by the port before Docker's NAT (``ct original proto-dst``), wherever it arrives: in
``forward`` after Docker has translated it, in ``input`` where docker-proxy or a program of the host listens. Docker
translates only what is sent to an address of the host, so ``ct status dnat`` keeps away what is routed straight to a
container. An accept here overrides no drop of Docker's, which keeps the bridges apart.
https://wiki.nftables.org/wiki-nftables/index.php/Netfilter_hooks
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils import flows as flow
from ansible_collections.kronos.homelab.plugins.plugin_utils.flows import (
    EVERYONE,
    Flows,
    Opening,
    of_family,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.names import vlan_interface
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, RenderError

TABLE = "inet kronos"
OURS = '"kr-*"'  # every bridge of ours is called so
RATE = re.compile(r"[1-9][0-9]{0,5}/(second|minute|hour|day)")
FAMILY = {4: "ip", 6: "ip6"}
DEFAULTS: Data = {
    "ssh_rate": "30/minute",
    "web_rate": "100/second",
    "log_rate": "10/minute",
    "cloudflare": [],
    "input": [],
    "forward": [],
}
STATES = "ct state vmap { established : accept, related : accept, invalid : drop }"


def firewall_ruleset(plan: Plan, options: Mapping[str, Any] | None = None) -> str:
    """Return the text that loads the table in one transaction, whatever was there of it before.

    *options*: see DEFAULTS; without ranges of Cloudflare those of the plan are meant; input and forward are lines of
    nftables that stand before the last refusal.
    """
    said = _options(options or {})
    found = flow.flows(plan, said["cloudflare"])
    body = [*_sets(found, said), *_published(plan, found, said), *_containers(plan, found)]
    body += [*_refused(said), *_input(said), *_forward(plan, said), *_leaving(plan)]
    head = ["# SPDX-License-Identifier: GPL-3.0-or-later", "# Derived from the plan; edits are lost."]
    # Declared first, so that deleting it never fails: all three lines are one transaction.
    lines = [*head, f"table {TABLE}", f"delete table {TABLE}", f"table {TABLE} {{", *body, "}"]
    return "\n".join(lines) + "\n"


def _options(options: Mapping[str, Any]) -> Data:
    unknown = sorted(set(options) - set(DEFAULTS))
    if unknown:
        raise RenderError(f"options.{unknown[0]}: no such option; known are {', '.join(DEFAULTS)}")
    said = {**DEFAULTS, **options}
    for name in ("ssh_rate", "web_rate", "log_rate"):
        if not RATE.fullmatch(str(said[name])):
            raise RenderError(f"options.{name}: a rate such as 30/minute is wanted, found {said[name]!r}")
    try:
        of_family(said["cloudflare"], 4)
    except ValueError as error:
        raise RenderError(f"options.cloudflare: networks are wanted: {error}") from None
    return said


def _block(head: str, lines: Iterable[str]) -> list[str]:
    return [f"\t{head} {{", *(f"\t\t{line}" for line in lines), "\t}", ""]


def _sets(found: Flows, said: Data) -> Iterator[str]:
    for name, networks in found.sets.items():
        for family in flow.BOTH:
            elements = of_family(networks, family)
            listed = [f"elements = {{ {', '.join(elements)} }}"] if elements else []
            yield from _block(f"set {name}{family}", [f"type ipv{family}_addr", "flags interval", *listed])
    for name in _limits(found):
        for family in flow.BOTH:
            lines = [f"type ipv{family}_addr", "size 65535", "flags dynamic,timeout", "timeout 1m"]
            yield from _block(f"set {name}_rate{family}", lines)


def _limits(found: Flows) -> list[str]:
    return sorted({opening.limit for opening in found.openings if opening.limit})


def _published(plan: Plan, found: Flows, said: Data) -> list[str]:
    """Accept what is declared, from whom it is declared; the rest returns."""
    lines = [*_forged(plan.get("vpn"))]
    lines += [line for name in _limits(found) for line in _limit_lines(name, found.openings, said)]
    groups: dict[tuple[tuple[str, ...], tuple[int, ...]], list[Opening]] = {}
    for opening in found.openings:
        groups.setdefault((opening.admits, opening.families), []).append(opening)
    for (admits, families), openings in groups.items():
        for name in admits:
            lines += _accept_lines(name, families, found.sets, _ports(openings))
    return _block("chain published", lines)


def _limit_lines(name: str, openings: Sequence[Opening], said: Data) -> Iterator[str]:
    """Strangers get so many new connections each; home, and Cloudflare for the web, as many as they want."""
    limited = _ports(opening for opening in openings if opening.limit == name)
    rate = said[f"{name}_rate"]
    burst = 2 * int(rate.partition("/")[0])
    for family, source in ((4, "ip saddr"), (6, "ip6 saddr & ffff:ffff:ffff:ffff::")):
        spared = f"{FAMILY[family]} saddr != @trusted{family}"
        if name == "web":
            spared += f" {FAMILY[family]} saddr != @cloudflare{family}"
        over = f"limit rate over {rate} burst {burst} packets"
        for ports in limited:
            yield f"ct state new {ports} {spared} update @{name}_rate{family} {{ {source} {over} }} counter drop"


def _accept_lines(
    name: str, families: tuple[int, ...], sets: Mapping[str, tuple[str, ...]], ports: Sequence[str]
) -> Iterator[str]:
    if name == EVERYONE:
        only = "" if families == flow.BOTH else f"meta nfproto ipv{families[0]} "
        yield from (f"{only}{each} accept" for each in ports)
        return
    for family in families:
        if of_family(sets[name], family):
            yield from (f"{FAMILY[family]} saddr @{name}{family} {each} accept" for each in ports)


def _ports(openings: Iterable[Opening]) -> list[str]:
    """Return a match for each protocol. One for both would need a later nft than Debian 12 has (1.0.6: seen)."""
    pairs = sorted({(opening.protocol, opening.port) for opening in openings})
    found: dict[str, list[str]] = {}
    for protocol, port in pairs:
        found.setdefault(protocol, []).append(str(port))
    return [f"meta l4proto {name} ct original proto-dst {{ {', '.join(ports)} }}" for name, ports in found.items()]


def _containers(plan: Plan, found: Flows) -> list[str]:
    """What our containers reach on the host itself: services of the host that they need, and what is open to all.

    docker-proxy hands what a container publishes to its neighbours; from another bridge Docker translates it instead.
    """
    lines = [
        f"iifname {_names(each.bridges)} {_family(each.address)} daddr {each.address} tcp dport {each.port} accept"
        for each in found.host_services
    ]
    bridges = {network["name"]: network["bridge"] for network in plan["networks"] if network["bridge"]}
    groups: dict[tuple[str, tuple[int, ...]], list[Opening]] = {}
    for opening in found.openings:
        if opening.containers and (not opening.network or opening.network in bridges):
            groups.setdefault((opening.network, opening.families), []).append(opening)
    for (network, families), openings in sorted(groups.items()):
        near = f'iifname "{bridges[network]}" ' if network else ""
        lines += [f"{near}{line}" for line in _accept_lines(EVERYONE, families, {}, _ports(openings))]
    return _block("chain containers", [*lines, "goto refused"])


def _family(address: str) -> str:
    return "ip6" if ":" in address else "ip"


def _names(names: Iterable[str]) -> str:
    return "{ " + ", ".join(f'"{name}"' for name in names) + " }"


def _refused(said: Data) -> list[str]:
    lines = [
        "meta pkttype { broadcast, multicast } counter drop",  # the chatter of a home network fills no log
        f'limit rate {said["log_rate"]} burst 20 packets counter log prefix "kronos refused: "',
        "counter drop",
    ]
    return _block("chain refused", lines)


def _input(said: Data) -> list[str]:
    errors = "destination-unreachable, time-exceeded, parameter-problem"
    neighbours = "nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert"
    groups = "mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report"
    lines = [
        "type filter hook input priority filter - 10; policy drop;",
        'iifname "lo" accept',
        STATES,
        f"icmp type {{ {errors} }} accept",
        f"icmpv6 type {{ {errors}, packet-too-big, {neighbours}, {groups} }} accept",
        "icmp type echo-request limit rate 50/second burst 100 packets accept",
        "icmpv6 type echo-request limit rate 50/second burst 100 packets accept",
        "meta l4proto igmp accept",
        f"iifname {OURS} goto containers",
        "udp sport 67 udp dport 68 accept",
        "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
        "jump published",
        *said["input"],
        "goto refused",
    ]
    return _block("chain input", lines)


def _forward(plan: Plan, said: Data) -> list[str]:
    """What passes through the host: to and from our containers, to whatever Docker publishes, between VLANs.

    What others route through the host (virtual machines, other containers going out) is not ours.
    """
    # br_netfilter shows what passes between two ports of one bridge here too.
    own = [f'iifname "{name}" oifname "{name}" accept' for name in _bridges(plan)]
    vlans, parents = _vlan_interfaces(plan)
    apart = [f"iifname {_names(vlans)} goto refused"] if vlans else []
    apart += [f"iifname {_names(parents)} oifname {_names(vlans)} goto refused"] if parents else []
    lines = [
        "type filter hook forward priority filter - 10; policy accept;",
        STATES,
        *own,
        f"iifname {OURS} goto leaving",
        "ct status dnat jump published",
        *said["forward"],
        "ct status dnat goto refused",
        f"oifname {OURS} goto refused",
        'iifname != "docker0" oifname "docker0" goto refused',
        *apart,
        *_tunnel(plan.get("vpn")),
    ]
    return _block("chain forward", lines)


def _forged(vpn: Mapping[str, Any] | None) -> Iterator[str]:
    """Nobody has an address of our VPN who does not come out of it; another VPN of the home stays believed."""
    if vpn:
        network = str(ipaddress.ip_interface(vpn["address"]).network)
        yield f'iifname != {{ "lo", "{vpn["interface"]}" }} {_family(network)} saddr {network} goto refused'


def _tunnel(vpn: Mapping[str, Any] | None) -> Iterator[str]:
    """Devices of our VPN pass through the host to the stated networks alone, and to each other not at all."""
    if vpn:
        for family in flow.BOTH:
            networks = of_family(vpn["forward"], family)
            if networks:
                listed = f"{FAMILY[family]} daddr {{ {', '.join(networks)} }}"
                yield f'iifname "{vpn["interface"]}" oifname != "{vpn["interface"]}" {listed} accept'
        yield f'iifname "{vpn["interface"]}" goto refused'


def _leaving(plan: Plan) -> list[str]:
    """Our containers go out, but not to other bridges, nor straight into the VLAN of another zone."""
    ways_out = {network["name"]: network["bridge"] for network in plan["networks"] if _leads_out(network)}
    lines = [f"oifname {OURS} goto refused", 'oifname "docker0" goto refused']
    for zone in plan["zones"].values():
        bridge = ways_out.get(zone["network"])
        mine = flow.vlan_ranges(zone)
        others = [r for other in plan["zones"].values() for r in flow.vlan_ranges(other) if r not in mine]
        for family in flow.BOTH:
            ranges = of_family(others, family)
            if bridge and ranges:
                listed = f"{FAMILY[family]} daddr {{ {', '.join(ranges)} }}"
                lines.append(f'iifname "{bridge}" {listed} goto refused')
    if ways_out:
        lines.append(f"iifname {_names(sorted(ways_out.values()))} accept")
    return _block("chain leaving", [*lines, "goto refused"])[:-1]


def _bridges(plan: Plan) -> list[str]:
    return sorted(network["bridge"] for network in plan["networks"] if network["bridge"])


def _leads_out(network: Mapping[str, Any]) -> bool:
    return bool(network["bridge"]) and not network["internal"]


def _vlan_interfaces(plan: Plan) -> tuple[list[str], list[str]]:
    """Return the VLAN interfaces of the zones, and the interfaces that carry them."""
    vlans = [zone[key] for zone in plan["zones"].values() for key in ("vlan", "backup_vlan") if zone.get(key)]
    names = {vlan_interface(vlan["id"]) for vlan in vlans}
    return sorted(names), sorted({vlan["parent"] for vlan in vlans} - names)
