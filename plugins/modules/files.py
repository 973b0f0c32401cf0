#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Make a tree of files and directories in one call
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Makes directories, writes files (each in one step, so that no reader ever sees half of one), and removes what is
    to be absent. Contents come rendered; nothing is templated on the host.
  - Everything that a call names is remembered in a receipt, from which M(kronos.homelab.host_check) tells drift.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  name:
    description: What the files are for; names the receipt. Two calls of one name would forget each other's files.
    type: str
    required: true
  files:
    description:
      - Files, written in this order after all directories.
      - A link that leads to another file of the same call with the same content is left alone. Systemd makes such links
        at boot.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      content:
        description: The whole text.
        type: str
        required: true
      mode:
        description: Mode in octal digits.
        type: str
        default: "0644"
      owner:
        description: Name or number of the user.
        type: str
        default: root
      group:
        description: Name or number of the group.
        type: str
        default: root
  directories:
    description: Directories; missing parents are made 0755 and root's.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      mode:
        description: Mode in octal digits.
        type: str
        default: "0755"
      owner:
        description: Name or number of the user.
        type: str
        default: root
      group:
        description: Name or number of the group.
        type: str
        default: root
  absent:
    description: Paths that must not exist; directories go with all that is in them.
    type: list
    elements: str
    default: []
  forget:
    description: Remove files of an earlier call with the same O(name) that this one does not name.
    type: bool
    default: false
  hooks:
    description: What has to happen when files have changed, in this order.
    type: list
    elements: dict
    default: []
    suboptions:
      paths:
        description: Files of this call, one of which has to have changed.
        type: list
        elements: str
        required: true
      check:
        description: Program that must end well once they are written; else they are put back as they were.
        type: list
        elements: str
        default: []
      run:
        description: Program that makes them count. A run that was killed before it is made up for by the next.
        type: list
        elements: str
        default: []
      verify:
        description: >-
          Program that tells in every run whether they count. Where it does not end well, what it says is a warning.
        type: list
        elements: str
        default: []
"""

EXAMPLES = r"""
- name: Configuration of an application
  kronos.homelab.files:
    name: my-app
    directories:
      - {path: /etc/my-app, mode: "0750", group: my-app}
    files:
      - path: /etc/my-app/app.conf
        content: "{{ my_app_settings | to_nice_json }}"
        mode: "0640"
        group: my-app
    absent: [/etc/my-app/old.conf]

- name: Settings of the SSH server, never taken by it where they are wrong
  kronos.homelab.files:
    name: ssh
    files:
      - path: /etc/ssh/sshd_config.d/10-mine.conf
        content: |
          X11Forwarding no
    hooks:
      - paths: [/etc/ssh/sshd_config.d/10-mine.conf]
        check: [sshd, -t]
        run: [systemctl, try-reload-or-restart, ssh.service]
"""

RETURN = r"""
created:
  description: Paths that were (or would be) made.
  returned: success
  type: list
  elements: str
updated:
  description: Paths whose content, mode or owner was (or would be) changed.
  returned: success
  type: list
  elements: str
removed:
  description: Paths that were (or would be) removed.
  returned: success
  type: list
  elements: str
ran:
  description: Programs of hooks that were (or would be) run.
  returned: success
  type: list
  elements: str
"""

import os

from ansible_collections.kronos.homelab.plugins.module_utils import hooks, owners, receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module

OPTIONS = {
    "name": {"type": "str", "required": True},
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "content": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "0644"},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
        },
    },
    "directories": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "0755"},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
        },
    },
    "absent": {"type": "list", "elements": "str", "default": []},
    "forget": {"type": "bool", "default": False},
    "hooks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "paths": {"type": "list", "elements": "str", "required": True},
            "check": {"type": "list", "elements": "str", "default": []},
            "run": {"type": "list", "elements": "str", "default": []},
            "verify": {"type": "list", "elements": "str", "default": []},
        },
    },
}


def rights(entry: dict, predict: bool) -> dict:
    """Mode and owner of an entry as the system keeps them."""
    return {
        "mode": owners.mode_of(entry["mode"], entry["path"]),
        "uid": owners.user_id(entry["owner"], predict=predict),
        "gid": owners.group_id(entry["group"], predict=predict),
    }


def twins(files: list[tree.Wanted]) -> set[str]:
    """Paths that are links to another one of these files, which says the same."""
    said = {file.path: file.content for file in files}
    return {
        file.path
        for file in files
        if os.path.islink(file.path) and said.get(os.path.realpath(file.path)) == file.content
    }


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    files = [
        tree.Wanted(entry["path"], entry["content"].encode(), **rights(entry, check_mode)) for entry in params["files"]
    ]
    directories = [tree.WantedDirectory(entry["path"], **rights(entry, check_mode)) for entry in params["directories"]]
    before = (receipts.read("files", params["name"]) or {}).get("left") or {}
    wanted = {*tree.paths_of(files, directories, params["absent"])}
    linked = twins(files)
    files = [file for file in files if file.path not in linked]
    gone = [path for path in before.get("files") or {} if params["forget"] and path not in wanted]
    absent = [*params["absent"], *gone]
    present = tree.read_present(tree.paths_of(files, directories, absent))
    change = tree.plan_tree(files, directories, absent, present)
    wishes = [
        hooks.Hook(*(tuple(entry[key]) for key in ("paths", "check", "run", "verify"))) for entry in params["hooks"]
    ]
    due = hooks.due(wishes, change, files, before)
    owed = hooks.diff_of(due, change)
    warnings: list[str] = []
    if not check_mode:
        tree.apply(change)
        hooks.take(due, present, HostRunner())
        left = tree.receipt_of(files, directories, params["absent"])
        receipts.write("files", params["name"], receipts.digest(left), left)
        warnings = hooks.warnings(wishes, HostRunner())
    return {
        "changed": change.changed or bool(owed),
        "diff": [*change.diff, *owed],
        "created": list(change.creates),
        "updated": list(change.updates),
        "removed": list(change.removes),
        "ran": [" ".join(hook.run) for hook in due if hook.run],
        "warnings": warnings,
    }


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda params: ("files", params["name"])))


if __name__ == "__main__":
    main()
