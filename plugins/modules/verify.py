#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Compare the real host with its plan, from outside
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Looks at the host from where Ansible runs. It connects to C(kronos_address) and sends the server name that a
    browser would, so that it works before any DNS record exists.
  - Certificates must be valid against the host's authority, every route must answer, a route's firewall must refuse an
    attack, plain HTTP must redirect, every declared port must answer and no other port that the host listens on may,
    every container must run and not be unhealthy.
  - Prints one table and fails when a row is not as declared.
extends_documentation_fragment: kronos.homelab.looks
attributes:
  action:
    description: Runs on the controller and asks the host through M(kronos.homelab.verify_info).
    support: full
options:
  plan:
    description: The plan, as M(kronos.homelab.plan) returned it.
    type: dict
    required: true
seealso:
  - module: kronos.homelab.verify_info
"""

EXAMPLES = r"""
- name: Derive the whole host from its records
  kronos.homelab.plan:
  register: kronos_plan

- name: Look at certificates, routes, ports and containers
  kronos.homelab.verify:
    plan: "{{ kronos_plan }}"
"""

RETURN = r"""
rows:
  description: One entry per check.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: One of container, certificate, route, login, waf, dns, redirect, open, closed.
      type: str
    subject:
      description: The service, name or port.
      type: str
    ok:
      description: Whether it is as declared.
      type: bool
    detail:
      description: What was seen.
      type: str
"""
