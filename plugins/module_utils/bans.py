# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever is refused too often by the proxy reaches the host no more for a while.

This very file runs on the host by itself (as ``kronos_bans.py``) and imports nothing of the collection. It follows the
proxy's access log in the journal, counts refusals for each client, and puts who has too many into a set of a table of
its own, which outlives reloads of the firewall. Only the TCP peer counts: what a request says of itself bans nobody.
"""

from __future__ import annotations

import argparse
import collections
import ipaddress
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

TABLE = "inet kronos_bans"
MOST_CLIENTS = 20000  # who comes from more addresses than that is not stopped by bans
LONGEST_LINE = 8 * 2**20  # a request's head has a MiB at most, and six signs may stand for one
MOST_PARTS = 16
COUNTED = (401, 403)
NEVER = ("127.0.0.0/8", "::1/128", "fe80::/10", "0.0.0.0/32")

# Before Docker's translation and before connections are followed: published ports and open connections as well.
_TABLE_TEXT = f"""add table {TABLE}
add set {TABLE} banned4 {{ type ipv4_addr; flags timeout; size 65535; }}
add set {TABLE} banned6 {{ type ipv6_addr; flags timeout; size 65535; }}
add chain {TABLE} arriving {{ type filter hook prerouting priority raw - 10; policy accept; }}
flush chain {TABLE} arriving
"""
_DROPS = f"""add rule {TABLE} arriving ip saddr @banned4 counter drop
add rule {TABLE} arriving ip6 saddr & ffff:ffff:ffff:ffff:: @banned6 counter drop
"""

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@dataclass(frozen=True)
class Rules:
    """So many refusals within so many seconds: banned for so many; never these networks."""

    failures: int
    within: int
    ban: int
    never: tuple[Network, ...] = ()
    open: tuple[tuple[str, int], ...] = ()
    """Protocol and port of what stays open to all: SSH and the VPN, by which somebody away comes back in."""


@dataclass(frozen=True)
class Refusal:
    """A line of the access log that counts."""

    client: str
    status: int
    route: str
    user: str


@dataclass
class Counter:
    """Who was refused when. Pure: time is what it is told."""

    rules: Rules
    seen: collections.OrderedDict[str, collections.deque[float]] = field(default_factory=collections.OrderedDict)

    def add(self, client: str, now: float) -> bool:
        """Count a refusal; tell whether that was one too many, and begin anew then."""
        times = self.seen.pop(client, None) or collections.deque(maxlen=self.rules.failures)
        times.append(now)
        self.seen[client] = times
        if len(self.seen) > MOST_CLIENTS:
            self.seen.popitem(last=False)
        if len(times) < self.rules.failures or now - times[0] > self.rules.within:
            return False
        del self.seen[client]
        return True


def read_rules(text: str) -> Rules:
    """Read the configuration that the role writes."""
    said = json.loads(text)
    never = tuple(ipaddress.ip_network(item) for item in (*said["never"], *NEVER))
    ways = tuple((str(one["protocol"]), int(one["port"])) for one in said.get("open") or ())
    return Rules(int(said["failures"]), int(said["within"]), int(said["ban"]), never, ways)


def read_refusal(line: str) -> Refusal | None:
    """Return what a line of the log says, where it is a refusal. ``ClientAddr`` is the peer, whatever it claims."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("DownstreamStatus") not in COUNTED:
        return None
    host = peer(str(said.get("ClientAddr") or ""))
    if not host:
        return None
    return Refusal(
        host,
        int(said["DownstreamStatus"]),
        str(said.get("RouterName") or "-"),
        str(said.get("ClientUsername") or "-"),
    )


def peer(text: str) -> str:
    """Return the address in ``192.0.2.1:5000`` or ``[2001:db8::1]:5000``; empty where there is none."""
    host = text.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def key_of(client: str) -> str:
    """Return what is counted and banned: an IPv4 address, or the network of an IPv6 one, which has it to itself."""
    address = ipaddress.ip_address(client)
    if address.version == 4:
        return client
    return str(ipaddress.ip_network(f"{client}/64", strict=False).network_address)


def is_spared(client: str, never: Iterable[Network]) -> bool:
    """Tell whether a client may not be banned, or the ban of its /64 would take in somebody who may not."""
    width = 32 if ipaddress.ip_address(client).version == 4 else 64
    mine = ipaddress.ip_network(f"{client}/{width}", strict=False)
    return any(mine.version == network.version and mine.overlaps(network) for network in never)


def bridges(shown: str) -> list[Network]:
    """Return the networks behind Docker's bridges, of ``ip -json address``: a gateway there stands for many clients."""
    found: list[Network] = []
    for interface in json.loads(shown or "[]"):
        if str(interface.get("ifname", "")).startswith(("kr-", "br-", "docker")):
            for one in interface.get("addr_info") or ():
                found.append(ipaddress.ip_network(f"{one['local']}/{one['prefixlen']}", strict=False))
    return found


