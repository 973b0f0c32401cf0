# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import packages
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.packages import PackagesChange
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran

STATUS = """\
adduser\tinstalled\t3.152\t
exim4-daemon-light\tinstalled\t4.98-1\tdefault-mta (= 4.98), mail-transport-agent
nano\tconfig-files\t8.4-1\teditor
tzdata\thalf-configured\t2025b\t
"""
FINE = Ran(0, "", "")
UNKNOWN = Ran(100, "Reading package lists...\n", "E: Unable to locate package nothing\n")


class Host:
    """Answers programs from a script, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.time = 1_000_000.0

    def __call__(self, argv, stdin="", timeout=600):
        verb = next((word for word in argv if word in ("update", "install", "--configure")), argv[0])
        self.asked.append(verb)
        self.argv = argv
        return self.answers.pop(0)

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds

    def apply(self, change, lists, valid=3600, patience=10):
        return packages.apply(
            change, self, cache_valid_time=valid, lock_timeout=patience, lists=lists, now=self.now, sleep=self.sleep
        )


@pytest.fixture
def lists(tmp_path):
    """Package lists fetched 100 s ago."""
    (tmp_path / "deb.debian.org_InRelease").write_text("")
    for path in (tmp_path / "deb.debian.org_InRelease", tmp_path):
        os.utime(path, (999_900, 999_900))
    return str(tmp_path)


def test_read_installed():
    assert packages.read_installed(Host(Ran(0, STATUS, ""))) == {
        "adduser": "3.152",
        "exim4-daemon-light": "4.98-1",
        "default-mta": "",
        "mail-transport-agent": "",
    }
    with pytest.raises(KronosError, match="dpkg-query does not answer: status is broken"):
        packages.read_installed(Host(Ran(2, "", "status is broken\n")))


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ([], ()),
        (["adduser"], ()),
        (["default-mta", "bb", "aa", "bb"], ("bb", "aa")),
        (["nano", "tzdata"], ("nano", "tzdata")),
        (["nano | adduser", "nano | tzdata"], ("nano",)),
    ],
)
def test_plan(names, missing):
    change = packages.plan(names, packages.read_installed(Host(Ran(0, STATUS, ""))))
    assert change.missing == missing
    assert change.changed is bool(missing)
    assert [entry["after"] for entry in change.diff] == ([] if not missing else ["".join(f"{m}\n" for m in missing)])


def test_of_alternatives_the_receipt_names_what_is_there():
    assert packages.present(["aa | bb", "cc | dd", "ee"], {"bb": "1", "ee": "2", "dd": ""}) == ["bb", "ee"]


@pytest.mark.parametrize("name", ["", "a |", "-oDebug::x=1", "a b", "A", "a=1", "a;b", "../x.deb", "./x.deb"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(KronosError, match="no name of a Debian package"):
        packages.plan([name], {})


@pytest.mark.parametrize(
    ("answers", "valid", "asked"),
    [
        ([FINE], 3600, ["install"]),
        ([FINE, FINE], 50, ["update", "install"]),
        ([UNKNOWN, FINE, FINE], 3600, ["install", "update", "install"]),
        ([Ran(100, "", "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'"), FINE, FINE], 3600,
         ["install", "--configure", "install"]),
    ],
)  # fmt: skip
def test_apply(lists, answers, valid, asked):
    host = Host(*answers)
    assert host.apply(PackagesChange(("a", "b")), lists, valid) == []
    assert host.asked == asked
    assert host.argv[-3:] == ["--", "a", "b"]
    assert "--no-install-recommends" in host.argv
    assert "DPkg::Lock::Timeout=10" in host.argv


def test_nothing_missing_asks_nothing(lists):
    host = Host()
    assert host.apply(PackagesChange(()), lists) == []
    assert host.asked == []


ARCHIVE = " (is the distribution's own archive in /etc/apt?)"
RESOLVING = Ran(100, "", "E: Failed to fetch http://x  Temporary failure resolving 'deb.debian.org'")
LONG = Ran(1, "one\ntwo\nthree\n\n", "four\nfive\nsix")
NO_NETWORK = Ran(100, "", "E: Failed to fetch http://x")


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (
            [Ran(100, "", "E: Unable to acquire the dpkg frontend lock (x), is another process using it?")],
            "Unable to acquire the dpkg frontend lock (x), is another process using it?",
        ),
        ([UNKNOWN, FINE, UNKNOWN], f"Unable to locate package nothing{ARCHIVE}"),
        (
            [RESOLVING, FINE, RESOLVING],
            "Failed to fetch http://x  Temporary failure resolving 'deb.debian.org' (the host resolves no names: see "
            "its /etc/resolv.conf)",
        ),
        ([LONG, FINE, LONG], "two | three | four | five | six"),
        (
            [UNKNOWN, NO_NETWORK, UNKNOWN],
            f"Unable to locate package nothing; apt-get update: Failed to fetch http://x{ARCHIVE}",
        ),
    ],
)
def test_a_failure_says_what_apt_said(lists, answers, says):
    with pytest.raises(KronosError) as failure:
        Host(*answers).apply(PackagesChange(("aa",)), lists)
    assert str(failure.value) == f"apt-get could not install aa: {says}"


def test_lists_that_cannot_be_fetched_are_a_warning_while_installing_works(lists):
    host = Host(Ran(100, "", "E: Failed to fetch http://x"), FINE)
    assert host.apply(PackagesChange(("a",)), lists, valid=0) == ["apt-get update: Failed to fetch http://x"]


def test_the_lock_of_the_lists_is_waited_for(lists):
    locked = Ran(100, "", "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt)")
    host = Host(locked, locked, FINE, FINE)
    assert host.apply(PackagesChange(("a",)), lists, valid=0) == []
    assert host.asked == ["update", "update", "update", "install"]
    host = Host(*[locked] * 3, FINE)
    warnings = host.apply(PackagesChange(("a",)), lists, valid=0, patience=6)
    assert warnings == ["apt-get update: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt)"]


def test_age_of_lists(tmp_path, lists):
    assert packages.lists_age(lists, 1_000_000) == 100
    assert packages.lists_age(str(tmp_path / "nothing"), 1_000_000) == float("inf")
    os.unlink(tmp_path / "deb.debian.org_InRelease")
    assert packages.lists_age(lists, 1_000_000) == float("inf")
