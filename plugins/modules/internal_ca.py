#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: internal_ca
short_description: Keep a certificate authority of the home, and its certificates
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Keeps a root certificate in C(/etc/kronos/ca), which devices trust once, and certificates signed by it in
    C(/etc/kronos/tls/LEAF) as C(cert.pem) (with the root behind it) and C(key.pem).
  - A certificate is issued anew when it is missing, unreadable, expired or about to expire, does not fit its key,
    does not chain to the root, or is for other names. Its key stays, unless that is lost. Owners and modes are
    repaired.
  - Writes C(/etc/kronos/ca/wanted.json), from which a timer on the host renews the certificates without Ansible.
  - A lost or broken root is an error and never replaced silently, since every device would have to trust the new one.
  - Needs Python's C(cryptography) on the host; without it, check mode predicts what is missing.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  root:
    description: The root certificate.
    type: dict
    default: {}
    suboptions:
      common_name:
        description: Its name, as devices show it. Takes effect when the root is made.
        type: str
        default: Home authority
  leaves:
    description: The certificates to keep. One that an earlier call named and this one does not is removed.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of its folder.
        type: str
        required: true
      names:
        description: DNS names (C(*.) in front stands for one label) and addresses that it is for.
        type: list
        elements: str
        required: true
      owner:
        description: Name or number of the user who reads the key.
        type: str
        default: root
      group:
        description: Name or number of the group.
        type: str
        default: root
      days:
        description: How long it is valid.
        type: int
        default: 90
      republish:
        description:
          - Files that are renamed into place again, with equal content, after the certificate has changed. Traefik
            looks at certificates only when a file that it watches changes.
        type: list
        elements: str
        default: []
  renew_before_days:
    description: Issue anew when fewer days than this are left.
    type: int
    default: 30
  force_new_root:
    description: Make a new root, and all certificates anew. Every device must then trust the new root.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: A certificate for everything below one domain
  kronos.homelab.internal_ca:
    root:
      common_name: home.example home authority
    leaves:
      - name: proxy
        names: [home.example, "*.home.example", 192.0.2.10]
        owner: "1000"
        group: "1000"
        republish: [/opt/kronos/stacks/traefik/files/traefik/dynamic/kronos.yml]
"""

RETURN = r"""
root_certificate:
  description: The root certificate (PEM), for devices to trust; empty while it is only predicted.
  returned: success
  type: str
root:
  description: What was (or would be) done with the root, one of created, restored and repaired; empty if nothing.
  returned: success
  type: str
issued:
  description: Certificates that were (or would be) issued, with the reason.
  returned: success
  type: dict
  sample: {proxy: its names differ}
leaves:
  description: Names and end of each certificate that stands, by the name of its folder.
  returned: success
  type: dict
  contains:
    names:
      description: DNS names and addresses.
      type: list
      elements: str
    not_after:
      description: Its last moment, in seconds since 1970.
      type: int
"""

import os
from datetime import datetime, timezone

from ansible_collections.kronos.homelab.plugins.module_utils import ca, ca_state, certificates, owners, receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module

OPTIONS = {
    "root": {
        "type": "dict",
        "default": {},
        "options": {"common_name": {"type": "str", "default": "Home authority"}},
    },
    "leaves": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
            "days": {"type": "int", "default": 90},
            "republish": {"type": "list", "elements": "str", "default": []},
        },
    },
    "renew_before_days": {"type": "int", "default": 30},
    "force_new_root": {"type": "bool", "default": False},
}
FOLDER = "/etc/kronos"
MISSING = "Python's cryptography is missing on the host (Debian: python3-cryptography)"


def wanted_of(params: dict, predict: bool) -> ca_state.Wanted:
    """The wish in the authority's own words."""
    leaves = [
        ca_state.Leaf(
            name=leaf["name"],
            names=tuple(name.lower() for name in leaf["names"]),
            uid=owners.user_id(leaf["owner"], predict=predict),
            gid=owners.group_id(leaf["group"], predict=predict),
            days=leaf["days"],
            republish=tuple(leaf["republish"]),
        )
        for leaf in params["leaves"]
    ]
    common_name = (params["root"] or {}).get("common_name") or "Home authority"
    return ca_state.Wanted(common_name, tuple(leaves), params["renew_before_days"], FOLDER)


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    wanted = wanted_of(params, check_mode)
    try:
        if check_mode:
            return work(wanted, params, apply=False)
        if not certificates.available():
            raise KronosError(MISSING)
        with ca_state.locked(wanted):
            return work(wanted, params, apply=True)
    except ca_state.CaError as error:
        raise KronosError(str(error)) from error


def work(wanted: ca_state.Wanted, params: dict, apply: bool) -> dict:
    """One computed change, carried out or only told."""
    now = datetime.now(timezone.utc)
    present = ca_state.read(wanted)
    change = ca.plan(wanted, present, now, params["force_new_root"])
    wish = tree.Wanted(wanted.ca("wanted.json"), ca_state.to_json(wanted), 0o600, os.geteuid(), os.getegid())
    blind = present.root is not None and not certificates.available()
    note = tree.plan_tree([wish], [], [], tree.read_present([wish.path]))
    root = ca.foreseen_root(change, present)
    if apply:
        ca.apply(change, wanted, present, now)
        tree.apply(note)
        root = ca_state.read_content(wanted.ca("root.crt")) or b""
        left = {**tree.receipt_of([wish], []), "living": [wanted.ca("issued.json")]}
        receipts.write("internal_ca", "home", receipts.digest(left), left)
    return {
        "changed": change.changed or note.changed,
        "diff": ca.diff(change, wanted, present) + list(note.diff),
        "root": change.root,
        "issued": dict(change.issue),
        "root_certificate": root.decode(),
        "leaves": ca_state.read_issued(wanted).get("leaves") or {},
        "warnings": [f"{MISSING}: what stands could not be looked at"] if blind else [],
    }


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda _params: ("internal_ca", "home"), ("root_certificate",)))


if __name__ == "__main__":
    main()
