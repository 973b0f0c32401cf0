# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the VLANs still stand as the module vlan left them, for the one look at the whole host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import firewall_script, vlan_live, vlan_model
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner

MARKS = firewall_script.MARKS[1]


def vlan_reasons(left: Mapping[str, Any], run: Runner) -> list[str]:
    """What differs from what a receipt says; it names ``vlans`` (as the module took them) and ``marks``."""
    wanted = left.get("vlans") or []
    if not wanted:
        return []
    try:
        reasons = vlan_live.differences(vlan_model.parse(wanted), vlan_live.read(run))
        marks = marks_state(run)
        if left.get("marks") and marks != "loaded":
            reasons.append(f"the nftables table inet {MARKS} is {marks}")
    except (KronosError, KeyError, TypeError, ValueError) as error:
        return [f"VLANs: cannot be compared ({error})"]
    return [f"VLANs: {reason}" for reason in reasons]


def marks_state(run: Runner) -> str:
    """Whether the table of connection marks is ``loaded``, ``empty`` (somebody flushed it) or ``gone``."""

    def command(words: Sequence[str]) -> tuple[int, str]:
        try:
            done = run(list(words), timeout=30)
        except KronosError as error:  # no nft, no table
            return 127, str(error)
        return done.code, done.out

    return firewall_script.marks_state(command)
