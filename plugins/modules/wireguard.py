#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wireguard
short_description: Keep the VPN of the home, with exactly these devices
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Makes keys for the server and for each device on the host, in C(/etc/kronos/wireguard/state.json), which root alone
    reads; they never leave it but by M(kronos.homelab.wireguard_device). Gives each device an address that it keeps.
  - Brings the interface up by a unit of its own, C(kronos-vpn.service), with WireGuard in the kernel, or with
    wireguard-go where the kernel has none.
  - Devices are let in and shut out while the tunnels of the others stay up. The interface is made anew, which
    interrupts all of them for a moment, only where it is gone, or where O(address) or O(forward) changes.
  - Needs C(wg) of the package wireguard-tools; without it, check mode predicts what is missing.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  state:
    description: V(absent) removes the interface and all keys.
    type: str
    choices: [present, absent]
    default: present
  interface:
    description: Name of the interface.
    type: str
    default: wg-kronos
  address:
    description: The server's address with the prefix length of the VPN's network. Needed unless O(state=absent).
    type: str
    default: ""
  port:
    description: Port (UDP) at which the server listens.
    type: int
    default: 51820
  endpoint:
    description: Name or address, and port, at which devices reach the server.
    type: str
    default: ""
  devices:
    description: The devices to let in, each named C(owner.device). All others are shut out, and their keys dropped.
    type: list
    elements: str
    default: []
  forward:
    description: Networks beyond the host that devices reach, in its name.
    type: list
    elements: str
    default: []
  dns:
    description: Servers of names that devices use while the tunnel is up.
    type: list
    elements: str
    default: []
  allowed:
    description: Networks that devices send through the tunnel.
    type: list
    elements: str
    default: []
  rotate:
    description: Devices that get new keys, or V(server) for the server itself; they then need a new configuration.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Two devices of Anna's, which reach the host alone
  kronos.homelab.wireguard:
    address: 10.9.0.1/24
    endpoint: vpn.home.example:51820
    devices: [anna.phone, anna.laptop]
    allowed: [10.9.0.0/24, 192.0.2.10/32]

- name: New keys for a phone that was lost
  kronos.homelab.wireguard:
    address: 10.9.0.1/24
    endpoint: vpn.home.example:51820
    devices: [anna.phone, anna.laptop]
    allowed: [10.9.0.0/24, 192.0.2.10/32]
    rotate: [anna.phone]
"""

RETURN = r"""
addresses:
  description: Address of each device.
  returned: success
  type: dict
  sample: {anna.phone: 10.9.0.2}
public_key:
  description: The server's public key; empty while it is only predicted.
  returned: success
  type: str
added:
  description: Devices that were (or would be) let in.
  returned: success
  type: list
  elements: str
removed:
  description: Devices that were (or would be) shut out.
  returned: success
  type: list
  elements: str
rotated:
  description: Devices that got (or would get) new keys.
  returned: success
  type: list
  elements: str
restarted:
  description: Whether the interface was (or would be) made anew.
  returned: success
  type: bool
"""

from ansible_collections.kronos.homelab.plugins.module_utils import (
    receipts,
    settled,
    tree,
    units,
    wireguard_live,
    wireguard_model,
    wireguard_plan,
)
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module
from ansible_collections.kronos.homelab.plugins.module_utils.wireguard_files import STATE, UNIT

LIST = {"type": "list", "elements": "str", "default": []}
OPTIONS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "interface": {"type": "str", "default": "wg-kronos"},
    "address": {"type": "str", "default": ""},
    "port": {"type": "int", "default": 51820},
    "endpoint": {"type": "str", "default": ""},
    "devices": LIST,
    "forward": LIST,
    "dns": LIST,
    "allowed": LIST,
    "rotate": LIST,
}
RECEIPT = ("wireguard", "home")


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    run = HostRunner(environment={"LC_ALL": "C.UTF-8"})
    present = wireguard_plan.Present(
        tree.read_present(wireguard_plan.paths(params["interface"])),
        units.read_states([UNIT], run),
        wireguard_live.read(params["interface"], run),
        (receipts.read(*RECEIPT) or {}).get("left") or {},
    )
    if params["state"] == "absent":
        return leave(params["interface"], present, run, check_mode)
    wish = wireguard_model.parse(params)
    before = wireguard_model.from_json(present.files[STATE].content)
    foreseen = wireguard_model.next_state(wish, before, params["rotate"], wireguard_model.NO_KEYS)
    change = wireguard_plan.plan(wish, before, foreseen, present)
    if change.changed:
        wireguard_live.refuse_without(run)
    result = {
        "changed": change.changed,
        "diff": list(change.diff),
        "addresses": {name: device.address for name, device in foreseen.devices.items()},
        "public_key": foreseen.public,
        "added": sorted(set(foreseen.devices) - set(before.devices)),
        "removed": sorted(set(before.devices) - set(foreseen.devices)),
        "rotated": sorted(set(params["rotate"]) & {*before.devices, wireguard_model.SERVER}),
        "restarted": change.remake or UNIT in (*change.units.start, *change.units.restart),
    }
    if check_mode:
        return result
    after = wireguard_model.next_state(wish, before, params["rotate"], wireguard_model.make_keys(run))
    if change.changed:
        wireguard_plan.apply(wireguard_plan.plan(wish, before, after, present), wish.interface, run)
    left = wireguard_plan.left_of(wish, after)
    receipts.write(*RECEIPT, receipts.digest(left), left)
    return {**result, "public_key": after.public}


def leave(interface: str, present: wireguard_plan.Present, run: HostRunner, check_mode: bool) -> dict:
    """Take everything away."""
    change = wireguard_plan.plan_absent(interface, present)
    if not check_mode:
        wireguard_plan.apply(change, interface, run)
        settled.forget(RECEIPT)
    known = {"addresses": {}, "public_key": "", "added": [], "removed": [], "rotated": [], "restarted": False}
    return {"changed": change.changed, "diff": list(change.diff), **known}


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda _params: RECEIPT), root=True)


if __name__ == "__main__":
    main()
