#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: networks
short_description: Make exactly these Docker networks of ours
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Creates networks that are missing and makes those anew whose driver, subnet, bridge or other options differ.
    Containers on such a network are taken off and named in the result; M(kronos.homelab.stack) makes them anew, since
    Docker joins none again that compose made.
  - A range to which a route of the host leads, or from which somebody is connected to it, is refused - the bridge would
    cut them off.
  - Networks of others are never touched. One that has a name of ours is an error, and so is a container of somebody
    else on a network that must be made anew.
  - On a host without Docker, check mode predicts every network as created.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  networks:
    description: All networks that must exist, as C(kronos_plan.networks) lists them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the network.
        type: str
        required: true
      driver:
        description: Driver of the network.
        type: str
        choices: [bridge, macvlan]
        default: bridge
      internal:
        description: Whether there is no way out of it.
        type: bool
        default: false
      subnet:
        description: Its addresses (CIDR); Docker takes some where none is given.
        type: str
      dynamic:
        description: >-
          The part of O(networks[].subnet) from which Docker gives addresses by itself (CIDR); the rest is for
          containers with an address of their own.
        type: str
      gateway:
        description: Address of its gateway.
        type: str
      addresses:
        description: >-
          Addresses of their own in it, {container: address}. A container of ours that holds the address of another is
          taken off, for its stack to make anew; one of somebody else is an error.
        type: dict
        default: {}
      bridge:
        description: Name of the bridge on the host, at most 15 characters.
        type: str
      parent:
        description: Interface of the host below a macvlan network.
        type: str
      mtu:
        description: Largest packet.
        type: int
      ipv6:
        description: Whether it has IPv6.
        type: bool
        default: false
  create:
    description: >-
      Whether to make networks, and to make those anew that differ; V(false) is for a call that only prunes.
    type: bool
    default: true
  prune:
    description:
      - Remove networks that this collection made and that O(networks) no longer names. One that containers still
        use is kept and reported.
      - Call it so after the stacks have left. Check mode counts containers of ours as gone, since the stacks only
        said so.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Make the networks of the zones
  kronos.homelab.networks:
    networks:
      - {name: kronos-media, bridge: kr-media, subnet: 10.77.3.0/24}
      - {name: kronos-in-media, bridge: kr-in-media, internal: true}

- name: Remove those that no zone needs any more
  kronos.homelab.networks:
    networks: "{{ kronos_plan.networks }}"
    create: false
    prune: true
"""

RETURN = r"""
created:
  description: Networks that were (or would be) created.
  returned: success
  type: list
  elements: str
recreated:
  description: Networks that were (or would be) made anew, with the containers that were taken off.
  returned: success
  type: dict
  sample: {kronos-media: [radarr]}
moved:
  description: Containers that were (or would be) taken off a network because they held another one's address.
  returned: success
  type: dict
  sample: {kronos-in-media: [radarr]}
removed:
  description: Networks that were (or would be) removed.
  returned: success
  type: list
  elements: str
kept:
  description: Networks that are no longer wanted, with the containers that still use them.
  returned: success
  type: dict
foreign:
  description: Containers of others in wanted networks, by network. They are left alone.
  returned: success
  type: dict
"""

from ansible_collections.kronos.homelab.plugins.module_utils import host_ranges, networks, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import Engine, EngineMissing
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module

OPTIONS = {
    "networks": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "driver": {"type": "str", "default": "bridge", "choices": ["bridge", "macvlan"]},
            "internal": {"type": "bool", "default": False},
            "subnet": {"type": "str"},
            "dynamic": {"type": "str"},
            "addresses": {"type": "dict", "default": {}},
            "gateway": {"type": "str"},
            "bridge": {"type": "str"},
            "parent": {"type": "str"},
            "mtu": {"type": "int"},
            "ipv6": {"type": "bool", "default": False},
        },
    },
    "create": {"type": "bool", "default": True},
    "prune": {"type": "bool", "default": False},
}
RECEIPT = ("networks", "all")


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    engine = Engine()
    warnings = []
    try:
        found = networks.find(engine.networks(), engine.containers())
    except EngineMissing as missing:
        if not check_mode:
            raise
        found = networks.remembered((receipts.read(*RECEIPT) or {}).get("left") or {}) if missing.installed else {}
        warnings = [f"{missing}; predicted from what the last run left"] if missing.installed else []
    needed = host_ranges.read_needed()
    wishes = params["networks"], found, params["create"], params["prune"]
    change = networks.plan(*wishes, assume_left=check_mode, needed=needed)
    if not check_mode:
        networks.apply(change, engine)
        there = {network["Name"]: network["Id"] for network in engine.networks()}
        specs = {name: networks.spec_of(change.wanted[name]) for name in change.wanted}
        left = {"networks": {name: there.get(name) for name in specs}, "specs": specs}
        receipts.write(*RECEIPT, receipts.digest(params["networks"]), left)
    return {
        "changed": change.changed,
        "diff": list(change.diff),
        "created": list(change.create),
        "recreated": {name: list(members) for name, members in change.recreate.items()},
        "moved": {name: list(members) for name, members in change.moved.items()},
        "removed": list(change.remove),
        "kept": {name: list(members) for name, members in change.kept.items()},
        "foreign": {name: list(members) for name, members in change.foreign.items()},
        "warnings": warnings,
    }


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda _params: RECEIPT))


if __name__ == "__main__":
    main()
