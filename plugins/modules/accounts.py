#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: accounts
short_description: Users, groups and SSH keys of the host in one call
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Makes groups and users that are missing, and adds SSH keys and memberships. Nobody is removed, locked or given
    another number, and keys that a user has beside the wanted ones stay.
  - Tells who has proven to get in with a key, so that what would lock somebody out can wait until then.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  groups:
    description: Groups. One whose number another group has is not made; that one owns what it owns.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the group.
        type: str
        required: true
      gid:
        description: Its number.
        type: int
  users:
    description: Users.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the user.
        type: str
        required: true
      uid:
        description: Its number.
        type: int
      group:
        description: Its own group, by name or number; one of its own name by default.
        type: str
        default: ""
      groups:
        description: Further groups.
        type: list
        elements: str
        default: []
      shell:
        description: Login shell.
        type: str
        default: ""
      home:
        description: Home directory of a new user.
        type: str
        default: ""
      system:
        description: >-
          A user for files and services, without a home. Not made where another user has the number.
        type: bool
        default: false
      keys:
        description: Public SSH keys.
        type: list
        elements: str
        default: []
      types_password:
        description: Whether sudo asks for the user's password; without one there is a warning.
        type: bool
        default: false
  watch:
    description: Further users of whom to tell whether they have logged in with a key.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: An administrator, and who owns the data
  kronos.homelab.accounts:
    groups: [{name: kronos, gid: 1000}]
    users:
      - {name: anna, groups: [sudo], shell: /bin/bash, keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA… anna"]}
      - {name: kronos, uid: 1000, group: kronos, system: true, shell: /usr/sbin/nologin}
  register: accounts
"""

RETURN = r"""
login:
  description: As whom Ansible logs in, as far as the host can tell; V(root) where it cannot.
  returned: success
  type: str
proven:
  description: Those users of O(users[].name), O(watch) and RV(login) that logged in with a key when
    they last did.
  returned: success
  type: list
  elements: str
"""

import os
import time

from ansible_collections.kronos.homelab.plugins.module_utils import accounts, logins, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import run_module

OPTIONS = {
    "groups": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "gid": {"type": "int"}},
    },
    "users": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "uid": {"type": "int"},
            "group": {"type": "str", "default": ""},
            "groups": {"type": "list", "elements": "str", "default": []},
            "shell": {"type": "str", "default": ""},
            "home": {"type": "str", "default": ""},
            "system": {"type": "bool", "default": False},
            "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "types_password": {"type": "bool", "default": False, "no_log": False},
        },
    },
    "watch": {"type": "list", "elements": "str", "default": []},
}
RECEIPT = ("accounts", "host")
LOOK_AGAIN = 3600  # seconds after which a run looks again whether a key has proven to work
DUE_WHAT = "an SSH key that nobody had used yet may have been used"


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    run = HostRunner()
    groups = [accounts.WantedGroup(**entry) for entry in params["groups"]]
    users = [
        accounts.WantedUser(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})
        for entry in params["users"]
    ]
    accounts.check(users, groups)
    present = accounts.read_present(users)
    change = accounts.plan(users, groups, present)
    before = (receipts.read(*RECEIPT) or {}).get("left") or {}
    login = logins.present(os.environ)
    watched = {login.name, *params["watch"], *(user.name for user in users if user.keys)}
    proven = logins.proven(watched, before.get("proven") or (), login, run)
    if not check_mode:
        accounts.apply(change, run)
        left = accounts.left(users, accounts.read_present(users), proven)
        if watched - proven:
            left.update(due=int(time.time()) + LOOK_AGAIN, due_what=DUE_WHAT)
        receipts.write(*RECEIPT, receipts.digest(params["users"]), left)
    return {
        "changed": change.changed,
        "diff": list(change.diff),
        "login": login.name,
        "proven": sorted(proven),
        "warnings": accounts.warnings(users, accounts.read_present(users)),
    }


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, root=True)


if __name__ == "__main__":
    main()
