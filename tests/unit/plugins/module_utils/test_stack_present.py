# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.stack_present import mount_replaced


@pytest.mark.parametrize(
    ("source", "target", "replaced"),
    [
        ("{tmp}/a", "{tmp}/a", False),
        ("{tmp}/a", "{tmp}/b", True),
        ("{tmp}/gone", "{tmp}/a", True),
        ("{tmp}/a", "{tmp}/nothing", False),
        ("{tmp}/a", "{tmp}/link/x", False),
    ],
)
def test_a_container_that_still_sees_a_folder_that_is_gone(tmp_path, source, target, replaced):
    """Seen from our own process, whose root is ours."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("b")
    (tmp_path / "b" / "x").mkdir()
    found = mount_replaced(os.getpid(), source.format(tmp=tmp_path), target.format(tmp=tmp_path))
    assert found is replaced
