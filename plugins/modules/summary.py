#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: summary
short_description: Show what a host offers and what the run changed
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Prints one table per host at the end of a run, from the registered plan and results. Takes no options.
  - Where P(kronos.homelab.summary#callback) shows the run, the table comes there, after everything else.
extends_documentation_fragment: kronos.homelab.looks
attributes:
  action:
    description: Runs on the controller only.
    support: full
options: {}
"""

EXAMPLES = r"""
- name: Show services, addresses and what changed
  kronos.homelab.summary:
"""

RETURN = r"""
services:
  description: One entry per service with its url, access, health and what this run did.
  returned: always
  type: list
  elements: dict
notes:
  description: Remarks below the table.
  returned: always
  type: list
  elements: str
"""