def table_text(rules: Rules) -> str:
    """Return what nft is told to make the table, which keeps the bans that are in it."""
    ways = "".join(f"add rule {TABLE} arriving {protocol} dport {port} accept\n" for protocol, port in rules.open)
    return f"{_TABLE_TEXT}{ways}{_DROPS}"


def ban_text(key: str, rules: Rules) -> str:
    """Return what nft is told to ban a key; the table is made if it is not there."""
    name = "banned6" if ":" in key else "banned4"
    return f"{table_text(rules)}add element {TABLE} {name} {{ {key} timeout {rules.ban}s }}\n"


def say(text: str) -> None:
    """Write a line to the journal, without what could command a terminal."""
    sys.stdout.write("".join(sign if sign.isprintable() else "?" for sign in text)[:400] + "\n")
    sys.stdout.flush()


def nft(text: str) -> None:
    """Load a text; what nft refuses is told and nothing more: the log goes on."""
    done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        say(f"nft: {done.stderr.strip()}")


def own_networks() -> list[Network]:
    """Return the networks behind the bridges of this host."""
    done = subprocess.run(["ip", "-json", "address"], capture_output=True, text=True, check=False, timeout=60)
    return bridges(done.stdout)


def watch(lines: Iterable[str], rules: Rules) -> Iterator[tuple[str, Refusal]]:
    """Yield (key, last refusal) for everyone who is to be banned."""
    counter = Counter(rules)
    for line in lines:
        refusal = read_refusal(line)
        if refusal is None or is_spared(refusal.client, rules.never):
            continue
        key = key_of(refusal.client)
        if counter.add(key, time.monotonic()):
            yield key, refusal


def whole_lines(entries: Iterable[str]) -> Iterator[str]:
    """Yield the lines that entries of the journal (its JSON) hold, those put together that Docker cut at 16 KiB.

    A client chooses how long its path is: what is cut would count for nothing. A line beyond all bounds is left out.
    """
    begun: collections.OrderedDict[str, bytes] = collections.OrderedDict()
    for entry in entries:
        try:
            said = json.loads(entry)
        except ValueError:
            continue
        if not isinstance(said, dict):
            continue
        name = str(said.get("CONTAINER_PARTIAL_ID") or "")
        text = begun.pop(name, b"") + raw(said.get("MESSAGE"))
        if said.get("CONTAINER_PARTIAL_MESSAGE") != "true":
            yield text.decode("utf-8", "replace")
        elif len(text) <= LONGEST_LINE:
            begun[name] = text
            if len(begun) > MOST_PARTS:
                begun.popitem(last=False)


def raw(message: Any) -> bytes:
    """Return the bytes of a message; the journal writes those that are no text as a list of numbers."""
    if isinstance(message, list):
        return bytes(number & 255 for number in message if isinstance(number, int))
    return message.encode("utf-8", "surrogatepass") if isinstance(message, str) else b""


def follow(container: str) -> subprocess.Popen[str]:
    """Follow the container's log in the journal: only what Docker itself wrote there."""
    words = ["journalctl", "--follow", "--lines=0", "--output=json", "--all", "--quiet"]
    words += ["--output-fields=MESSAGE,CONTAINER_PARTIAL_MESSAGE,CONTAINER_PARTIAL_ID"]
    words += [f"CONTAINER_NAME={container}", "_SYSTEMD_UNIT=docker.service"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, errors="replace")


def run(settings: Mapping[str, Any], rules: Rules) -> int:
    """Ban until the journal ends, which it does not by itself: systemd then starts this again."""
    nft(table_text(rules))
    process = follow(str(settings["container"]))
    if process.stdout is None:
        raise AssertionError("its output is a pipe")
    say(f"bans for {rules.ban} s after {rules.failures} refusals within {rules.within} s")
    for key, last in watch(whole_lines(process.stdout), rules):
        if is_spared(last.client, own_networks()):
            continue
        nft(ban_text(key, rules))
        say(f"banned {key} for {rules.ban} s: the last of its refusals was {last.status}, {last.route}, {last.user}")
    return 1


def main(words: Sequence[str] | None = None) -> int:
    """The unit's entry."""
    parser = argparse.ArgumentParser(description="Ban in the firewall who is refused too often by the proxy.")
    parser.add_argument("--config", default="/etc/kronos/bans.json")
    options = parser.parse_args(words)
    with open(options.config, encoding="utf-8") as stream:
        text = stream.read()
    return run(json.loads(text), read_rules(text))


if __name__ == "__main__":
    raise SystemExit(main())
