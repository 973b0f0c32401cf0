# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab is a program of its own, beside the collection: make its package importable."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "molecule" / "lab"))
