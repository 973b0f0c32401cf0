# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of modules and actions that only look."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as ``extends_documentation_fragment: kronos.homelab.looks``."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Never changes anything.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: Never changes anything.
    support: full
"""
