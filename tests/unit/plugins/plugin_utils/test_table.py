# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for people."""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.plugin_utils.table import render_table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    text = render_table(["a", "url"], [["plex", "https://plex"], ["x", "-"]])
    assert text.splitlines() == ["a     url", "----  ------------", "plex  https://plex", "x     -"]


def test_no_rows_leave_the_head() -> None:
    assert render_table(["a"], []) == "a\n-"
