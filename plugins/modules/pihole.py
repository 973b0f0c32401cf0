#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pihole
short_description: Make a Pi-hole hold what is wanted, in one call
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Takes the whole wanted state of a Pi-hole of version 6 and changes what differs, through its API. A section that is
    not given is left alone.
  - A section is V(exact), where whatever else it holds goes, or V(additive), where only what is named, and what earlier
    calls of this module added, is touched.
  - The configuration is changed in one request, since a change of it may restart the DNS server for about a second.
    The lists are fetched again only when they changed. The session is always given back.
  - What came of it is looked at afterwards, since Pi-hole says well to keys that it does not know.
  - The password stays on the host. It is read from a file and never shown.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  url:
    description: Where the API answers, without C(/api).
    type: str
    required: true
  password_file:
    description: File on the host with the password, or an app password.
    type: path
    default: /etc/kronos/secrets/pihole/password
  folder:
    description: >-
      Folder on the host that is the container's C(/etc/pihole). From its files M(kronos.homelab.host_check) tells that
      somebody has changed something.
    type: path
    default: ""
  own_addresses:
    description: Addresses of this Pi-hole. A host that asks nobody else for names is refused.
    type: list
    elements: str
    default: []
  sections:
    description: V(exact) or V(additive) by the name of a section; V(exact) for one that is not named.
    type: dict
    default: {}
  hosts:
    description: Addresses and their names.
    type: list
    elements: dict
    suboptions:
      address:
        description: IP address.
        type: str
        required: true
      names:
        description: Names that mean it. The first is what the address is called.
        type: list
        elements: str
        required: true
  cnames:
    description: Names that stand for other names, which Pi-hole must know itself.
    type: list
    elements: dict
    suboptions:
      alias:
        description: The name.
        type: str
        required: true
      target:
        description: The name that it stands for.
        type: str
        required: true
      ttl:
        description: Seconds for which the answer holds.
        type: int
  upstreams:
    description: Servers that are asked for everything else, in their order; an IP address, perhaps with C(#port).
    type: list
    elements: str
  conditional:
    description: Servers for the names and addresses of a network of the home, such as its router.
    type: list
    elements: dict
    suboptions:
      network:
        description: The network, such as 192.168.1.0/24.
        type: str
        required: true
      server:
        description: IP address of its server, perhaps with C(#port).
        type: str
        required: true
      domain:
        description: Domain that this server knows as well.
        type: str
      enabled:
        description: Whether it counts.
        type: bool
        default: true
  dnsmasq_lines:
    description: >-
      Lines for the DNS server itself, such as C(local=/app.home.example/), which keeps every question about that name
      inside.
    type: list
    elements: str
  lists:
    description: Lists of domains that Pi-hole fetches.
    type: list
    elements: dict
    suboptions:
      address:
        description: URL.
        type: str
        required: true
      type:
        description: What happens to its domains.
        type: str
        choices: [block, allow]
        default: block
      comment:
        description: A word about it; without one, that which stands there stays.
        type: str
      enabled:
        description: Whether it counts.
        type: bool
        default: true
      groups:
        description: Names of the groups of clients that it counts for; without any, those which stand there stay.
        type: list
        elements: str
  domains:
    description: Single domains and regular expressions.
    type: list
    elements: dict
    suboptions:
      domain:
        description: The domain, or the expression.
        type: str
        required: true
      type:
        description: What happens to it.
        type: str
        choices: [deny, allow]
        default: deny
      kind:
        description: Whether it is one domain or an expression.
        type: str
        choices: [exact, regex]
        default: exact
      comment:
        description: A word about it; without one, that which stands there stays.
        type: str
      enabled:
        description: Whether it counts.
        type: bool
        default: true
      groups:
        description: Names of the groups of clients that it counts for; without any, those which stand there stay.
        type: list
        elements: str
  groups:
    description: Groups of clients, beside C(Default).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the group.
        type: str
        required: true
      comment:
        description: A word about it; without one, that which stands there stays.
        type: str
      enabled:
        description: Whether it counts.
        type: bool
        default: true
  clients:
    description: Clients with groups of their own.
    type: list
    elements: dict
    suboptions:
      client:
        description: IP address, network, MAC address, host name, or an interface with a colon in front.
        type: str
        required: true
      comment:
        description: A word about it; without one, that which stands there stays.
        type: str
      groups:
        description: Names of its groups; without any, those which stand there stay.
        type: list
        elements: str
  blocking:
    description: Whether Pi-hole blocks. A pause that ends by itself is left alone.
    type: bool
  config:
    description:
      - Further keys of Pi-hole's configuration, as the tree that its API shows. Unknown keys are an error, and so are
        passwords.
    type: dict
    default: {}
  seats_timeout:
    description: Seconds to wait where all sessions are taken, or too many logins have failed.
    type: int
    default: 60
  gravity_timeout:
    description: Seconds that fetching the lists may take without a word.
    type: int
    default: 900
  stack_changed:
    description: Whether its container has just been changed, so that it has to be looked at in any case.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Names of the home, and one list beside those that people add by hand
  kronos.homelab.pihole:
    url: http://192.0.2.10
    hosts:
      - {address: 192.0.2.10, names: [photos.home.example]}
    cnames:
      - {alias: pictures.home.example, target: photos.home.example}
    upstreams: [9.9.9.9, 149.112.112.112]
    lists:
      - {address: "https://lists.example/hosts.txt", comment: Advertisements}
    sections: {lists: additive}
    config: {dns: {queryLogging: false}}
"""

RETURN = r"""
message:
  description: What was (or would be) done, in a line.
  returned: success
  type: str
  sample: 1 lists added, lists fetched
gravity:
  description: Whether the lists were (or would be) fetched again.
  returned: success
  type: bool
"""

from ansible_collections.kronos.homelab.plugins.module_utils import pihole_flow
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_model import SECTIONS, Wanted, wanted_of
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_rest import Client, Waits
from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module

TEXT = {"type": "str"}
NEEDED = {"type": "str", "required": True}
WORDS = {"type": "list", "elements": "str"}
ON = {"type": "bool", "default": True}


def rows(**fields: dict) -> dict:
    """Options of a list of mappings."""
    return {"type": "list", "elements": "dict", "options": fields}


OPTIONS = {
    "url": NEEDED,
    "password_file": {"type": "path", "default": "/etc/kronos/secrets/pihole/password", "no_log": False},
    "folder": {"type": "path", "default": ""},
    "own_addresses": {**WORDS, "default": []},
    "sections": {"type": "dict", "default": {}},
    "hosts": rows(address=NEEDED, names={**WORDS, "required": True}),
    "cnames": rows(alias=NEEDED, target=NEEDED, ttl={"type": "int"}),
    "upstreams": WORDS,
    "conditional": rows(network=NEEDED, server=NEEDED, domain=TEXT, enabled=ON),
    "dnsmasq_lines": WORDS,
    "lists": rows(
        address=NEEDED,
        type={"type": "str", "choices": ["block", "allow"], "default": "block"},
        comment=TEXT,
        enabled=ON,
        groups=WORDS,
    ),
    "domains": rows(
        domain=NEEDED,
        type={"type": "str", "choices": ["deny", "allow"], "default": "deny"},
        kind={"type": "str", "choices": ["exact", "regex"], "default": "exact"},
        comment=TEXT,
        enabled=ON,
        groups=WORDS,
    ),
    "groups": rows(name=NEEDED, comment=TEXT, enabled=ON),
    "clients": rows(client=NEEDED, comment=TEXT, groups=WORDS),
    "blocking": {"type": "bool"},
    "config": {"type": "dict", "default": {}},
    "seats_timeout": {"type": "int", "default": 60},
    "gravity_timeout": {"type": "int", "default": 900},
    "stack_changed": {"type": "bool", "default": False},
}
MODES = ("exact", "additive")


def converge(params: dict, check_mode: bool) -> dict:
    """Compute the wish from the parameters, and make it true."""
    for name, mode in params["sections"].items():
        if name not in SECTIONS or mode not in MODES:
            raise KronosError(
                f"sections: found {name}: {mode}; wanted {' or '.join(MODES)} for one of {', '.join(SECTIONS)}"
            )
    wanted: Wanted = wanted_of(params)
    pihole_flow.refuse_circle(pihole_flow.nameservers(), params["own_addresses"])
    client = Client(params["url"], Waits(seats=params["seats_timeout"]))
    asked_for = {name: params[name] for name in (*SECTIONS, "sections", "blocking", "config")}
    return pihole_flow.converge(wanted, client, {**params, "asked_for": asked_for}, check_mode)


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, leaves=Leaves(lambda _params: pihole_flow.RECEIPT))


if __name__ == "__main__":
    main()
