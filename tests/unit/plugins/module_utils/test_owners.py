# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import owners
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError


@pytest.mark.parametrize(("given", "number"), [("root", 0), ("0", 0), ("1000", 1000), (1000, 1000)])
def test_ids(given, number):
    assert owners.user_id(given) == owners.group_id(given) == number


def test_nobody_of_that_name():
    with pytest.raises(KronosError, match="no user 'no-such-one' on the host"):
        owners.user_id("no-such-one")
    with pytest.raises(KronosError, match="no group 'no-such-one' on the host"):
        owners.group_id("no-such-one")
    assert owners.user_id("no-such-one", predict=True) == owners.group_id("no-such-one", predict=True) == owners.UNKNOWN


@pytest.mark.parametrize(("text", "mode"), [("0644", 0o644), ("644", 0o644), ("1777", 0o1777), ("0000", 0)])
def test_modes(text, mode):
    assert owners.mode_of(text, "/f") == mode


@pytest.mark.parametrize("text", ["", "u=rw", "0888", "64", "00644", 420, "-644", "0o644"])
def test_what_is_no_mode(text):
    with pytest.raises(KronosError, match=r"^/f: mode .*octal digits"):
        owners.mode_of(text, "/f")
