# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the VLANs still stand as the module vlan left them, for the one look at the whole host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import vlan_live, vlan_model
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner

MARKS = "kronos_marks"


def vlan_reasons(left: Mapping[str, Any], run: Runner) -> list[str]:
    """What differs from what a receipt says; it names ``vlans`` (as the module took them) and ``marks``."""
    wanted = left.get("vlans") or []
    if not wanted:
        return []
    try:
        reasons = vlan_live.differences(vlan_model.parse(wanted), vlan_live.read(run))
        if left.get("marks") and not has_marks(run):
            reasons.append(f"the nftables table inet {MARKS} is gone")
    except (KronosError, KeyError, TypeError, ValueError) as error:
        return [f"VLANs: cannot be compared ({error})"]
    return [f"VLANs: {reason}" for reason in reasons]


def has_marks(run: Runner) -> bool:
    """Whether the table of connection marks is loaded."""
    try:
        return run(["nft", "list", "table", "inet", MARKS], timeout=30).code == 0
    except KronosError:  # no nft, no table
        return False
