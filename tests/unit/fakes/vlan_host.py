# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's network for tests: answers ``ip -j`` as iproute2 does, and does what ip, networkctl and ifup are told."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran


def link(name: str, index: int, **more: Any) -> dict[str, Any]:
    """An interface as ``ip -j -d addr show`` has it."""
    entry = {"ifindex": index, "ifname": name, "flags": ["BROADCAST", "UP", "LOWER_UP"], "mtu": 1500, "addr_info": []}
    return {**entry, **more}


def vlan_link(wanted: dict[str, Any], index: int = 9) -> dict[str, Any]:
    """The interface that somebody made from a wanted one."""
    shown = [address.partition("/") for address in wanted["addresses"]]
    return link(
        wanted["name"],
        index,
        link=wanted["parent"],
        mtu=wanted["mtu"] or 1500,
        linkinfo={"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": wanted["id"], "flags": []}},
        addr_info=[{"local": address, "prefixlen": int(length)} for address, _slash, length in shown],
    )


def route_entry(route: dict[str, Any], name: str) -> dict[str, Any]:
    """A route as ``ip -j route show table all`` has it."""
    to = "default" if route["to"].endswith("/0") else route["to"]
    entry: dict[str, Any] = {"dst": to, "dev": name, "flags": []}
    if route["via"]:
        entry["gateway"] = route["via"]
    if route["table"] != 254:
        entry["table"] = str(route["table"])
    return entry


def rule_entry(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as ``ip -j rule show`` has it."""
    address, _slash, length = rule["source"].partition("/")
    entry: dict[str, Any] = {"priority": rule["priority"], "src": address or "all"}
    if length and int(length) < (32 if rule["family"] == 4 else 128):
        entry["srclen"] = int(length)
    if rule["incoming"]:
        entry |= {"iif": rule["incoming"], "iif_detached": None}
    if rule["mark"]:
        entry |= {"fwmark": hex(rule["mark"]), "fwmask": "0xfff00000"}
    if rule["action"] == "unreachable":
        return {**entry, "action": "unreachable"}
    entry["table"] = "main" if rule["table"] == 254 else str(rule["table"])
    return {**entry, **({"suppress_prefixlen": 0} if rule["action"] == "near" else {})}


class VlanHost:
    """Stands for ``runner.HostRunner``. ``makes``: what the network manager brings up when it is told to."""

    def __init__(self) -> None:
        self.links: dict[str, dict[str, Any]] = {"lo": link("lo", 1), "eth0": link("eth0", 2)}
        self.routes: dict[int, list[dict[str, Any]]] = {4: [], 6: []}
        self.rules: dict[int, list[dict[str, Any]]] = {
            4: [{"priority": 0, "src": "all", "table": "local"}, {"priority": 32766, "src": "all", "table": "main"}],
            6: [],
        }
        self.makes: list[dict[str, Any]] = []
        self.refuses: tuple[str, ...] = ()
        self.marks = False
        self.asked: list[str] = []

    def bring_up(self, wanted: list[dict[str, Any]]) -> None:
        """Make these interfaces stand."""
        for index, each in enumerate(wanted):
            before = self.links.get(each["name"], {"mtu": 1500})
            # an MTU that is not stated any more stays what it was
            self.links[each["name"]] = vlan_link({**each, "mtu": each["mtu"] or before["mtu"]}, 9 + index)
            for route in each["routes"]:
                entry, family = route_entry(route, each["name"]), 6 if ":" in route["to"] else 4
                if entry not in self.routes[family]:
                    self.routes[family].append(entry)
            for rule in each["rules"]:
                if rule_entry(rule) not in self.rules[rule["family"]]:
                    self.rules[rule["family"]].append(rule_entry(rule))

    def take_down(self, name: str) -> bool:
        """Remove an interface and its routes; say whether it was there."""
        for family in (4, 6):
            self.routes[family] = [route for route in self.routes[family] if route["dev"] != name]
        return self.links.pop(name, None) is not None

    def __call__(self, argv: Any, stdin: str = "", timeout: float = 600) -> Ran:
        words = list(argv)
        if words[:2] == ["ip", "-j"]:
            return Ran(0, json.dumps(self._shown(words[2:])), "")
        self.asked.append(" ".join(words))
        if self.asked[-1].startswith(self.refuses) and self.refuses:
            return Ran(1, "", f"{words[0]}: refused\n")
        return self._told(words)

    def _shown(self, words: list[str]) -> list[dict[str, Any]]:
        if "addr" in words:
            return list(self.links.values())
        family = 6 if "-6" in words else 4
        return self.routes[family] if "route" in words else self.rules[family]

    def _told(self, words: list[str]) -> Ran:
        if words[:3] == ["ip", "link", "delete"]:
            return Ran(0 if self.take_down(words[-1]) else 1, "", "Cannot find device")
        if words[:4] == ["ip", "link", "set", "dev"]:
            self.links[words[4]]["mtu"] = int(words[6])
        if words[0] == "ip" and words[2:4] == ["rule", "del"]:
            family = int(words[1][1:])
            self.rules[family] = [rule for rule in self.rules[family] if str(rule["priority"]) != words[5]]
        if words[:2] == ["networkctl", "reload"] or words[0] == "ifup":
            self.bring_up(self.makes)
        if words[:2] == ["nft", "-f"]:
            self.marks = True
        if words[:3] == ["nft", "delete", "table"]:
            self.marks = False
        if words[:4] == ["nft", "--json", "list", "table"]:
            said = '{"nftables": [{"table": {}}, {"chain": {}}' + (', {"rule": {}}]}' if self.marks else "]}")
            return Ran(0, said, "") if self.marks is not False else Ran(1, "", "No such file or directory")
        if words[:2] == ["systemctl", "is-enabled"]:
            return Ran(0, "enabled\n", "") if self.marks else Ran(1, "disabled\n", "")
        return Ran(0, "", "")
