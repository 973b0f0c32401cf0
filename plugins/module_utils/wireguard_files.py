# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the VPN that hold no key: the program that makes the interface, and its unit. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ansible_collections.kronos.homelab.plugins.module_utils.receipts import sha256
from ansible_collections.kronos.homelab.plugins.module_utils.wireguard_live import TABLE, mark
from ansible_collections.kronos.homelab.plugins.module_utils.wireguard_model import Wish

FOLDER = "/etc/kronos/wireguard"
STATE = f"{FOLDER}/state.json"
PROGRAM = "/usr/local/lib/kronos/kronos_vpn.sh"
UNIT = "kronos-vpn.service"
CHAIN = "KRONOS-VPN"


def configuration_path(interface: str) -> str:
    """What `wg` reads."""
    return f"{FOLDER}/{interface}.conf"


def unit(wish: Wish) -> str:
    """The unit; it names the program's digest, so that another program restarts it."""
    return f"""# Derived from the plan; edits are lost. Program: {sha256(program(wish).encode())[:16]}
[Unit]
Description=VPN of the home
After=network-pre.target nftables.service kronos-firewall.service docker.service
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={PROGRAM} up
ExecStop={PROGRAM} down

[Install]
WantedBy=multi-user.target
"""


def program(wish: Wish) -> str:
    """The program of the unit."""
    return "\n".join(_program(wish)) + "\n"


def _program(wish: Wish) -> Iterator[str]:
    name = wish.interface
    yield from ("#!/bin/sh", "# Derived from the plan; edits are lost.", "set -eu", "", "down() {")
    yield f"  ! ip link show dev {name} > /dev/null 2>&1 || ip link delete dev {name}"
    yield from (f"  {line}" for line in _stop_forwarding())
    yield from ("}", "", 'if [ "$1" = down ]; then down; exit; fi', "down")
    yield f"if ! ip link add dev {name} type wireguard 2> /dev/null; then"
    yield "  # a kernel without WireGuard: the same by a program, if there is one"
    yield "  if ! command -v wireguard-go > /dev/null; then"
    yield "    echo 'this kernel has no WireGuard, and there is no wireguard-go' >&2; exit 1"
    yield "  fi"
    yield f"  LOG_LEVEL=error wireguard-go {name}"
    yield "fi"
    yield f"wg setconf {name} {configuration_path(name)}"
    yield f"ip address add {wish.address} dev {name}"
    yield f"ip link set up dev {name}"
    yield from _forwarding(wish)


def _stop_forwarding() -> Iterator[str]:
    yield f"nft delete table inet {TABLE} 2> /dev/null || true"
    for tables in ("iptables", "ip6tables"):
        yield f"if command -v {tables} > /dev/null && {tables} -w -n -L {CHAIN} > /dev/null 2>&1; then"
        yield f"  {tables} -w -D DOCKER-USER -j {CHAIN} 2> /dev/null || true"
        yield f"  {tables} -w -F {CHAIN} && {tables} -w -X {CHAIN}"
        yield "fi"


def _forwarding(wish: Wish) -> Iterator[str]:
    """Let devices through to some networks. Those know no way back to the VPN, so the host speaks for the devices.

    Docker's own filter drops what it does not know (https://docs.docker.com/engine/network/packet-filtering-firewalls/)
    but asks the chain DOCKER-USER first.
    """
    if not wish.forward:
        return
    name, four = wish.interface, ipaddress.ip_interface(wish.address).version == 4
    family, tables = ("ip", "iptables") if four else ("ip6", "ip6tables")
    networks = ", ".join(wish.forward)
    yield f"sysctl -q -w {'net.ipv4.ip_forward' if four else 'net.ipv6.conf.all.forwarding'}=1"
    yield f"nft add table inet {TABLE}"
    yield f"nft add chain inet {TABLE} leaving '{{ type nat hook postrouting priority srcnat; }}'"
    match = f"{family} saddr {wish.network} {family} daddr {{ {networks} }} oifname != {name}"
    yield f"nft add rule inet {TABLE} leaving '{match} masquerade comment \"{mark(wish)}\"'"
    yield f"if command -v {tables} > /dev/null; then"
    yield f"  {tables} -w -N DOCKER-USER 2> /dev/null || true"
    yield f"  {tables} -w -N {CHAIN}"
    for network in wish.forward:
        yield f"  {tables} -w -A {CHAIN} -i {name} -d {network} -j ACCEPT"
    yield f"  {tables} -w -A {CHAIN} -o {name} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    yield f"  {tables} -w -I DOCKER-USER -j {CHAIN}"
    yield "fi"
