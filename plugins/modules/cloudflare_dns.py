#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflare_dns
short_description: Keep the records of our names at Cloudflare, and nobody else's
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Makes an A and an AAAA record for each name, with the home's public address, and removes those of names that are no
    longer wanted. Runs on the host, where the token is.
  - Its own records are those with the comment C(managed by kronos.homelab OWNER); all others are left alone. A name
    that somebody else has a record of is an error, told after all others are done.
  - Writes C(/etc/kronos/cloudflare/wanted.json), from which a timer on the host follows a changing address.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  state:
    description: V(absent) removes our records and what is kept on the host.
    type: str
    choices: [present, absent]
    default: present
  records:
    description: The names.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name in full.
        type: str
        required: true
      proxied:
        description: Whether Cloudflare's proxy stands in front of it.
        type: bool
        default: false
  owner:
    description: The host, by which its records are told from those of others.
    type: str
    required: true
  addresses:
    description: The home's public addresses, where they are fixed; the others are asked for.
    type: list
    elements: str
    default: []
  services4:
    description: Addresses that answer with the caller's IPv4 address, asked in turn; empty for no A records.
    type: list
    elements: str
    default: []
  services6:
    description: The same for IPv6 and AAAA records.
    type: list
    elements: str
    default: []
  api:
    description: Address of the API.
    type: str
    default: https://api.cloudflare.com/client/v4
  token_file:
    description: File on the host that holds the token.
    type: str
    default: /etc/kronos/secrets/cloudflare/token
"""

EXAMPLES = r"""
- name: Two names
  kronos.homelab.cloudflare_dns:
    owner: atlas
    records:
      - {name: www.home.example, proxied: true}
      - {name: vpn.home.example}
    services4: ["https://api.ipify.org"]
"""

RETURN = r"""
created:
  description: Records that were (or would be) made, as name and type.
  returned: success
  type: list
  elements: str
updated:
  description: Records that were (or would be) changed.
  returned: success
  type: list
  elements: str
deleted:
  description: Records that were (or would be) deleted.
  returned: success
  type: list
  elements: str
addresses:
  description: The home's public addresses.
  returned: success
  type: list
  elements: str
"""

import ipaddress
import os

from ansible_collections.kronos.homelab.plugins.module_utils import (
    cloudflare,
    cloudflare_api,
    receipts,
    settled,
    tree,
)
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module

RECORD = {"name": {"type": "str", "required": True}, "proxied": {"type": "bool", "default": False}}
LIST = {"type": "list", "elements": "str", "default": []}
OPTIONS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "records": {"type": "list", "elements": "dict", "default": [], "options": RECORD},
    "owner": {"type": "str", "required": True},
    "addresses": LIST,
    "services4": LIST,
    "services6": LIST,
    "api": {"type": "str", "default": "https://api.cloudflare.com/client/v4"},
    "token_file": {"type": "str", "default": "/etc/kronos/secrets/cloudflare/token", "no_log": False},
}
RECEIPT = ("cloudflare", "dns")
FOLDER = "/etc/kronos/cloudflare"
STATE = "/var/lib/kronos/cloudflare.json"


def wish_of(params: dict) -> cloudflare.Wish:
    """The wish in its own words."""
    try:
        fixed = [ipaddress.ip_address(item) for item in params["addresses"]]
    except ValueError as error:
        raise KronosError(f"addresses: {error}") from error
    services = {4: params["services4"], 6: params["services6"]}
    return cloudflare.Wish(
        base=params["api"],
        owner=params["owner"],
        records={record["name"].lower(): record["proxied"] for record in params["records"]},
        services={family: tuple(listed) for family, listed in services.items() if listed},
        addresses={address.version: str(address) for address in fixed},
        token_file=params["token_file"],
        state_file=STATE,
    )


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    try:
        return work(wish_of(params), params["state"] == "absent", check_mode)
    except cloudflare_api.CloudflareError as error:
        raise KronosError(f"Cloudflare: {error}") from error


def work(wish: cloudflare.Wish, leave: bool, check_mode: bool) -> dict:
    """One computed change, carried out or only told."""
    path = f"{FOLDER}/wanted.json"
    wanted = [] if leave else [tree.Wanted(path, cloudflare.to_json(wish), 0o600, os.geteuid(), os.getegid())]
    gone = [FOLDER, STATE] if leave else []
    note = tree.plan_tree(wanted, [], gone, tree.read_present([path, FOLDER, STATE]))
    token = read_token(wish.token_file)
    if not token:
        return without_token(wish, note, leave, check_mode)
    client = cloudflare_api.Client(wish.base, token)
    change, addresses, silent = cloudflare.converge(wish, client, cloudflare_api.fetch, not check_mode)
    if change.taken:
        raise cloudflare_api.CloudflareError(cloudflare.taken_text(change.taken, wish))
    if not check_mode:
        finish(wish, wanted, note, addresses)
    return {
        "changed": bool(change.steps) or note.changed,
        "diff": [*change.diff, *note.diff],
        **{key: names(change, key[:-1]) for key in ("created", "updated", "deleted")},
        "addresses": [addresses[family] for family in sorted(addresses)],
        "warnings": [f"Cloudflare: {line}" for line in silent],
    }


def finish(wish: cloudflare.Wish, wanted: list, note: tree.TreeChange, addresses: dict) -> None:
    """Write what the timer goes by, and the receipt."""
    tree.apply(note)
    if not wanted:
        settled.forget(RECEIPT)
        return
    cloudflare.remember(wish, addresses)
    left = tree.receipt_of(wanted, [])
    receipts.write(*RECEIPT, receipts.digest(left), left)


def names(change: cloudflare.Change, action: str) -> list[str]:
    """Names and types of the records that this is done to; *action* without its last letter."""
    return [
        f"{s.record['name']} {s.record['type']}" for s in change.steps if s.action.rstrip("e") == action.rstrip("e")
    ]


def read_token(path: str) -> str:
    """The token; empty where there is none."""
    return cloudflare_api.read_token(path) if os.path.exists(path) else ""


def without_token(wish: cloudflare.Wish, note: tree.TreeChange, leave: bool, check_mode: bool) -> dict:
    """Without a token a first run can only be foretold in part, and records cannot be taken away."""
    if leave:
        warning = f"Cloudflare: {wish.token_file} is gone, so the records of this host stay"
        if not check_mode:
            finish(wish, [], note, {})
    elif check_mode:
        warning = f"Cloudflare: {wish.token_file} is not there yet, so nobody knows what Cloudflare has"
    else:
        raise KronosError(f"{wish.token_file} is not there: give the token as kronos_secrets.cloudflare.token")
    known = {"created": [], "updated": [], "deleted": [], "addresses": []}
    return {"changed": note.changed, "diff": list(note.diff), "warnings": [warning], **known}


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda _params: RECEIPT), root=True)


if __name__ == "__main__":
    main()
