# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller half of secret: lets the stacks look for themselves once a secret has changed.

Documented in the module.
"""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.plugin_utils.settled import SettledAction


class ActionModule(SettledAction):
    """Run the module each time: a digest of its call would be one of the values that the inventory gives."""

    SPARED = False
