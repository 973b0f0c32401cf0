# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock that two parts of the engine share."""

from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import kernel_lock
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError


class Time:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self):
        self.at = 0.0

    def now(self):
        return self.at

    def sleep(self, seconds):
        self.at += seconds


def hold(path, wait=0.0, time=None, **note):
    time = time or Time()
    return kernel_lock.held(str(path), note, wait, lambda by: f"held by {by}", clock=time.now, sleep=time.sleep)


def test_who_has_it_is_named_and_it_is_free_afterwards(tmp_path):
    path = tmp_path / "new" / "lock"
    with hold(path, run="one") as handle:
        assert kernel_lock.holder(handle) == {"run": "one", "pid": os.getpid()}
        with pytest.raises(KronosError, match=f"held by .'run': 'one', 'pid': {os.getpid()}"), hold(path, run="two"):
            pass
    with hold(path, run="2"):
        assert path.read_text() == f'{{"run": "2", "pid": {os.getpid()}}}'


def test_waits_as_long_as_it_was_told(tmp_path):
    time = Time()
    with hold(tmp_path / "lock"), pytest.raises(KronosError), hold(tmp_path / "lock", 3, time):
        pass
    assert 3 <= time.at < 3 + 2 * kernel_lock.PAUSE


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_note_that_cannot_be_understood_is_none(tmp_path, text):
    path = tmp_path / "lock"
    path.write_text(text)
    handle = os.open(path, os.O_RDONLY)
    assert kernel_lock.holder(handle) == {}
    os.close(handle)
