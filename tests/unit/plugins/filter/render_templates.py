# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders templates with Ansible's own engine and loader, as a run would; a process of its own needs that loader.

In: the collections' folder as argument, and on standard input {"templates": [...], "variables": {...}} as JSON.
Out: one {"value": ...} or {"error": ...} per template.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template


def evaluate(templar: Templar, template: str) -> dict[str, Any]:
    """Return the value of a template, or what Ansible says about it."""
    try:
        return {"value": json.loads(json.dumps(templar.template(trust_as_template(template))))}
    except AnsibleError as error:
        return {"error": str(error)}


def main() -> None:
    """Answer the question on standard input."""
    init_plugin_loader([sys.argv[1]])
    question = json.load(sys.stdin)
    templar = Templar(loader=DataLoader(), variables=question["variables"])
    json.dump([evaluate(templar, template) for template in question["templates"]], sys.stdout)


if __name__ == "__main__":
    main()
