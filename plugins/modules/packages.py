#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Make sure that Debian packages are installed
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Installs what is missing in one call of C(apt-get), without recommended packages and without questions. What is
    installed is left at its version; nothing is ever removed.
  - Needs only C(dpkg) and C(apt-get), in check mode too.
  - Waits for another C(apt) or C(dpkg) to end, and finishes what an interrupted one left half-done.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  name:
    description: What the packages are for; names the receipt.
    type: str
    default: all
  names:
    description: >-
      Names of packages. One that an installed package provides counts as installed. V(a | b) is satisfied by either;
      where neither is installed, the first comes.
    type: list
    elements: str
    required: true
  cache_valid_time:
    description:
      - Fetch the package lists first when they are older than this many seconds. They are fetched only if something
        is missing, and in any case when installing fails without.
    type: int
    default: 3600
  lock_timeout:
    description: How many seconds to wait for another C(apt) or C(dpkg).
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Install the engine
  kronos.homelab.packages:
    names: [docker.io, docker-cli, docker-compose]
"""

RETURN = r"""
installed:
  description: Packages that were (or would be) installed.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.kronos.homelab.plugins.module_utils import packages, receipts
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module

OPTIONS = {
    "name": {"type": "str", "default": "all"},
    "names": {"type": "list", "elements": "str", "required": True},
    "cache_valid_time": {"type": "int", "default": 3600},
    "lock_timeout": {"type": "int", "default": 300},
}


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    run = HostRunner(environment=packages.ENVIRONMENT)
    installed = packages.read_installed(run)
    change = packages.plan(params["names"], installed)
    warnings = []
    if not check_mode:
        times = {key: params[key] for key in ("cache_valid_time", "lock_timeout")}
        warnings = packages.apply(change, run, **times)
        there = packages.read_installed(run) if change.changed else installed
        left = {"packages": packages.present(params["names"], there)}
        receipts.write("packages", params["name"], receipts.digest(params["names"]), left)
    return {
        "changed": change.changed,
        "diff": change.diff,
        "installed": list(change.missing),
        "warnings": warnings,
    }


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda params: ("packages", params["name"])))


if __name__ == "__main__":
    main()
