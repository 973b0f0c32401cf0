#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_info
short_description: Whether shares are mounted, how full they are, and whether they can be written to
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Looks at every share that M(kronos.homelab.storage) left on the host, and at further mount points. Each look is
    made by a process that can be killed, so that a share whose server is gone cannot hold the task up.
extends_documentation_fragment:
  - kronos.homelab.run
  - kronos.homelab.looks
options:
  paths:
    description: Further mount points to look at.
    type: list
    elements: str
    default: []
  write:
    description: Also write a small hidden file to each, read it again and remove it.
    type: bool
    default: true
  patience:
    description: Seconds in which all of them have to answer.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Look at the shares
  kronos.homelab.storage_info:
  register: shares

- name: Say which one cannot be used
  ansible.builtin.debug:
    msg: "{{ shares.shares | selectattr('error') | items2dict(key_name='name', value_name='error') }}"
"""

RETURN = r"""
shares:
  description: One entry for each mount point, sorted by path.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the share; empty for a mount point of others.
      type: str
    path:
      description: Mount point.
      type: str
    mounted:
      description: Whether it is mounted; for a share, whether it is the right one.
      type: bool
    source:
      description: What is mounted there.
      type: str
    filesystem:
      description: Kind of file system.
      type: str
    size:
      description: Size in bytes.
      type: int
    free:
      description: Free bytes.
      type: int
    inodes:
      description: Number of inodes; 0 where they are not counted.
      type: int
    inodes_free:
      description: Free inodes.
      type: int
    writable:
      description: Whether the small file could be written and read.
      type: bool
    error:
      description: What is wrong with it, in words; empty where nothing is.
      type: str
held:
  description: Containers that the mount guard has stopped, and the share that each of them waits for.
  returned: success
  type: dict
  sample: {jellyfin: media}
"""

from ansible_collections.kronos.homelab.plugins.module_utils import receipts, share_state
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import (
    Look,
    Question,
    is_same,
    look_all,
    mount_at,
    read_mounts,
    waits,
)
from ansible_collections.kronos.homelab.plugins.module_utils.shell import run_module
from ansible_collections.kronos.homelab.plugins.module_utils.storage_present import RECEIPT

OPTIONS = {
    "paths": {"type": "list", "elements": "str", "default": []},
    "write": {"type": "bool", "default": True},
    "patience": {"type": "int", "default": 5},
}


def converge(params: dict, _check_mode: bool) -> dict:
    """Look; nothing is ever changed that stays."""
    shares = ((receipts.read(*RECEIPT) or {}).get("left") or {}).get("shares") or {}
    mounts = read_mounts()
    there = {path: mount_at(path, mounts) for path in sorted({*shares, *params["paths"]})}
    right = {
        path: found is not None
        and (path not in shares or is_same(shares[path]["type"], shares[path]["source"], path, mounts))
        for path, found in there.items()
    }
    questions = {
        path: Question(path, write=params["write"] and "ro" not in found.options)
        for path, found in there.items()
        if found is not None and right[path]
    }
    looks = look_all(questions, params["patience"])
    entries = []
    for path, found in there.items():
        missing = "is mounted at the first access" if waits(path, mounts) else "is not mounted"
        wrong = missing if found is None else "something else is mounted there"
        look = looks.get(path) or Look(error=wrong)
        entries.append(
            {
                "name": (shares.get(path) or {}).get("name", ""),
                "path": path,
                "mounted": right[path],
                "source": found.source if found else "",
                "filesystem": found.kind if found else "",
                **{key: getattr(look, key) for key in ("size", "free", "inodes", "inodes_free", "writable", "error")},
            }
        )
    return {"changed": False, "shares": entries, "held": share_state.read_held()}


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, renew=False)


if __name__ == "__main__":
    main()
