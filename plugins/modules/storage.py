#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage
short_description: Mount exactly these shares, and make their folders
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Takes the whole list of shares in one call. Each becomes a systemd mount unit, is mounted, and gets its folders.
    Shares of an earlier call that are not wanted any more are unmounted and forgotten; mounts of others are never
    touched.
  - Whatever cannot be done for one share, such as a server that does not answer, is told at the end, after all others
    have been mounted. Every wait has an end.
  - Nothing destructive is done with O(safe_mode). A file system is only ever made on a device that is empty, and what
    is in use is never unmounted.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  shares:
    description: All shares, as the filter P(kronos.homelab.storage_shares#filter) lists them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the share.
        type: str
        required: true
      type:
        description: What it is. V(local) is a device, or a folder of the host's own disk.
        type: str
        choices: [local, bind, nfs, cifs]
        required: true
      source:
        description: >-
          Device (V(UUID=…), V(LABEL=…), V(/dev/…)), folder, V(server:/export) or V(//server/share). Without it, or
          where it equals O(shares[].path), the share is a folder of the host's own disk.
        type: str
      path:
        description: Where it is on the host.
        type: str
        required: true
      uid:
        description: User id that owns its folders.
        type: int
        default: 0
      gid:
        description: Group id of its folders.
        type: int
        default: 0
      mode:
        description: Mode of its folders in octal digits.
        type: str
        default: "2775"
      options:
        description: Further mount options.
        type: list
        elements: str
        default: []
      read_only:
        description: Mount it read-only.
        type: bool
        default: false
      filesystem:
        description: File system of a device; what is found on it by default.
        type: str
      make_filesystem:
        description: Consent to making the file system where the device is empty. O(safe_mode) has to be off too.
        type: bool
        default: false
      version:
        description: Version of the protocol.
        type: str
      credentials:
        description: Login of a cifs share. Its password is the secret C(storage/<secret>) of the host.
        type: dict
        suboptions:
          user:
            description: User of the server.
            type: str
            required: true
          secret:
            description: Name of the secret.
            type: str
            required: true
          domain:
            description: Domain or workgroup.
            type: str
      automount:
        description: Mount it at the first access.
        type: bool
        default: false
      timeout:
        description: Seconds until a server or device counts as absent.
        type: int
        default: 30
      guarded:
        description: Whether the mount guard starts the services that use it. Docker waits for one that is not.
        type: bool
        default: false
      warn_below:
        description: Per cent of free space or inodes below which a warning is given.
        type: int
        default: 5
      directories:
        description: Folders below it.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: Path below the share.
            type: str
            required: true
          uid:
            description: User id; that of the share by default.
            type: int
          gid:
            description: Group id; that of the share by default.
            type: int
          mode:
            description: Mode in octal digits; that of the share by default.
            type: str
          stated:
            description: Whether owner and mode are kept as stated; else the folder is only made where it is missing.
            type: bool
            default: true
  safe_mode:
    description: >-
      Refuse whatever could cost data or take something from somebody - making a file system, mounting over a folder
      with something in it, putting another source in the place of a mounted one - and say what would have been done.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Mount what the services work with
  kronos.homelab.storage:
    shares: "{{ kronos_plan | kronos.homelab.storage_shares }}"

- name: A disk, and a folder of the network storage
  kronos.homelab.storage:
    shares:
      - {name: photos, type: local, source: LABEL=photos, path: /mnt/photos}
      - name: media
        type: nfs
        source: nas.home.example:/volume1/media
        path: /mnt/media
        version: "4.2"
        directories: [{path: films}, {path: series}]
"""

RETURN = r"""
mounted:
  description: Shares that were (or would be) mounted.
  returned: always
  type: list
  elements: str
unmounted:
  description: Mount points that were (or would be) left.
  returned: always
  type: list
  elements: str
made:
  description: Devices on which a file system was (or would be) made.
  returned: always
  type: list
  elements: str
problems:
  description: What could not (or cannot) be done, by share. The module fails when there is something here.
  returned: always
  type: dict
  sample: {media: the server nas does not answer on port 2049 within 10 s; nothing is mounted at /mnt/media}
"""

from dataclasses import replace

from ansible_collections.kronos.homelab.plugins.module_utils import secret_store, secret_wanted
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module
from ansible_collections.kronos.homelab.plugins.module_utils.storage_apply import apply, left_of, write_receipt
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import read_shares
from ansible_collections.kronos.homelab.plugins.module_utils.storage_plan import make_change
from ansible_collections.kronos.homelab.plugins.module_utils.storage_present import RECEIPT, Outside, read_present

CREDENTIALS = {
    "user": {"type": "str", "required": True},
    "secret": {"type": "str", "required": True, "no_log": False},
    "domain": {"type": "str"},
}
DIRECTORY = {
    "path": {"type": "str", "required": True},
    "uid": {"type": "int"},
    "gid": {"type": "int"},
    "mode": {"type": "str"},
    "stated": {"type": "bool", "default": True},
}
SHARE = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["local", "bind", "nfs", "cifs"], "required": True},
    "source": {"type": "str"},
    "path": {"type": "str", "required": True},
    "uid": {"type": "int", "default": 0},
    "gid": {"type": "int", "default": 0},
    "mode": {"type": "str", "default": "2775"},
    "options": {"type": "list", "elements": "str", "default": []},
    "read_only": {"type": "bool", "default": False},
    "filesystem": {"type": "str"},
    "make_filesystem": {"type": "bool", "default": False},
    "version": {"type": "str"},
    "credentials": {"type": "dict", "options": CREDENTIALS},
    "automount": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 30},
    "guarded": {"type": "bool", "default": False},
    "warn_below": {"type": "int", "default": 5},
    "directories": {"type": "list", "elements": "dict", "default": [], "options": DIRECTORY},
}
OPTIONS = {
    "shares": {"type": "list", "elements": "dict", "required": True, "options": SHARE},
    "safe_mode": {"type": "bool", "default": True},
}
SERVICE = "storage"


class StorageFailed(KronosError):
    """Something could not be done; ``details`` is what the module returns all the same."""

    def __init__(self, problems: dict, details: dict) -> None:
        self.details = details
        lines = [f"share {name}: {why}" for name, why in sorted(problems.items())]
        super().__init__(lines[0] if len(lines) == 1 else "\n  ".join([f"{len(lines)} shares:", *lines]))


def with_passwords(shares: list, check_mode: bool) -> list:
    """The shares with what the host keeps for their logins; in check mode it may still be to come."""
    ready = []
    for share in shares:
        if share.login is not None:
            wanted = secret_wanted.WantedSecret(SERVICE, share.login.secret, "given", 0, None)
            value = secret_store.read([wanted])[wanted.key].value
            if value is None and not check_mode:
                raise KronosError(f"share {share.name}: the host has no secret {wanted.key}")
            if "\n" in (value or ""):
                raise KronosError(f"share {share.name}: the secret {wanted.key} holds a line break, which cifs cannot")
            share = replace(share, login=replace(share.login, password=value or ""))
        ready.append(share)
    return ready


def converge(params: dict, check_mode: bool, outside: Outside | None = None) -> dict:
    """Read, plan, and unless in check mode apply."""
    outside = outside or Outside(HostRunner())
    shares = with_passwords(read_shares(params["shares"]), check_mode)
    present = read_present(shares, outside)
    change = make_change(shares, present, params["safe_mode"])
    problems, diff, stuck = dict(change.problems), list(change.diff), set()
    if not check_mode:
        outcome = apply(change, shares, outside)
        problems, diff, stuck = outcome.problems, diff + outcome.diff, outcome.stuck
        write_receipt(left_of(shares, change, outcome, present), outside)
    result = {
        "changed": change.changed,
        "diff": diff,
        "mounted": [one.name for one in change.mount if one.name not in problems],
        "unmounted": [path for path in change.unmount if path not in stuck],
        "made": [device.path for _share, device in change.make],
        "problems": problems,
        "warnings": list(change.warnings),
    }
    if problems:
        raise StorageFailed(problems, {key: value for key, value in result.items() if key != "warnings"})
    return result


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda params: RECEIPT), root=True)


if __name__ == "__main__":
    main()
