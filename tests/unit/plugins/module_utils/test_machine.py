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
    names = ("hostname", "hosts", "localtime", "timezone", "zones", "kernel", "languages", "cloud")
    (tmp_path / "languages").write_text("# es_ES.UTF-8 UTF-8\nde_DE.UTF-8 UTF-8\n")
    (tmp_path / "lang").write_text("LC_TIME=de_DE.UTF-8\n")
    os.symlink(tmp_path / "lang", tmp_path / "also")
    language = (str(tmp_path / "lang"), str(tmp_path / "also"))
    return Places(language=language, **{name: str(tmp_path / name) for name in names})


class World:
    """The programs of a machine: a kernel, locales, a clock."""

    def __init__(self, places: Places, clock: str = "CanNTP=yes\nNTP=yes\n") -> None:
        self.places, self.clock, self.spoken, self.ran = places, clock, ["C.utf8", "POSIX"], [""][:0]

    def __call__(self, argv: list[str], stdin: str = "", timeout: float = 0) -> Ran:
        if argv == ["locale", "-a"]:
            return Ran(0, "\n".join(self.spoken), "")
        if argv[:2] == ["timedatectl", "show"]:
            # an option that names two properties with a comma names one that there is not, and nothing is said
            asked = [word.partition("=")[2] for word in argv[2:]]
            shown = [line for line in self.clock.splitlines() if line.partition("=")[0] in asked]
            return Ran(0, "".join(f"{line}\n" for line in shown), "")
        self.ran.append(" ".join(argv))
        if argv[0] == "hostname":
            Path(self.places.kernel).write_text(f"{argv[1]}\n")
        if argv[0] == "locale-gen":
            lines = Path(self.places.languages).read_text().splitlines()
            self.spoken += [line.split()[0].replace("UTF-8", "utf8") for line in lines if line[0] != "#"]
        if argv[0] == "timedatectl":
            self.clock = self.clock.replace("NTP=no", "NTP=yes")
        return Ran(0, "", "")


def go(wanted: Wanted, places: Places, world: World | None = None) -> machine.Change:
    world = world or World(places)
    change = machine.plan(wanted, machine.read_present(wanted, places, world), places)
    machine.apply(change, places, world)
    return change


OTHERS = (("192.0.2.5", ("nas.home.example", "nas")),)
WISHES = [
    Wanted(),
    Wanted(timezone="Europe/Madrid"),
    Wanted(hostname="atlas.home.example"),
    Wanted(hosts=OTHERS),
    Wanted("Europe/Madrid", "atlas", OTHERS),
    Wanted(locale="C.UTF-8"),
    Wanted(locale="es_ES.UTF-8"),
    Wanted(clock=True),
]


@pytest.mark.parametrize("wanted", WISHES)
def test_a_second_run_is_quiet(wanted: Wanted, places: Places) -> None:
    world = World(places, "CanNTP=yes\nNTP=no\n")
    change = go(wanted, places, world)
    assert change.changed is (wanted != Wanted())
    assert bool(change.diff) is change.changed
    again = go(wanted, places, world)
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


def test_the_languages_of_others_stay(places: Places) -> None:
    world = World(places)
    go(Wanted(locale="es_ES.UTF-8"), places, world)
    assert Path(places.languages).read_text() == "# es_ES.UTF-8 UTF-8\nde_DE.UTF-8 UTF-8\nes_ES.UTF-8 UTF-8\n"
    assert Path(places.language[0]).read_text() == "LANG=es_ES.UTF-8\nLC_TIME=de_DE.UTF-8\n"
    assert os.path.islink(places.language[1])
    assert world.ran == ["locale-gen --keep-existing"]
    go(Wanted(locale="C.UTF-8"), places, world)
    assert Path(places.language[0]).read_text() == "LANG=C.UTF-8\nLC_TIME=de_DE.UTF-8\n"
    assert len(world.ran) == 1


def test_what_is_not_utf8_stays_too(places: Places) -> None:
    Path(places.hosts).write_bytes(b"192.0.2.9 printer # B\xfcro\n")
    go(Wanted(hosts=OTHERS), places)
    assert Path(places.hosts).read_bytes().startswith(b"192.0.2.9 printer # B\xfcro\n# begin")


def test_cloud_init_is_told_to_leave_the_names(places: Places) -> None:
    os.mkdir(places.cloud)
    go(Wanted(hostname="atlas"), places)
    assert Path(places.cloud, "99-kronos.cfg").read_text().splitlines()[1:] == [
        "preserve_hostname: true",
        "manage_etc_hosts: false",
    ]


CLOCKS = [("CanNTP=yes\nNTP=yes\n", [], 0), ("CanNTP=yes\nNTP=no\n", ["timedatectl set-ntp true"], 0)]
CLOCKS += [("CanNTP=no\nNTP=no\n", [], 1), ("", [], 1)]


@pytest.mark.parametrize(("said", "ran", "warned"), CLOCKS)
def test_a_clock_is_kept(said: str, ran: list[str], warned: int, places: Places) -> None:
    world, wanted = World(places, said), Wanted(clock=True)
    before = machine.read_present(wanted, places, world)
    go(wanted, places, world)
    assert (world.ran, len(machine.warnings(wanted, before))) == (ran, warned)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Wanted(timezone="Europe/Nowhere"), "knows no time zone 'Europe/Nowhere'"),
        (Wanted(timezone="../../etc/passwd"), "knows no time zone"),
        (Wanted(hostname="a b"), "no host name: 'a b'"),
        (Wanted(locale="es ES"), "no locale: 'es ES'"),
    ],
)
def test_what_is_refused(wanted: Wanted, says: str, places: Places) -> None:
    with pytest.raises(KronosError, match=says):
        go(wanted, places)
    assert Path(places.hosts).read_text() == HOSTS
