# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options and attributes that the modules of this collection share."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as ``extends_documentation_fragment: kronos.homelab.run``."""

    DOCUMENTATION = r"""
options:
  run:
    description:
      - Id of the run, as M(kronos.homelab.plan) returns it. Renews the lease that M(kronos.homelab.host_check) took,
        and fails when another run holds the host.
      - Empty for a task on its own, which holds no lease, and fails while a living run holds the host.
      - Either way modules work on a host one after the other.
    type: str
    default: ""
  asked:
    description:
      - Digest of the call. In a whole run the controller half fills it in, and the module notes it beside its receipt.
      - A later run that asks for the same, and is told by M(kronos.homelab.host_check) that everything stands as the
        receipt says, then gets its answer (with RV(ignore:settled) true) without a task on the host.
    type: str
    default: ""
attributes:
  check_mode:
    description: Predicts exactly what a run does, also on a host that has nothing yet.
    support: full
  diff_mode:
    description: Shows what changes.
    support: full
  idempotent:
    description: A second call with the same arguments changes nothing.
    support: full
"""
