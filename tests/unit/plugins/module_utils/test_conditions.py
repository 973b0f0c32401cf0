# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import conditions
from ansible_collections.kronos.homelab.plugins.module_utils.conditions import Machine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran

NOW = 1795330000.0  # 2026-11-22 06:46 UTC
DAY = 86400
TRIXIE = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'


def nobody_asks(argv, stdin="", timeout=0):
    raise AssertionError(argv)


@pytest.fixture
def machine(tmp_path):
    """A host on which a run can end well."""

    def make(release=TRIXIE, **other):
        path = tmp_path / "os-release"
        if release is not None:
            path.write_text(release)
        return Machine(**{"release": str(path), "systemd": str(tmp_path), "user": int, "now": lambda: NOW, **other})

    return make


RELEASES = [
    (TRIXIE, True),
    ('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', True),
    ("ID=debian\nPRETTY_NAME='Debian GNU/Linux forky/sid'\n", True),
    ('# a comment = x\nID="ubuntu"\nVERSION_ID="22.04"\n', True),
    ('ID=ubuntu\nVERSION_ID="26.04"\n', True),
    ('ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\n', False),
    ('ID=ubuntu\nVERSION_ID="20.04"\nPRETTY_NAME="Ubuntu 20.04.6 LTS"\n', False),
    ('ID=fedora\nVERSION_ID=43\nPRETTY_NAME="Fedora Linux 43 (Server Edition)"\n', False),
    ('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"\nPRETTY_NAME="Linux Mint 22"\n', False),
    ("", False),
    (None, False),
]


@pytest.mark.parametrize(("release", "supported"), RELEASES, ids=range(len(RELEASES)))
def test_distributions(machine, release, supported):
    if supported:
        conditions.refuse(nobody_asks, 0, machine(release))
        return
    with pytest.raises(KronosError) as failure:
        conditions.refuse(nobody_asks, 0, machine(release))
    name = conditions.release(release or "").get("PRETTY_NAME", "an unknown system")
    assert str(failure.value).startswith(f"the host runs {name}")
    assert str(failure.value).endswith("wanted: Debian 12 or later, or Ubuntu 22.04 or later. Nothing was changed")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"user": lambda: 1000}, "do not run as root here: set `ansible_become: true`"),
        ({"systemd": "/nowhere/at/all"}, "systemd does not run here"),
    ],
)
def test_what_every_task_needs(machine, changes, said):
    with pytest.raises(KronosError, match=said):
        conditions.refuse(nobody_asks, NOW, machine(**changes))


CLOCKS = [
    (0, True, ""),
    (299, True, ""),
    (-299, True, ""),
    (301, False, "5 minutes ahead of it"),
    (-301, False, "5 minutes behind it"),
    (7200, False, "2 hours ahead of it"),
    (365 * DAY, False, "365 days ahead of it"),
    (-365 * DAY, False, "365 days behind it"),
]


@pytest.mark.parametrize(("ahead", "fine", "said"), CLOCKS, ids=[row[0] for row in CLOCKS])
def test_clocks(machine, ahead, fine, said):
    if fine:
        conditions.refuse(nobody_asks, NOW - ahead, machine())
        return
    with pytest.raises(KronosError) as failure:
        conditions.refuse(lambda argv, timeout: Ran(0, "no\n", ""), NOW - ahead, machine())
    assert said in str(failure.value)
    assert "the clock of the host says 2026-11-22 06:46 UTC" in str(failure.value)


def test_a_controller_that_tells_no_time_is_compared_with_nothing(machine):
    conditions.refuse(nobody_asks, 0, machine(now=lambda: 0.0))


def no_program(argv, timeout):
    raise KronosError("`timedatectl` is not installed on the host")


@pytest.mark.parametrize(
    ("run", "suspect"),
    [
        (lambda argv, timeout: Ran(0, "yes\n", ""), "A time service keeps the host's right, so look at the other one"),
        (lambda argv, timeout: Ran(0, "no\n", ""), "No time service keeps the host's right, so look at that first"),
        (no_program, "No time service keeps the host's right, so look at that first"),
    ],
)
def test_the_clock_to_look_at_first(machine, run, suspect):
    with pytest.raises(KronosError, match=suspect):
        conditions.refuse(run, NOW + DAY, machine())


def disk(free=10**9, read_only=False, files=10**6, left=10**5):
    flags = os.ST_RDONLY if read_only else 0
    return SimpleNamespace(f_flag=flags, f_frsize=1, f_bavail=free, f_files=files, f_favail=left)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (disk(), ""),
        (disk(files=0, left=0), ""),
        (disk(read_only=True), "is on a read-only file system (dmesg may say why; then: mount -o remount,rw /"),
        (disk(free=0), "0 MiB free, wanted: 16 MiB (df -h /"),
        (disk(free=16 * 2**20 - 1), "15 MiB free, wanted: 16 MiB"),
        (disk(left=255), "no more than 255 new files (df -i /"),
    ],
)
def test_places(tmp_path, found, said):
    place = str(tmp_path / "not" / "there" / "yet")
    problems = conditions.unusable([place], Machine(statvfs=lambda path: found))
    assert len(problems) == bool(said)
    assert all(said in problem and str(tmp_path) in problem for problem in problems)


def test_a_file_system_is_told_once(tmp_path):
    places = [str(tmp_path / name) for name in ("a", "b", "c")]
    assert len(conditions.unusable(places, Machine(statvfs=lambda path: disk(free=0)))) == 1


def test_this_machine_can_be_looked_at():
    assert isinstance(conditions.unusable(conditions.PLACES), list)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', ("debian", "12", "bookworm")),
        ("ID=ubuntu\nVERSION_ID='24.04'\nVERSION_CODENAME=noble\n", ("ubuntu", "24.04", "noble")),
        ("ID=debian\nVERSION_CODENAME=forky\n", ("debian", "", "forky")),
        (None, ("", "", "")),
    ],
)
def test_distribution(tmp_path, text, found):
    path = tmp_path / "os-release"
    if text:
        path.write_text(text)
    assert tuple(conditions.distribution(str(path))[key] for key in ("id", "version", "codename")) == found
