# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the secrets of a plan need on the host."""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.module_utils.secret_derive import PACKAGES
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Plan

KEY_PACKAGE = "python3-cryptography"


def secret_packages(plan: Plan) -> list[str]:
    """Return the Debian packages with which the secrets are derived and keys are made."""
    found = {PACKAGES.get(secret["derive"]["hash"]) for secret in plan["secrets"] if secret.get("derive")}
    found |= {KEY_PACKAGE for secret in plan["secrets"] if secret["format"] == "rsa_key"}
    return sorted(name for name in found if name)
