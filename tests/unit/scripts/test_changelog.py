# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every change has its fragment in a form that the changelog tool accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

CHANGELOGS = Path(__file__).resolve().parents[3] / "changelogs"
SECTIONS = {name for name, _title in yaml.safe_load((CHANGELOGS / "config.yaml").read_text())["sections"]} | {"trivial"}


@pytest.mark.parametrize("path", sorted((CHANGELOGS / "fragments").glob("*")), ids=lambda path: path.name)
def test_fragment(path: Path) -> None:
    fragment = yaml.safe_load(path.read_text())
    assert set(fragment) <= SECTIONS
    for lines in fragment.values():
        assert all(" - " in line and line.endswith(".") for line in lines), "say what it is about, then what changes"
