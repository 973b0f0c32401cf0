# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller half of cloudflare_dns: spares the host a call whose outcome is known. Documented in the module."""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.plugin_utils.settled import SettledAction


class ActionModule(SettledAction):
    """Run the module, unless everything stands as it would leave it."""

    BELOW = False
