# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall's program on the host: what it loads, what it repairs, and what it leaves alone."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import firewall_script
from ansible_collections.kronos.homelab.plugins.module_utils.firewall_script import FirewallError, Place
from ansible_collections.kronos.homelab.tests.unit.fakes.kernel import Kernel


class Host:
    def __init__(self, root):
        self.kernel = Kernel()
        self.place = Place(*(str(root / name) for name in ("ruleset", "run", "docker.pid", "daemon.json", "marks")))
        self.write("table one")
        self.config({"live-restore": True})
        self.docker_runs(60)

    def marks(self, text="table inet kronos_marks"):
        with open(self.place.marks, "w", encoding="utf-8") as stream:
            stream.write(text)

    def write(self, text):
        with open(self.place.ruleset, "w", encoding="utf-8") as stream:
            stream.write(text)

    def config(self, said):
        with open(self.place.docker_config, "w", encoding="utf-8") as stream:
            json.dump(said, stream)

    def docker_runs(self, seconds):
        with open(self.place.docker_pid, "w", encoding="utf-8") as stream:
            stream.write(str(os.getpid()))
        begun = os.stat(self.place.docker_pid).st_mtime - seconds
        os.utime(self.place.docker_pid, (begun, begun))

    def script(self, *words):
        return firewall_script.main(words, self.place, self.kernel.command)

    def restarts(self):
        return self.kernel.ran.count(["systemctl", "restart", "docker.service"])


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_loads_and_then_leaves_alone(host):
    assert host.script("load") == 0
    assert host.kernel.table == "table one"
    host.kernel.ran.clear()
    host.kernel.learnt = ["198.51.100.7"]  # what packets teach is no edit
    assert host.script("check") == 0
    assert not [words for words in host.kernel.ran if words[1] == "--file"]


@pytest.mark.parametrize("harm", ["flushed", "edited", "deleted"])
def test_what_others_do_to_our_table_is_undone(host, harm, capsys):
    host.script("load")
    host.kernel.table = "something else" if harm == "edited" else None
    if harm == "flushed":
        host.kernel.flush()
    assert host.script("check") == 0
    assert host.kernel.table == "table one"
    assert host.kernel.docker
    assert host.restarts() == (harm == "flushed")
    assert "loaded again" in capsys.readouterr().out


@pytest.mark.parametrize("left", [None, ""])
@pytest.mark.parametrize("loaded", [True, False])
def test_marks_that_others_flushed_are_loaded_again(host, left, loaded, capsys):
    host.marks()
    if loaded:
        host.script("load")
    else:
        os.unlink(host.place.ruleset)  # VLANs without our firewall
    host.kernel.marks = left
    assert host.script("check") == 0
    assert host.kernel.marks == "table inet kronos_marks"
    assert "marks of connections through VLANs were gone: loaded again" in capsys.readouterr().out
    host.kernel.ran.clear()
    assert host.script("check") == 0
    assert not [words for words in host.kernel.ran if words[1] == "--file"]


def test_without_vlans_there_are_no_marks_and_refused_ones_hold_nothing_up(host, capsys):
    host.script("load")
    host.script("check")
    assert host.kernel.marks is None
    host.marks()
    host.kernel.refuses = host.place.marks
    host.kernel.docker = False
    assert host.script("check") == 0
    assert "it says no" in capsys.readouterr().out
    assert host.restarts() == 1


def test_without_a_ruleset_there_is_no_table(host):
    host.script("load")
    os.unlink(host.place.ruleset)
    assert host.script("check") == 0
    assert host.kernel.table == "table one"  # the guard takes nothing away
    assert host.script("load") == 0
    assert host.kernel.table is None
    assert firewall_script.read_note(host.place) == {}


def test_after_a_reboot_it_is_loaded_whatever_was_noted(host):
    host.script("load")
    host.kernel.table = None
    os.unlink(host.place.note)
    host.script("check")
    assert host.kernel.table == "table one"


def test_a_ruleset_that_nft_refuses_is_told_and_nothing_is_noted(host, capsys):
    host.kernel.refuses = "--file"
    assert host.script("load") == 1
    assert "it says no" in capsys.readouterr().err
    assert firewall_script.read_note(host.place) == {}


def test_another_text_does_not_stand(host):
    host.script("load")
    digest = firewall_script.read_note(host.place)["ruleset"]
    assert firewall_script.stands(host.place, host.kernel.command, digest)
    assert not firewall_script.stands(host.place, host.kernel.command, "0" * 64)


@pytest.mark.parametrize(
    "case", ["starting", "stopped", "no iptables", "own backend", "legacy", "no live-restore", "again"]
)
def test_docker_is_not_restarted_where_that_would_not_help_or_harm(host, case, monkeypatch):
    host.kernel.docker = False
    if case == "starting":
        host.docker_runs(2)
    elif case == "stopped":
        os.unlink(host.place.docker_pid)
    elif case == "no iptables":
        host.config({"iptables": False, "live-restore": True})
    elif case == "no live-restore":
        host.config({})
    elif case == "again":
        host.script("check")
        host.kernel.docker = False
        host.kernel.ran.clear()
    else:
        answer = host.kernel.answer
        said = {"own backend": ("docker-bridges", ""), "legacy": ("iptables --version", "iptables v1.8 (legacy)")}[case]

        def other(words, line, stdin):
            done = answer(words, line, stdin)
            return type(done)(0, said[1], "") if said[0] in line else done

        monkeypatch.setattr(host.kernel, "answer", other)
    assert host.script("check") == 0
    assert host.restarts() == 0


def test_the_guard_goes_on_after_a_failure_and_says_it_once(host, capsys):
    class Enough(Exception):
        pass

    rounds = []

    def sleep(_seconds):
        rounds.append(1)
        host.kernel.table = None
        if len(rounds) == 3:
            host.kernel.refuses = ""
        if len(rounds) == 5:
            raise Enough

    host.kernel.refuses = "--file"
    with pytest.raises(Enough):
        firewall_script.guard(host.place, host.kernel.command, sleep)
    said = capsys.readouterr().out.splitlines()
    assert sum("it says no" in line for line in said) == 1
    assert sum("loaded again" in line for line in said) == 1


def test_it_runs_alone():
    with open(firewall_script.__file__, encoding="utf-8") as stream:
        text = stream.read()
    assert "import ansible" not in text
    assert "from ansible" not in text
    assert firewall_script.main(["nonsense"], Place("/nonexistent", "/tmp"), Kernel().command) == 2
    with pytest.raises(FirewallError):
        firewall_script._must(lambda words: (1, ""), ["x"])
