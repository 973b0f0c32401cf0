# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody may do to a converged host by hand, as one table."""

from __future__ import annotations

from drifts import containers, files, host

TABLE = [*containers.TABLE, *files.TABLE, *host.TABLE]
