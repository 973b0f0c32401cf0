#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: units
short_description: Install, enable and start systemd units in one call
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Writes unit files to C(/etc/systemd/system) and the programs that they run, reloads systemd when one changed,
    and enables and starts those that are to be on.
  - Units and files of an earlier call with the same O(name) that this one does not name are stopped and removed.
extends_documentation_fragment: kronos.homelab.run
options:
  name:
    description: What the units are for; names the receipt.
    type: str
    required: true
  units:
    description: The units.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: File name of the unit, with its suffix.
        type: str
        required: true
      content:
        description: Text of the unit file.
        type: str
        required: true
      enabled:
        description: Whether it is enabled and started.
        type: bool
        default: false
  files:
    description: Further files, such as the program that a unit runs.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      content:
        description: Text of the file.
        type: str
        required: true
      mode:
        description: Mode as an octal string.
        type: str
        default: "0644"
"""

EXAMPLES = r"""
- name: Look at the certificates every day
  kronos.homelab.units:
    name: certificates
    units:
      - name: kronos-certificates.service
        content: |
          [Service]
          Type=oneshot
          ExecStart=/usr/local/lib/kronos/kronos_ca.py renew
      - name: kronos-certificates.timer
        enabled: true
        content: |
          [Timer]
          OnCalendar=daily
          [Install]
          WantedBy=timers.target
"""

RETURN = r"""
enabled:
  description: Units that were (or would be) enabled.
  returned: success
  type: list
  elements: str
started:
  description: Units that were (or would be) started or restarted.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.kronos.homelab.plugins.module_utils import receipts, tree, units
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module

UNIT = {
    "name": {"type": "str", "required": True},
    "content": {"type": "str", "required": True},
    "enabled": {"type": "bool", "default": False},
}
FILE = {
    "path": {"type": "str", "required": True},
    "content": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0644"},
}
OPTIONS = {
    "name": {"type": "str", "required": True},
    "units": {"type": "list", "elements": "dict", "required": True, "options": UNIT},
    "files": {"type": "list", "elements": "dict", "default": [], "options": FILE},
}


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    run = HostRunner()
    wanted = [units.WantedUnit(**unit) for unit in params["units"]]
    files = [tree.Wanted(file["path"], file["content"].encode(), int(file["mode"], 8)) for file in params["files"]]
    states = units.read_states([unit.name for unit in wanted if unit.enabled], run)
    before = (receipts.read("units", params["name"]) or {}).get("left") or {}
    paths = [file.path for file in files] + [unit.path for unit in wanted]
    present = tree.read_present(dict.fromkeys([*paths, *(before.get("files") or {})]))
    change = units.plan_units(wanted, files, present, states, before, units.unwanted(paths, before))
    if not check_mode:
        units.apply(change, run)
        left = units.left(wanted, files)
        receipts.write("units", params["name"], receipts.digest(left), left)
    return {
        "changed": change.changed,
        "diff": list(change.diff),
        "enabled": list(change.enable),
        "started": [*change.start, *change.restart],
    }


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda params: ("units", params["name"])))


if __name__ == "__main__":
    main()
