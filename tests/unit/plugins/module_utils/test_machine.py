# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host name, /etc/hosts and time zone: planned, applied, and quiet the second time."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import machine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.machine import Places, Wanted
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran

HOSTS = "127.0.0.1 localhost\n127.0.1.1 old\n192.0.2.9 printer  # mine\n"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    for zone in ("Etc/UTC", "Europe/Madrid"):
        path = tmp_path / "zones" / zone
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(zone)
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "hostname").write_text("old\n")
    (tmp_path / "kernel").write_text("old\n")
    os.symlink(tmp_path / "zones" / "Etc" / "UTC", tmp_path / "localtime")
    names = ("hostname", "hosts", "localtime", "timezone", "zones", "kernel")
    return Places(**{name: str(tmp_path / name) for name in names})


def go(wanted: Wanted, places: Places) -> machine.Change:
    def run(argv: list[str], timeout: float = 0) -> Ran:
        Path(places.kernel).write_text(f"{argv[1]}\n")
        return Ran(0, "", "")

    change = machine.plan(wanted, machine.read_present(wanted, places), places)
    machine.apply(change, places, run)  # type: ignore[arg-type]
    return change


OTHERS = (("192.0.2.5", ("nas.home.example", "nas")),)
WISHES = [
    Wanted(),
    Wanted(timezone="Europe/Madrid"),
    Wanted(hostname="atlas.home.example"),
    Wanted(hosts=OTHERS),
    Wanted("Europe/Madrid", "atlas", OTHERS),
]


@pytest.mark.parametrize("wanted", WISHES)
def test_a_second_run_is_quiet(wanted: Wanted, places: Places) -> None:
    change = go(wanted, places)
    assert change.changed is (wanted != Wanted())
    assert bool(change.diff) is change.changed
    again = go(wanted, places)
    assert (again.changed, again.diff) == (False, ())


def test_what_then_stands(places: Places) -> None:
    go(Wanted("Europe/Madrid", "atlas.home.example", OTHERS), places)
    assert Path(places.localtime).read_text() == "Europe/Madrid"
    assert Path(places.timezone).read_text() == "Europe/Madrid\n"
    assert Path(places.hostname).read_text() == Path(places.kernel).read_text() == "atlas.home.example\n"
    assert Path(places.hosts).read_text() == (
        "127.0.0.1 localhost\n127.0.1.1 atlas.home.example atlas\n192.0.2.9 printer  # mine\n"
        "# begin: kronos.homelab\n192.0.2.5 nas.home.example nas\n# end: kronos.homelab\n"
    )
    go(Wanted(hosts=()), places)
    assert "nas" not in Path(places.hosts).read_text()
    assert "printer  # mine" in Path(places.hosts).read_text()


def test_a_file_that_is_a_mount_of_its_own_is_written_in_place(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(path: str, _data: bytes, **_rights: int) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy", path)

    monkeypatch.setattr(machine.atomic, "write_file", busy)
    before = os.stat(places.hosts).st_ino
    go(Wanted(hosts=OTHERS), places)
    go(Wanted(hosts=()), places)
    assert (Path(places.hosts).read_text(), os.stat(places.hosts).st_ino) == (HOSTS, before)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Wanted(timezone="Europe/Nowhere"), "knows no time zone 'Europe/Nowhere'"),
        (Wanted(timezone="../../etc/passwd"), "knows no time zone"),
        (Wanted(hostname="a b"), "no host name: 'a b'"),
    ],
)
def test_what_is_refused(wanted: Wanted, says: str, places: Places) -> None:
    with pytest.raises(KronosError, match=says):
        go(wanted, places)
    assert Path(places.hosts).read_text() == HOSTS
