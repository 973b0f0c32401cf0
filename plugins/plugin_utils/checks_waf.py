# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of the web application firewall: it has the memory for the bodies that routes let it look at."""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_route import WAF
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_route import as_bytes
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Selection

# ModSecurity 3.0.14 takes 8.5 times the memory of a body, and 60 MB with the core rule set before the first: measured.
TIMES = 9
BASE = 128 << 20
MB = 1 << 20


def check_waf(selection: Selection, problems: Problems) -> None:
    """The largest body of a route fits into the firewall's memory."""
    firewall = selection.entries.get(WAF)
    if firewall is None:
        return
    memory = firewall.service.limits.memory
    most = (as_bytes(memory) - BASE) // TIMES // MB
    for entry in selection.entries.values():
        for index, route in enumerate(entry.service.routes):
            if route.firewall and as_bytes(route.firewall.max_body) > most * MB:
                found = f"{route.firewall.max_body}, of which the firewall needs {TIMES} times the memory"
                wanted = f"at most {max(most, 0)}m, or limits.memory of {WAF} above {memory}"
                problems.say(*entry.locate(("routes", index, "waf", "max_body")), found, wanted)
