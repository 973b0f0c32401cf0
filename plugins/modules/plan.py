#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Computes what a host shall be, from its variables and the catalogue
version_added: 0.1.0
description:
  - Loads the service records of the collection's roles (C(roles/*/services/*.yml)) and of the inventory, merges the
    host's overrides, resolves zones, storage, names and ports, checks everything and returns one plain mapping.
  - Runs on the controller alone. No connection is made and no fact is used, so that the same input always gives the
    same plan.
  - All mistakes are reported at once in one message, each with the file or variable, the key path, what was found and
    what was wanted, and the nearest known name where one is near.
  - Records and settings are read from the host's variables; the action has no options. The variables
    C(kronos_services), C(kronos_zones), C(kronos_storage) and C(kronos_users) are merged with every variable of that
    name and a suffix (C(kronos_services_<suffix>)), in name order. Mappings merge, lists replace lists, V(null)
    deletes a key.
  - Every other host of the group C(kronos) is planned too, and summed up in RV(peers). A host whose variables have
    mistakes is left out there and named in RV(cautions).
  - Values of secrets are never part of the plan.
attributes:
  check_mode:
    support: full
    description: The plan is computed just the same; nothing is ever changed.
  diff_mode:
    support: none
    description: Nothing is changed, so there is nothing to compare.
  idempotent:
    support: full
    description: The same variables and the same collection give the same plan, apart from RV(run).
author:
  - The kronos.homelab authors (@kronos-homelab)
"""

EXAMPLES = r"""
- name: Compute the plan
  kronos.homelab.plan:
  register: kronos_plan

- name: Show where the services are
  ansible.builtin.debug:
    msg: "{{ kronos_plan.routes | map(attribute='url') }}"

# Group and host: the group runs Jellyfin with 2 GiB, one host gives it 8 and does without Sonarr.
# group_vars/all.yml
#   kronos_services:
#     jellyfin: {limits: {memory: 2g}}
# host_vars/big.yml
#   kronos_services_host:
#     jellyfin: {limits: {memory: 8g}}
#     sonarr: {enabled: false}
"""

RETURN = r"""
schema:
  description: Version of the shape of the plan.
  type: int
  returned: success
  sample: 1
host:
  description: Name of the host in the inventory.
  type: str
  returned: success
  sample: lab1
digest:
  description: SHA-256 of the plan without RV(run) and without the setting C(kronos_fast).
  type: str
  returned: success
collection:
  description: SHA-256 over the collection's own files; part of RV(digest).
  type: str
  returned: success
role_variables:
  description: SHA-256 over what the inventory says of the roles' own variables; part of RV(digest).
  type: str
  returned: success
run:
  description: Name of this run of ansible-playbook, the same in all its tasks and for all its hosts.
  type: str
  returned: success
  sample: root@controller:4711:1234567
settings:
  description: The collection-wide settings (variables C(kronos_*)) without their prefix, defaults filled in.
  type: dict
  returned: success
stack_order:
  description: The stacks that have services, those that are needed by others first.
  type: list
  elements: str
  returned: success
  sample: [traefik, media, own]
stacks:
  description: For each stack its compose project and its services in start order.
  type: dict
  returned: success
  sample: {media: {project: kronos-media, services: [jellyfin, radarr]}}
services:
  description: For each enabled service that has a container, everything that its container needs.
  type: dict
  returned: success
external:
  description: Services that run elsewhere.
  type: dict
  returned: success
disabled:
  description: Services of the selected stacks that are switched off.
  type: list
  elements: str
  returned: success
zones:
  description: The realised zones with their networks.
  type: dict
  returned: success
networks:
  description: Every Docker network that must exist, with the addresses that services have there for good.
  type: list
  elements: dict
  returned: success
routes:
  description: Every web address that the proxy serves.
  type: list
  elements: dict
  returned: success
  sample:
    - name: radarr
      service: radarr
      host: radarr
      fqdn: radarr.home.example
      path: /
      access: authenticated
      upstream: http://10.236.9.14:7878
      url: https://radarr.home.example
      verify_upstream: true
published:
  description: Every port on the host's own address.
  type: list
  elements: dict
  returned: success
tiles:
  description: The tiles of the dashboard.
  type: list
  elements: dict
  returned: success
scrapes:
  description: What Prometheus asks.
  type: list
  elements: dict
  returned: success
probes:
  description: What the blackbox exporter asks; each route through the proxy, and services straight.
  type: list
  elements: dict
  returned: success
alerts:
  description: Alert rules of the records, beside those that every service gets.
  type: list
  elements: dict
  returned: success
secrets:
  description: Names and formats of the secrets of enabled services; never a value.
  type: list
  elements: dict
  returned: success
exceptions:
  description: Every stated exception from the rules, with its reason.
  type: list
  elements: dict
  returned: success
storage:
  description: The shares, resolved.
  type: dict
  returned: success
backups:
  description: What is kept of each service.
  type: list
  elements: dict
  returned: success
users:
  description: The users of the services.
  type: dict
  returned: success
peers:
  description: The other hosts, their addresses, routes, scrape targets and published ports.
  type: dict
  returned: success
cautions:
  description: What the user should know, though it is no mistake.
  type: list
  elements: str
  returned: success
"""
