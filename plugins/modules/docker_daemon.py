#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon
short_description: Configure Docker's daemon and see that it runs
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Merges settings into C(/etc/docker/daemon.json). Keys of others stay; a key that an earlier call wrote and this
    one no longer names goes, unless somebody changed it since.
  - Enables and starts the service. It is reloaded where Docker can take over every changed key by that, else
    restarted; with C(live-restore) containers keep running meanwhile.
  - Lets Docker itself judge new settings before anything is touched. Where the daemon does not come up with them
    all the same, the former file is put back, the daemon is started with it, and the task fails saying why.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  config:
    description: >-
      Keys of C(daemon.json). Dictionaries are merged key by key, lists replace lists, and a null removes the key.
    type: dict
    default: {}
  mirror_ca:
    description: >-
      Certificate authorities (PEM) of private registries by host and port, kept in
      C(/etc/docker/certs.d/HOST/ca.crt). A path behind the host is ignored, and so is an empty certificate.
    type: dict
    default: {}
  wait:
    description: How many seconds Docker has to answer after a start, restart or reload.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Bounded logs, and containers that outlive the daemon
  kronos.homelab.docker_daemon:
    config:
      log-driver: journald
      live-restore: true
    mirror_ca:
      registry.home.example:5000: "{{ lookup('ansible.builtin.file', 'registry-ca.pem') }}"
"""

RETURN = r"""
keys:
  description: Keys of C(daemon.json) that differ.
  returned: success
  type: list
  elements: str
service:
  description: What was (or would be) done with the service, one of start, restart and reload; empty if nothing.
  returned: success
  type: str
"""

from ansible_collections.kronos.homelab.plugins.module_utils import daemon, daemon_service, receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module

OPTIONS = {
    "config": {"type": "dict", "default": {}},
    "mirror_ca": {"type": "dict", "default": {}},
    "wait": {"type": "int", "default": 60},
}
PATHS = daemon.Paths()
RECEIPT = ("daemon", "docker")


def docker_host() -> daemon_service.DockerHost:
    """The host that this module runs on."""
    return daemon_service.DockerHost(HostRunner(environment={"LC_ALL": "C.UTF-8"}))


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    host = docker_host()
    receipt = receipts.read(*RECEIPT) or {}
    left = receipt.get("left") or {}
    wish = daemon.parse(params["config"], params["mirror_ca"])
    present = tree.read_present(daemon.paths_of(wish, left, PATHS))
    service = daemon_service.read_service(host, PATHS.config, left)
    change = daemon.plan(wish, left, present, service, PATHS)
    if change.keys:
        daemon_service.check_text(host, change.text)
    if not check_mode:
        if not service.installed:
            raise KronosError(f"Docker is not installed on the host: systemd knows no {daemon.UNIT}")
        wanted = receipts.digest([wish.config, wish.authorities])
        if change.changed:
            # Between two receipts, so that after a kill the next call still knows which keys are ours.
            receipts.write(*RECEIPT, wanted, daemon.left_before(wish, change, left))
            daemon_service.carry_out(change, host, PATHS, params["wait"])
        receipts.write(*RECEIPT, wanted, daemon.left_after(wish, change))
    return {
        "changed": change.changed,
        "diff": change.diff,
        "keys": list(change.keys),
        "service": change.service,
    }


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda _params: RECEIPT))


if __name__ == "__main__":
    main()
