# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller half of vlan: proves over a new connection that the host can still be reached. See the module."""

from __future__ import annotations

from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.confirming import settle
from ansible_collections.kronos.homelab.plugins.plugin_utils.settled import SettledAction


class ActionModule(SettledAction):
    """Run the module as ever; what it changed stays only when we get through once more."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns, or a failure where the old state came back."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        return settle(self, result)
