#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vlan
short_description: Make exactly these VLAN interfaces of ours, and undo what cuts the host off
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Makes 802.1Q interfaces with addresses, routes and rules of policy routing through the network manager that
    configures their parent, which is systemd-networkd, netplan or ifupdown. Interfaces that this module made and that
    are no longer wanted are removed; those of others are never touched.
  - >-
    A change is a timed commit. The old files come back, and the old network with them, unless the controller confirms
    the change over a new connection in time; also after a reboot, and also if the run dies.
  - Compares with the files and with the kernel, so that an interface that somebody removed by hand comes back.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  interfaces:
    description: All interfaces that must exist, as P(kronos.homelab.vlan_interfaces#filter) lists them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the interface, C(kr) and the VLAN id.
        type: str
        required: true
      id:
        description: VLAN id.
        type: int
        required: true
      parent:
        description: Interface that carries the VLAN.
        type: str
        required: true
      addresses:
        description: Addresses of the host with their prefix length.
        type: list
        elements: str
        default: []
      gateways:
        description: Routers on the link. M(kronos.homelab.vlan_info) looks whether they answer.
        type: list
        elements: str
        default: []
      mtu:
        description: Largest packet; that of the parent where none is given.
        type: int
      ipv6:
        description: Whether IPv6 is on.
        type: bool
        default: false
      routes:
        description: Routes through the interface.
        type: list
        elements: dict
        default: []
        suboptions:
          to:
            description: The network.
            type: str
            required: true
          via:
            description: Its router; empty for one on the link.
            type: str
            default: ""
          table:
            description: Number of the routing table; 254 is the main one.
            type: int
            default: 254
      rules:
        description: Rules of policy routing.
        type: list
        elements: dict
        default: []
        suboptions:
          family:
            description: The version of IP.
            type: int
            choices: [4, 6]
            default: 4
          priority:
            description: Place among the rules; the smallest is looked at first.
            type: int
            required: true
          source:
            description: Network that the packet comes from; empty for any.
            type: str
            default: ""
          incoming:
            description: Interface that the packet came in by; empty for any.
            type: str
            default: ""
          mark:
            description: Mark of the packet, of which only the upper 12 bits are compared; 0 for any.
            type: int
            default: 0
          action:
            description: >-
              Look in the table, look there but ignore its default routes (V(near)), or send the packet nowhere.
            type: str
            choices: [lookup, near, unreachable]
            default: lookup
          table:
            description: Number of the routing table.
            type: int
            default: 254
  marks:
    description: >-
      Text of the nftables file with the table C(inet kronos_marks), as P(kronos.homelab.vlan_marks#filter) renders it;
      empty for none.
    type: str
    default: ""
  manager:
    description: The network manager to use; V(auto) takes the one that configures the parents.
    type: str
    choices: [auto, networkd, netplan, ifupdown]
    default: auto
  confirm_seconds:
    description: How many seconds the controller has to confirm a change over a new connection; at least 10.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Make the interfaces of the zones
  kronos.homelab.vlan:
    interfaces: "{{ kronos_plan | kronos.homelab.vlan_interfaces }}"
    marks: "{{ kronos_plan | kronos.homelab.vlan_marks }}"

- name: Remove those that an earlier run made
  kronos.homelab.vlan:
    interfaces: []
"""

RETURN = r"""
manager:
  description: The network manager that configures the interfaces; empty where none are wanted.
  returned: success
  type: str
created:
  description: Interfaces that were (or would be) made.
  returned: success
  type: list
  elements: str
updated:
  description: Interfaces that were (or would be) changed.
  returned: success
  type: list
  elements: str
removed:
  description: Interfaces that were (or would be) removed.
  returned: success
  type: list
  elements: str
confirmed:
  description: Whether the host was reached over a new connection after the change.
  returned: when something was changed
  type: bool
"""

from dataclasses import astuple

from ansible_collections.kronos.homelab.plugins.module_utils import (
    receipts,
    settled,
    timed,
    tree,
    vlan_apply,
    vlan_change,
    vlan_live,
    vlan_manager,
    vlan_marks,
    vlan_model,
)
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module

ROUTE = {
    "to": {"type": "str", "required": True},
    "via": {"type": "str", "default": ""},
    "table": {"type": "int", "default": 254},
}
RULE = {
    "family": {"type": "int", "choices": [4, 6], "default": 4},
    "priority": {"type": "int", "required": True},
    "source": {"type": "str", "default": ""},
    "incoming": {"type": "str", "default": ""},
    "mark": {"type": "int", "default": 0},
    "action": {"type": "str", "choices": ["lookup", "near", "unreachable"], "default": "lookup"},
    "table": {"type": "int", "default": 254},
}
INTERFACE = {
    "name": {"type": "str", "required": True},
    "id": {"type": "int", "required": True},
    "parent": {"type": "str", "required": True},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "gateways": {"type": "list", "elements": "str", "default": []},
    "mtu": {"type": "int"},
    "ipv6": {"type": "bool", "default": False},
    "routes": {"type": "list", "elements": "dict", "default": [], "options": ROUTE},
    "rules": {"type": "list", "elements": "dict", "default": [], "options": RULE},
}
OPTIONS = {
    "interfaces": {"type": "list", "elements": "dict", "required": True, "options": INTERFACE},
    "marks": {"type": "str", "default": ""},
    "manager": {"type": "str", "choices": ["auto", "networkd", "netplan", "ifupdown"], "default": "auto"},
    "confirm_seconds": {"type": "int", "default": 60},
}
RECEIPT = ("vlan", "all")
WHAT = "vlan"
LEAST_SECONDS = 10


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply under a timed commit."""
    run = HostRunner(environment={"LC_ALL": "C.UTF-8"})
    if not check_mode:
        timed.settle(run)
    if params["confirm_seconds"] < LEAST_SECONDS:
        raise KronosError(f"confirm_seconds: {params['confirm_seconds']}; wanted at least {LEAST_SECONDS}")
    wanted = vlan_model.parse(params["interfaces"])
    live = vlan_live.read(run)
    managed = vlan_manager.choose(wanted, live, params["manager"]) if wanted else None
    marks, no_marks = vlan_marks.files(params["marks"])
    files = [*(managed.provider.files(wanted, managed.parents) if managed else []), *marks]
    present = vlan_change.present(files, vlan_manager.our_files(), no_marks, timed.unconfirmed(WHAT))
    left = (receipts.read(*RECEIPT) or {}).get("left") or {}
    change = vlan_change.plan(
        vlan_change.Wish(wanted, files, bool(params["marks"])),
        present,
        live,
        vlan_change.before(left, present),
        vlan_marks.stand(params["marks"], run),
    )
    result = {
        "changed": change.changed,
        "diff": list(change.diff),
        "manager": managed.provider.name if managed else "",
        "created": list(change.missing),
        "updated": list(change.differing),
        "removed": list(change.remove),
    }
    if check_mode:
        return result
    if change.changed:
        job = vlan_apply.Job(change, wanted, live, vlan_manager.involved(managed, change.files.removes))
        undo = vlan_apply.undo(job, receipts.path_of(*RECEIPT))
        with timed.change(WHAT, undo, seconds=params["confirm_seconds"], run=run) as note:
            vlan_apply.apply(job, run)
            vlan_apply.wait(wanted, run)
            _remember(params, wanted, files)
        result["confirm"] = note.request()
    else:
        _remember(params, wanted, files)
    return result


def _remember(params: dict, wanted: list, files: list) -> None:
    if wanted:
        receipts.write(*RECEIPT, receipts.digest(params["interfaces"]), _left(params, wanted, files))
    else:
        settled.forget(RECEIPT)


def _left(params: dict, wanted: list, files: list) -> dict:
    """What the receipt says."""
    return {
        **tree.receipt_of(files, []),
        "units": {vlan_marks.UNIT: "active"} if params["marks"] else {},
        "interfaces": [each.name for each in wanted],
        "rules": [list(astuple(rule)) for each in wanted for rule in each.rules],
        "vlans": params["interfaces"],
        "marks": bool(params["marks"]),
    }


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda _params: RECEIPT), root=True)


if __name__ == "__main__":
    main()
