#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secret
short_description: Make sure that secrets of services exist on the host
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Keeps each secret in C(/etc/kronos/secrets/SERVICE/NAME), readable by root alone. Values are generated on the
    host and never pass the controller; given ones come in O(given). No value is ever returned, shown in a diff or
    put into an error.
  - A value that is there is never replaced, unless O(given) says another one or O(rotate) names it. One that was
    deleted by hand is restored from what its service uses, a mounted copy or an env file, if that is there. Modes and
    owners are repaired.
  - Keeps the key of the secrets' fingerprints as well, C(/etc/kronos/fingerprint.key). With a new one every service
    that uses a secret is made anew once.
  - Secrets that are no longer declared stay where they are, since the data of their service may need them again.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  secrets:
    description: The secrets that services declare.
    type: list
    elements: dict
    required: true
    suboptions:
      service:
        description: Name of the service.
        type: str
        required: true
      name:
        description: Name of the secret.
        type: str
        required: true
      format:
        description:
          - How a value is generated. V(given) ones are not; they must be in O(given).
        type: str
        choices: [hex, base64, alphanumeric, uuid, passphrase, rsa_key, given]
        default: hex
      length:
        description:
          - Characters of V(hex) and V(alphanumeric) (default 32), random bytes of V(base64) (default 32), words of
            V(passphrase) (default 8), bits of V(rsa_key) (default 2048). Unused for V(uuid) and V(given).
          - A changed length applies from the next rotation on.
        type: int
      given:
        description: Whether the value is to come from O(given); tells nothing that O(secrets[].format) does not.
        type: bool
      derive:
        description:
          - Makes the secret from another one, which is generated or given, instead of generating it. The hash is kept
            as long as it verifies against its source, and made anew once the source is another one.
          - V(argon2id) needs the package C(python3-argon2), V(bcrypt) needs C(python3-bcrypt).
        type: dict
        suboptions:
          from:
            description: The other secret, as C(service/name), or C(name) for one of the same service.
            type: str
            required: true
          hash:
            description: How it is made.
            type: str
            choices: [argon2id, bcrypt, pbkdf2_sha512]
            required: true
  given:
    description:
      - Values from the inventory, from Ansible Vault, by service and name. One for a generated secret takes its
        place.
      - Values for secrets that nothing declares are left out and reported.
    type: dict
    default: {}
  rotate:
    description: Secrets to generate anew in this call, as C(service/name).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Make sure that the secrets of a service exist
  kronos.homelab.secret:
    secrets:
      - {service: radarr, name: api_key, format: hex, length: 32}
      - {service: dns, name: token, format: given}
    given: "{{ kronos_secrets }}"

- name: Keep a password, and its hash as a program wants it
  kronos.homelab.secret:
    secrets:
      - {service: authelia, name: user_anna, format: passphrase, length: 6}
      - {service: authelia, name: hash_anna, derive: {from: user_anna, hash: argon2id}}

- name: Replace one
  kronos.homelab.secret:
    secrets: "{{ kronos_plan.secrets }}"
    given: "{{ kronos_secrets | default({}) }}"
    rotate: [radarr/api_key]
"""

RETURN = r"""
actions:
  description: >-
    What was (or would be) done, by C(service/name): created, restored (from what its service uses), given,
    rotated, derived (anew, since its source is another one) or repaired (its mode or owner). Secrets that stay are
    not in it.
  returned: success
  type: dict
  sample: {radarr/api_key: created}
renewed:
  description: Secrets, as C(service/name), that have (or would have) a value that their services do not use yet.
  returned: success
  type: list
  elements: str
returning:
  description: Secrets, as C(service/name), that have (or would have) the value again that their services use.
  returned: success
  type: list
  elements: str
unused:
  description: Names in O(given) that no service declares.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.kronos.homelab.plugins.module_utils import receipts, secret_store, secret_wanted
from ansible_collections.kronos.homelab.plugins.module_utils.shell import run_module

OPTIONS = {
    "secrets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "no_log": False,
        "options": {
            "service": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "format": {
                "type": "str",
                "default": "hex",
                "choices": ["hex", "base64", "alphanumeric", "uuid", "passphrase", "rsa_key", "given"],
            },
            "length": {"type": "int"},
            "given": {"type": "bool"},
            "derive": {
                "type": "dict",
                "options": {
                    "from": {"type": "str", "required": True},
                    "hash": {
                        "type": "str",
                        "required": True,
                        "choices": ["argon2id", "bcrypt", "pbkdf2_sha512"],
                    },
                },
            },
        },
    },
    "given": {"type": "dict", "default": {}, "no_log": True},
    "rotate": {"type": "list", "elements": "str", "default": []},
}


def converge(params: dict, check_mode: bool) -> dict:
    """Read, plan, and unless in check mode apply."""
    wanted = secret_wanted.parse(params["secrets"], params["given"])
    present = secret_store.read(wanted)
    folders = secret_store.read_folders(wanted)
    key = secret_store.read_key()
    change = secret_store.plan(wanted, present, folders, params["rotate"], params["given"], key)
    if not check_mode:
        secret_store.apply(change, present)
        left = secret_store.left(wanted)
        receipts.write("secret", "all", receipts.digest([secret.key for secret in wanted]), left)
    return {
        "changed": change.changed,
        "diff": change.diff,
        "actions": dict(change.actions),
        "renewed": change.renewed,
        "returning": list(change.returning),
        "unused": list(change.unused),
    }


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge)


if __name__ == "__main__":
    main()
