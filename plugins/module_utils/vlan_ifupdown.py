# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VLANs by ifupdown: a file below /etc/network/interfaces.d for each, with ip(8) and nothing else behind it.

Source: interfaces(5), ifup(8) of Debian's ifupdown 0.8.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ansible_collections.kronos.homelab.plugins.module_utils import tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_model import Interface
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_provider import HEAD, Command, Parent, Work

INTERFACES = "/etc/network/interfaces"


@dataclass(frozen=True)
class Ifupdown:
    """Files below /etc/network/interfaces.d, which Debian's /etc/network/interfaces reads."""

    etc: str = "/etc"
    name: str = "ifupdown"
    makes_anew: bool = True
    at_boot: tuple[Command, ...] = ()

    @property
    def ours(self) -> tuple[str, ...]:
        """Files of ours."""
        return (f"{self.etc}/network/interfaces.d/kronos-kr*",)

    def files(self, interfaces: Sequence[Interface], parents: Mapping[str, Parent]) -> list[tree.Wanted]:
        """One file for each interface; no dot in its name, which `source-directory` would not read."""
        return [
            tree.Wanted(
                f"{self.etc}/network/interfaces.d/kronos-{each.name}", (HEAD + "\n".join(_stanza(each)) + "\n").encode()
            )
            for each in interfaces
        ]

    def take_down(self, names: Sequence[str]) -> list[Command]:
        """Let ifupdown forget them by the old files."""
        return [["ifdown", "--force", name] for name in names]

    def bring_up(self, work: Work) -> list[Command]:
        """Bring up what is missing; forced, since an interface that somebody else removed still counts as up."""
        return [["ifup", "--force", name] for name in sorted({*work.missing, *work.differing})]


def refuse_unread(interfaces: Sequence[Interface], lines: Iterable[str]) -> None:
    """Raise KronosError where /etc/network/interfaces, whose *lines* these are, does not read our files. Pure."""
    patterns = [pattern for line in lines for pattern in _sourced(line.split())]
    paths = [PurePosixPath(file.path) for file in Ifupdown().files(interfaces, {})]
    unread = [str(path) for path in paths if not any(path.match(pattern) for pattern in patterns)]
    if unread:
        raise KronosError(
            f"{INTERFACES} does not read {', '.join(unread)}: add `source /etc/network/interfaces.d/*` to it"
        )


def _sourced(words: Sequence[str]) -> Iterator[str]:
    """Patterns of the files that a line has ifupdown read; relative ones lie beside the file of the line."""
    keyword, paths = (words[0], words[1:]) if words else ("", ())
    for path in paths:
        whole = os.path.join(os.path.dirname(INTERFACES), path)
        if keyword == "source":
            yield whole
        elif keyword.startswith("source-dir"):  # ifupdown looks no further; no name of ours is one that it leaves out
            yield f"{whole}/*"


def _stanza(each: Interface) -> Iterator[str]:
    yield f"auto {each.name}"
    yield f"iface {each.name} inet manual"
    for line in _making(each):
        yield f"    {line}"
    for route in each.routes:
        via = f" via {route.via}" if route.via else ""
        yield f"    up ip -{route.family} route replace {route.to}{via} dev {each.name} table {route.table}"
    for rule in each.rules:
        words = " ".join(rule.words())
        # the kernel refuses a rule that is there, and so would a second ifup fail
        yield f"    up ip -{rule.family} rule del {words} 2>/dev/null || true"
        yield f"    up ip -{rule.family} rule add {words}"
    for rule in each.rules:
        yield f"    down ip -{rule.family} rule del {' '.join(rule.words())} 2>/dev/null || true"
    yield f"    post-down ip link delete dev {each.name} 2>/dev/null || true"


def _making(each: Interface) -> Iterator[str]:
    """Make the interface and give it its addresses."""
    there = f"ip link show dev {each.name} >/dev/null 2>&1"
    # a VLAN cannot come up on a parent that is down, and ours may be read before the parent's stanza
    yield f"pre-up ip link set dev {each.parent} up"
    yield f"pre-up {there} || ip link add link {each.parent} name {each.name} type vlan id {each.id}"
    settings = f"/proc/sys/net/ipv6/conf/{each.name}"
    yield f"pre-up [ ! -e {settings} ] || echo 0 > {settings}/accept_ra"
    if not each.ipv6:
        yield f"pre-up [ ! -e {settings} ] || echo 1 > {settings}/disable_ipv6"
    mtu = f" mtu {each.mtu}" if each.mtu else ""
    yield f"up ip link set dev {each.name}{mtu} up"
    for address in each.addresses:
        # without waiting for duplicates: the routes of this address follow at once
        yield f"up ip address replace {address} dev {each.name}{' nodad' if ':' in address else ''}"
