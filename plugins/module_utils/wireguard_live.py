# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tunnel as it stands: asked of the kernel (or of wireguard-go), and compared with what it should be."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.receipts import sha256
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner
from ansible_collections.kronos.homelab.plugins.module_utils.wireguard_model import State, Wish, host_route

TABLE = "kronos_vpn"
KERNEL = "/sys/module/wireguard"


@dataclass(frozen=True)
class Tunnel:
    """What a tunnel is, without a private key.

    ``peers``: public key -> [digest of the shared key, its addresses]. ``forwards``: the mark of the forwarding rules.
    """

    address: str = ""
    port: int = 0
    public: str = ""
    peers: Mapping[str, list[str]] = field(default_factory=dict)
    forwards: str = ""

    def facts(self, interface: str) -> dict[str, Any]:
        """The same as a receipt keeps it."""
        return {"interface": interface, **vars(self), "peers": dict(self.peers)}


def wanted(wish: Wish, state: State) -> Tunnel:
    """The tunnel that a state leads to."""
    peers = {each.public: [sha256(each.shared.encode()), host_route(each.address)] for each in state.devices.values()}
    return Tunnel(wish.address, wish.port, state.public, peers, mark(wish))


def mark(wish: Wish) -> str:
    """What tells the rules for these networks from those for others; empty where nothing is forwarded."""
    return sha256(f"{wish.address} {' '.join(wish.forward)}".encode())[:16] if wish.forward else ""


def read(interface: str, run: Runner) -> Tunnel | None:
    """The tunnel that stands; None where there is none, also because nothing is installed yet."""
    try:
        dump, link = (
            run(["wg", "show", interface, "dump"], "", 30),
            run(["ip", "-j", "addr", "show", interface], "", 30),
        )
    except KronosError:
        return None
    if dump.code or link.code:
        return None
    lines = [line.split("\t") for line in dump.out.splitlines() if line]
    peers = {key: [sha256(shared.encode()), allowed] for key, shared, _endpoint, allowed, *_rest in lines[1:]}
    return Tunnel(_address(link.out), int(lines[0][2]), lines[0][1], peers, _forwards(run))


def _address(text: str) -> str:
    """The address of an interface that is up; empty where it has none, or several."""
    about = json.loads(text)[0]
    found = [f"{each['local']}/{each['prefixlen']}" for each in about["addr_info"] if each["scope"] == "global"]
    return found[0] if len(found) == 1 and "UP" in about["flags"] else ""


def _forwards(run: Runner) -> str:
    try:
        shown = run(["nft", "list", "tables"], "", 30).out
        if TABLE not in shown.split():
            return ""
        rules = run(["nft", "list", "table", "inet", TABLE], "", 30).out
    except KronosError:
        return ""
    return rules.partition('comment "')[2].partition('"')[0]


def differences(right: Tunnel, found: Tunnel | None) -> list[str]:
    """What differs from what it should be, in words."""
    if found is None:
        return ["there is no interface"]
    reasons = []
    if found.address != right.address:
        reasons.append(f"its address is {found.address or 'none, or it is down'}, not {right.address}")
    if found.port != right.port:
        reasons.append(f"it listens at {found.port}, not at {right.port}")
    if found.public != right.public:
        reasons.append("it has another key")
    reasons += [f"a device that nobody wants is let in: {key}" for key in sorted(set(found.peers) - set(right.peers))]
    reasons += [f"a device is shut out: {key}" for key in sorted(set(right.peers) - set(found.peers))]
    both = set(right.peers) & set(found.peers)
    reasons += [f"a device differs: {key}" for key in sorted(both) if right.peers[key] != found.peers[key]]
    if found.forwards != right.forwards:
        reasons.append("what it forwards differs")
    return reasons


def reasons_of(left: Mapping[str, Any], run: Runner) -> list[str]:
    """What differs from what a receipt says; it names the tunnel as ``wireguard``."""
    said = dict(left.get("wireguard") or {})
    if not said:
        return []
    try:
        interface = said.pop("interface")
        return [f"VPN: {reason}" for reason in differences(Tunnel(**said), read(interface, run))]
    except (KeyError, TypeError, ValueError) as error:
        return [f"VPN: cannot be compared ({error})"]


def refuse_without(run: Runner, kernel: str = "") -> None:
    """Raise where neither the kernel nor a program can make a tunnel; looks only."""
    if os.path.isdir(kernel or KERNEL):
        return
    for words in (["modprobe", "--dry-run", "--quiet", "wireguard"], ["wireguard-go", "--version"]):
        try:
            if run(words, "", 30).code == 0:
                return
        except KronosError:
            continue
    raise KronosError(
        "this kernel has no WireGuard (a container needs that of its host), and wireguard-go is not installed: nothing "
        "was changed; install the package wireguard-go, or empty `devices` in kronos_users"
    )
