#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall
short_description: Load the host's firewall, and keep it loaded
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Loads one nftables table of ours, C(inet kronos), in one transaction, after nft itself has judged it. Tables of
    others, Docker's among them, are not touched.
  - Keeps the ruleset in C(/etc/kronos/firewall/ruleset.nft), loads it at boot before the network and Docker come up,
    and runs a guard that looks every ten seconds whether our table and Docker's own entrances still stand. It loads
    ours again, and restarts Docker under live-restore.
  - Never locks the user out. A change of the rules is a timed commit. Unless the controller half of this module
    confirms it over a new connection, the host puts the old rules back by itself, at a reboot too. Where Ansible runs
    on the host itself, somebody has to run C(kronos-confirm) there in a session opened after the change.
  - Refuses rules that would not let in the very SSH session that sets them.
extends_documentation_fragment: kronos.homelab.run
attributes:
  action:
    description: Its controller half confirms the change over a new connection.
    support: full
options:
  state:
    description: V(absent) takes table, files and units of ours away, and opens the host.
    type: str
    choices: [present, absent]
    default: present
  ruleset:
    description: What to load, as P(kronos.homelab.firewall_ruleset#filter) returns it.
    type: str
    default: ""
  replace_others:
    description: Switch off ufw, firewalld and nftables.service where they are at work, instead of refusing.
    type: bool
    default: false
  confirm_seconds:
    description: How many seconds the new rules have to be confirmed.
    type: int
    default: 60
  ssh_port:
    description: Port of sshd that the ruleset opens.
    type: int
    default: 22
  ssh_sources:
    description: Networks that the ruleset opens it to; empty for everywhere.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Open what is declared, and nothing else
  kronos.homelab.firewall:
    ruleset: "{{ kronos_plan | kronos.homelab.firewall_ruleset }}"
    ssh_port: "{{ kronos_plan.settings.ssh_port }}"
    run: "{{ kronos_plan.run }}"
"""

RETURN = r"""
loaded:
  description: Whether the table was (or would be) loaded.
  returned: when O(state=present)
  type: bool
replaced:
  description: Other firewalls that were (or would be) switched off.
  returned: when O(state=present)
  type: list
  elements: str
confirmed:
  description: Whether the change was confirmed over a new connection.
  returned: when rules were changed
  type: bool
"""

import contextlib

from ansible_collections.kronos.homelab.plugins.module_utils import (
    firewall,
    firewall_script,
    receipts,
    settled,
    timed,
    tree,
)
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module

OPTIONS = {
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "ruleset": {"type": "str", "default": ""},
    "replace_others": {"type": "bool", "default": False},
    "confirm_seconds": {"type": "int", "default": 60},
    "ssh_port": {"type": "int", "default": 22},
    "ssh_sources": {"type": "list", "elements": "str", "default": []},
}
RECEIPT = firewall.RECEIPT
LEAST_SECONDS = 10


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    run, place = HostRunner(environment={"LC_ALL": "C.UTF-8"}), firewall_script.Place()
    if not check_mode:
        timed.settle(run)
    if params["state"] == "absent":
        return take_away(run, place, check_mode)
    wish = firewall.Wish(params["ruleset"], params["replace_others"], params["ssh_port"], tuple(params["ssh_sources"]))
    if not wish.ruleset or params["confirm_seconds"] < LEAST_SECONDS:
        raise KronosError(f"a ruleset is wanted, and at least {LEAST_SECONDS} s to confirm it")
    before = (receipts.read(*RECEIPT) or {}).get("left") or {}
    change = firewall.plan(wish, firewall.read(wish, run, place, before), place)
    # on a fresh host in check mode nft is yet to be installed
    with contextlib.suppress(KronosError) if check_mode and not nft_there(run) else contextlib.nullcontext():
        if change.load:
            firewall.refuse_lockout(wish, firewall.ssh_connection())
            firewall.validate(wish, run)
    result = {
        "changed": change.changed,
        "diff": list(change.diff),
        "loaded": change.load,
        "replaced": list(change.replace),
    }
    if check_mode:
        return result
    if not change.changed:
        firewall.remember(wish, place)
        return result
    request = firewall.apply(change, wish, run, place, params["confirm_seconds"])
    return {**result, **({"confirm": request} if request else {})}


def nft_there(run: HostRunner) -> bool:
    """Whether nft is installed."""
    return firewall.commander(run)(["nft", "--version"])[0] == 0


def take_away(run: HostRunner, place: firewall_script.Place, check_mode: bool) -> dict:
    """Remove what is ours."""
    paths = [place.ruleset, firewall.PROGRAM, *(unit.path for unit in firewall.wanted_units())]
    table = bool(firewall_script.table_digest(firewall.commander(run)))
    change = firewall.plan_absence(tree.read_present(paths), table)
    changed = change.changed or table
    if changed and not check_mode:
        firewall.remove(change, run)
    if not check_mode:
        settled.forget(RECEIPT)
    return {"changed": changed, "diff": list(change.diff)}


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda params: RECEIPT, ("loaded", "replaced")), root=True)


if __name__ == "__main__":
    main()
