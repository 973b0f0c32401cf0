#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vlan_info
short_description: Link, carrier, addresses and gateways of the VLANs
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Reports on the VLAN interfaces that M(kronos.homelab.vlan) made on this host, also on those that are gone.
  - Asks every gateway on its own link, by ARP or an ICMPv6 echo request. This takes about two seconds for one that
    does not answer.
extends_documentation_fragment:
  - kronos.homelab.looks
options:
  probe:
    description: Whether to ask the gateways.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Look at the VLANs
  kronos.homelab.vlan_info:
  register: found

- name: Tell which gateways are silent
  ansible.builtin.debug:
    msg: "{{ item.key }}: {{ item.value.gateways | dict2items | rejectattr('value') | map(attribute='key') | list }}"
  loop: "{{ found.vlans | dict2items }}"
"""

RETURN = r"""
manager:
  description: The network manager of each parent, empty where none is known.
  returned: success
  type: dict
  sample: {eth0: networkd}
vlans:
  description: >-
    By name of the interface, C(id), C(parent), C(present), C(up), C(carrier), C(mtu), C(addresses), C(gateways)
    (whether each answers) and C(differences) from what the last run left.
  returned: success
  type: dict
  sample:
    kr30:
      id: 30
      parent: eth0
      present: true
      up: true
      carrier: true
      mtu: 1500
      addresses: [10.30.0.2/24]
      gateways: {10.30.0.1: true}
      differences: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kronos.homelab.plugins.module_utils import (
    receipts,
    vlan_live,
    vlan_manager,
    vlan_model,
    vlan_probe,
)
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, explain
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner

OPTIONS = {"probe": {"type": "bool", "default": True}}


def look(params: dict) -> dict:
    """Compare the receipt with the kernel, and ask the gateways."""
    left = (receipts.read("vlan", "all") or {}).get("left") or {}
    wanted = vlan_model.parse(left.get("vlans") or [])
    live = vlan_live.read(HostRunner(environment={"LC_ALL": "C.UTF-8"}))
    parents = sorted({each.parent for each in wanted if each.parent in live.links})
    return {
        "changed": False,
        "manager": {name: vlan_manager.look(name, live.links[name].index).manager for name in parents},
        "vlans": {each.name: _about(each, live, params["probe"]) for each in wanted},
    }


def _about(wanted: vlan_model.Interface, live: vlan_live.Live, probe: bool) -> dict:
    link = live.links.get(wanted.name)
    asked = wanted.gateways if probe and link is not None and link.up else ()
    return {
        "id": wanted.id,
        "parent": wanted.parent,
        "present": link is not None,
        "up": bool(link and link.up),
        "carrier": bool(link and link.carrier),
        "mtu": link.mtu if link else 0,
        "addresses": list(link.addresses) if link else [],
        "gateways": {each: each in asked and vlan_probe.answers(wanted.name, each) for each in wanted.gateways},
        "differences": vlan_live.differences([wanted], live),
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        found = look(module.params)
    except (KronosError, OSError) as error:
        module.fail_json(msg=explain(error))
    module.exit_json(**found)


if __name__ == "__main__":
    main()
