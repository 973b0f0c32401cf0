#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine
short_description: Host name, names of other hosts, time, language in one call
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Sets what the machine calls itself, what it calls others, what time it shows and what language it speaks. What is
    not asked for is left as it is, and so are all lines of these files that are not ours.
  - Where cloud-init is there, it is told to leave the names alone.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  timezone:
    description: Time zone, such as V(Europe/Madrid).
    type: str
    default: ""
  hostname:
    description: Name of the machine, short or in full.
    type: str
    default: ""
  hosts:
    description: Names of other hosts for C(/etc/hosts), in a block of our own. Without it there is no block.
    type: list
    elements: dict
    suboptions:
      address:
        description: IP address.
        type: str
        required: true
      names:
        description: Its names, the full one first.
        type: list
        elements: str
        required: true
  locale:
    description:
      - Language of the system, such as V(es_ES.UTF-8). It is generated where it is not built in (Debian's package
        C(locales) has to be there); other locales stay.
    type: str
    default: ""
  clock:
    description: Whether something has to keep the clock. Whoever is there for it is turned on; nobody is installed.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Who and where this is
  kronos.homelab.machine:
    hostname: atlas
    timezone: Europe/Madrid
    hosts:
      - {address: 192.0.2.5, names: [nas.home.example, nas]}
"""

RETURN = r"""
written:
  description: Files that were (or would be) written.
  returned: success
  type: list
  elements: str
"""

import ipaddress

from ansible_collections.kronos.homelab.plugins.module_utils import machine, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import run_module

OPTIONS = {
    "timezone": {"type": "str", "default": ""},
    "hostname": {"type": "str", "default": ""},
    "hosts": {
        "type": "list",
        "elements": "dict",
        "options": {
            "address": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
        },
    },
    "locale": {"type": "str", "default": ""},
    "clock": {"type": "bool", "default": False},
}
PLACES = machine.Places()


def lines_of(hosts: list | None) -> tuple | None:
    """The entries for /etc/hosts, each with an address and names that can stand there."""
    if hosts is None:
        return None
    for index, entry in enumerate(hosts):
        try:
            ipaddress.ip_address(entry["address"])
        except ValueError as error:
            raise KronosError(f"hosts[{index}].address: {entry['address']!r} is no IP address") from error
        wrong = [name for name in entry["names"] if not machine.HOSTNAME.fullmatch(name)]
        if wrong or not entry["names"]:
            raise KronosError(f"hosts[{index}].names: {wrong or 'nothing'} is no host name")
    return tuple((entry["address"], tuple(entry["names"])) for entry in hosts)


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    run = HostRunner()
    wanted = machine.Wanted(
        params["timezone"], params["hostname"], lines_of(params["hosts"]), params["locale"], params["clock"]
    )
    present = machine.read_present(wanted, PLACES, run)
    change = machine.plan(wanted, present, PLACES)
    if not check_mode:
        machine.apply(change, PLACES, run)
        left = machine.left(wanted, PLACES)
        receipts.write("machine", "host", receipts.digest(left), left)
    written = [file.path for file in change.files]
    warnings = machine.warnings(wanted, present)
    return {"changed": change.changed, "diff": list(change.diff), "written": written, "warnings": warnings}


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge)


if __name__ == "__main__":
    main()
