# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of site.yml with the scenario's own variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import labtest
import yaml

VARIABLES = yaml.safe_load(Path(__file__).parents[1].joinpath("vars", "main.yml").read_text())


def site(*arguments: str, **variables: Any) -> labtest.Run:
    """Run site.yml; *variables* are added to those of the scenario."""
    return labtest.site(*arguments, **{**VARIABLES, **variables})


def shares(**said: Any) -> dict[str, Any]:
    """Variables with these shares beside those of the scenario."""
    return {"kronos_storage_zz": said}
