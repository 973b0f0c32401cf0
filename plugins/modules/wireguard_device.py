#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wireguard_device
short_description: Fetch the configuration of one device of the VPN, as text and as a QR code
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Returns what a device needs to come in, its private key included, which M(kronos.homelab.wireguard) has made and
    the host keeps. Register it with C(no_log).
  - Changes nothing.
options:
  device:
    description: The device, C(owner.device).
    type: str
    required: true
extends_documentation_fragment:
  - kronos.homelab.looks
"""

EXAMPLES = r"""
- name: Fetch what Anna's phone needs
  kronos.homelab.wireguard_device:
    device: anna.phone
  register: phone
  no_log: true
"""

RETURN = r"""
configuration:
  description: The configuration file.
  returned: success
  type: str
qr:
  description: The same as a QR code, an SVG image.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kronos.homelab.plugins.module_utils import tree, wireguard_model
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, explain
from ansible_collections.kronos.homelab.plugins.module_utils.printable import printable
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.wireguard_files import STATE

OPTIONS = {"device": {"type": "str", "required": True}}
NONE = "this host has no VPN: name `devices` in kronos_users, and run site.yml"


def look(params: dict, run: HostRunner) -> dict:
    """The configuration of a device, twice."""
    content = tree.read_present([STATE])[STATE].content
    if content is None:
        raise KronosError(NONE)
    text = wireguard_model.device_configuration(content, params["device"])
    drawn = run(["qrencode", "--type=SVG", "--output=-"], text, 30)
    if drawn.code:
        raise KronosError(f"qrencode: {drawn.err.strip()}")
    return {"changed": False, "configuration": text, "qr": drawn.out}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        result = look(module.params, HostRunner())
    except (KronosError, OSError) as error:
        module.fail_json(msg=printable(explain(error)))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
