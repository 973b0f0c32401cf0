# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall module: prediction, run and quiet second run; what it refuses; what comes back when it fails."""

from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import (
    firewall,
    firewall_script,
    host_state,
    receipts,
    timed,
    tree,
    units,
)
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.module_utils.timed_script import Place as Pending
from ansible_collections.kronos.homelab.plugins.modules import firewall as module
from ansible_collections.kronos.homelab.tests.unit.fakes.full_disk import FullDisk
from ansible_collections.kronos.homelab.tests.unit.fakes.kernel import Kernel

OWNER = (os.geteuid(), os.getegid())


class Host(Kernel):
    """A kernel and a folder; the programs that the module starts on the host work on them."""

    def __init__(self, root):
        super().__init__()
        self.place = firewall_script.Place(
            *(str(root / name) for name in ("etc/fw/rules", "run", "pid", "json", "marks"))
        )
        self.pending = Pending(str(root / "pending"), str(root / "run"), str(root / "units"))

    def answer(self, words, line, stdin):
        if words[1:2] == [firewall.PROGRAM]:
            code = firewall_script.main(words[2:], self.place, self.command)
            return Ran(code, "", "it says no" if code else "")
        return super().answer(words, line, stdin)

    def ruleset(self):
        try:
            with open(self.place.ruleset, encoding="utf-8") as stream:
                return stream.read()
        except FileNotFoundError:
            return None


@pytest.fixture
def host(tmp_path, monkeypatch):
    host = Host(tmp_path)
    file, folder = tree.Wanted, tree.WantedDirectory  # the tests need not be root
    monkeypatch.setattr(tree, "Wanted", lambda path, content, mode: file(path, content, mode, *OWNER))
    monkeypatch.setattr(tree, "WantedDirectory", lambda path, mode: folder(path, mode, *OWNER))
    for name in ("PROGRAM", "CONFIRM"):
        monkeypatch.setattr(timed, name, str(tmp_path / "lib" / name))
    monkeypatch.setattr(firewall, "PROGRAM", str(tmp_path / "lib" / "kronos_firewall.py"))
    monkeypatch.setattr(firewall, "LOAD", ("/usr/bin/python3", firewall.PROGRAM, "load"))
    monkeypatch.setattr(units, "FOLDER", str(tmp_path / "units"))
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    monkeypatch.setattr(timed, "Place", lambda: host.pending)
    monkeypatch.setattr(firewall_script, "Place", lambda: host.place)
    monkeypatch.setattr(module, "HostRunner", lambda environment: host)
    monkeypatch.setattr(firewall, "ssh_connection", lambda: "192.0.2.50 50000 192.0.2.10 22")
    (tmp_path / "units" / "sysinit.target.wants").mkdir(parents=True)
    return host


def confirm(host, result):
    """As the controller does it."""
    token = result["confirm"]["token"]
    words = ["confirm", "firewall", "--token", token]
    assert timed.timed_script.main(words, host.pending, lambda words: host.command(words)[1]) == 0


def test_prediction_run_and_second_run_agree(host, run_module):
    predicted = run_module(module, check=True, ruleset="one\n")
    assert host.table is None
    assert host.ruleset() is None
    real = run_module(module, ruleset="one\n")
    for key in ("changed", "diff", "loaded", "replaced"):
        assert predicted[key] == real[key]
    assert (real["changed"], host.table) == (True, "one\n")
    assert real["confirm"]["what"] == "firewall"
    confirm(host, real)
    again = run_module(module, ruleset="one\n")
    assert (again["changed"], again["diff"], "confirm" in again) == (False, [], False)


def test_a_changed_ruleset_shows_its_difference(host, run_module):
    confirm(host, run_module(module, ruleset="one\n"))
    for check in (True, False):
        found = run_module(module, check=check, ruleset="two\n")
        assert [(each["before"], each["after"]) for each in found["diff"]] == [("one\n", "two\n")]
    assert host.table == "two\n"


def test_a_table_that_somebody_edited_is_loaded_again(host, run_module):
    confirm(host, run_module(module, ruleset="one\n"))
    host.table = "edited"
    found = run_module(module, ruleset="one\n")
    assert [each["before"] for each in found["diff"]] == ["other rules than the ruleset's\n"]
    assert host.table == "one\n"


def test_nobody_confirms_and_the_next_run_begins_from_the_old_state(host, run_module):
    confirm(host, run_module(module, ruleset="one\n"))
    receipt = receipts.read(*module.RECEIPT)
    run_module(module, ruleset="two\n")
    assert receipts.read(*module.RECEIPT) != receipt
    predicted = run_module(module, check=True, ruleset="two\n")
    assert predicted["changed"]  # it counts as never made
    assert [(each["before"], each["after"]) for each in predicted["diff"]] == [("one\n", "two\n")]
    timed.settle(host)
    assert receipts.read(*module.RECEIPT) == receipt
    found = run_module(module, ruleset="one\n")
    assert not found["changed"]
    assert host.table == "one\n"


def test_vlans_that_were_never_confirmed_go_before_the_rules_change(host, run_module, tmp_path):
    way = tmp_path / "05-kronos-kr30.network"
    timed.begin("vlan", timed.Undo([str(way)]), seconds=60, run=host, place=host.pending)
    way.write_text("new")
    run_module(module, check=True, ruleset="one\n")
    assert way.exists()
    result = run_module(module, ruleset="one\n")
    assert not way.exists()
    assert timed.timed_script.pending(host.pending) == ["firewall"]
    confirm(host, result)


@pytest.mark.parametrize("step", ["--file", "enable kronos-firewall"])
def test_what_fails_half_way_is_undone(host, run_module, step):
    confirm(host, run_module(module, ruleset="one\n"))
    host.states["kronos-firewall.service"] = ("disabled", "inactive")
    answer, broken = host.answer, []

    def once(words, line, stdin):
        if step in line and not broken:
            broken.append(line)
            return Ran(1, "", "it says no")
        return answer(words, line, stdin)

    host.answer = once
    found = run_module(module, ruleset="two\n")
    assert "it says no" in found["msg"]
    assert (host.table, host.ruleset()) == ("one\n", "one\n")


@pytest.mark.parametrize("room", range(20))
@pytest.mark.parametrize("before", ["one\n", None])
def test_a_disk_that_fills_up_anywhere_leaves_the_old_rules(host, run_module, tmp_path, monkeypatch, room, before):
    timed.install_program()
    if before:
        confirm(host, run_module(module, ruleset=before))
    receipt, disk = receipts.read(*module.RECEIPT), FullDisk(tmp_path, room)
    monkeypatch.setattr(os, "fsync", disk)
    found = run_module(module, ruleset="two\n" * 3000)
    assert disk.strays() == []
    assert disk.refused or room > 5
    assert not disk.refused or room < 19
    if disk.refused:
        assert "no space is left on the file system" in found["msg"]
        assert (host.ruleset(), host.table, receipts.read(*module.RECEIPT)) == (before, before, receipt)
        assert timed.timed_script.pending(host.pending) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ssh_port": 2222}, "this run comes in through port 22, but kronos_ssh_port is 2222"),
        ({"ssh_sources": ["203.0.113.0/24"]}, "comes from 192.0.2.50, which is in none of kronos_ssh_sources"),
        ({"ruleset": ""}, "a ruleset is wanted"),
        ({"confirm_seconds": 3}, "at least 10 s to confirm"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_would_lock_out_is_refused(host, run_module, options, said, check):
    found = run_module(module, check=check, **{"ruleset": "one\n", **options})
    assert said in found["msg"]
    assert host.ruleset() is None


def test_what_nft_refuses_is_refused(host, run_module):
    host.refuses = "--check"
    found = run_module(module, ruleset="nonsense\n")
    assert found["msg"] == "nft refuses the ruleset: it says no. Nothing was changed"
    assert host.ruleset() is None


@pytest.mark.parametrize(
    ("name", "state"), [("nftables", ("enabled", "inactive")), ("firewalld", ("disabled", "active"))]
)
def test_another_firewall_is_refused_or_replaced(host, run_module, name, state):
    host.states[f"{name}.service"] = state
    found = run_module(module, ruleset="one\n")
    assert found["msg"].startswith(f"{name} is at work on this host")
    assert "\n" not in found["msg"]
    assert host.ruleset() is None
    found = run_module(module, ruleset="one\n", replace_others=True)
    assert found["replaced"] == [name]
    assert host.states[f"{name}.service"] == ("disabled", "inactive")
    timed.settle(host)  # nobody confirmed
    assert host.states[f"{name}.service"][0] == "enabled"
    assert host.table is None


def test_the_marks_of_vlans_survive_the_end_of_nftables(host, run_module):
    with open(host.place.marks, "w", encoding="utf-8") as stream:
        stream.write("table inet kronos_marks")
    host.states["nftables.service"] = ("enabled", "active")
    switch = host.switch

    def flush(words):
        if words[:2] == ["systemctl", "disable"]:
            host.flush()  # its last act
        switch(words)

    host.switch = flush
    run_module(module, ruleset="one\n", replace_others=True)
    assert (host.table, host.marks) == ("one\n", "table inet kronos_marks")


@pytest.mark.parametrize("name", ["nftables", "firewalld"])
def test_a_reboot_before_the_confirmation_gives_the_other_firewall_back(host, run_module, name):
    host.states[f"{name}.service"] = ("enabled", "active")
    run_module(module, ruleset="one\n", replace_others=True)
    host.states[f"{name}.service"] = ("disabled", "inactive")  # as the boot finds it
    host.table = None
    host.ran.clear()
    assert timed.timed_script.main(["boot", "firewall"], host.pending, lambda words: host.command(words)[1]) == 0
    assert host.ruleset() is None
    assert host.states[f"{name}.service"] == ("enabled", "active")
    starts = [words for words in host.ran if words[:2] == ["systemctl", "start"]]
    assert [("--no-block" in words) for words in starts] == [True]  # whoever waits for it there waits for himself
    assert all("--now" not in words for words in host.ran)


UFW = {
    "Ubuntu starts it everywhere": ("ENABLED=no\n", ("enabled", "active"), False),
    "on": ("# x\nENABLED=yes\n", ("enabled", "active"), True),
    "switched on since the last boot, on Debian": ("ENABLED=yes\n", ("enabled", "inactive"), True),
    "on, but not at boot": ("ENABLED=yes\n", ("disabled", "inactive"), True),  # its rules may be loaded all the same
    "removed, its settings left": ("ENABLED=yes\n", ("", "inactive"), False),
    "never there": (None, ("", "inactive"), False),
}


@pytest.mark.parametrize(("config", "state", "counts"), UFW.values(), ids=UFW.keys())
def test_whether_ufw_is_at_work(host, run_module, tmp_path, monkeypatch, config, state, counts):
    if config is not None:
        (tmp_path / "ufw.conf").write_text(config)
    monkeypatch.setattr(firewall, "UFW_CONFIG", str(tmp_path / "ufw.conf"))
    host.states["ufw.service"] = state
    assert ("msg" in run_module(module, check=True, ruleset="one\n")) == counts


@pytest.mark.parametrize("action", ["revert", "boot"])
def test_ufw_is_replaced_and_given_back(host, run_module, tmp_path, monkeypatch, action):
    config, answer = tmp_path / "ufw.conf", host.answer

    def ufw(words, line, stdin):
        if words[0] == "ufw":
            assert words[-1] == "disable" or "--force" in words  # else it asks, since SSH may be cut off
            config.write_text(f"ENABLED={'no' if words[-1] == 'disable' else 'yes'}\n")
        return answer(words, line, stdin)

    host.answer = ufw
    config.write_text("ENABLED=yes\n")
    monkeypatch.setattr(firewall, "UFW_CONFIG", str(config))
    host.states["ufw.service"] = ("enabled", "inactive")
    found = run_module(module, ruleset="one\n", replace_others=True)
    assert (found["replaced"], config.read_text()) == (["ufw"], "ENABLED=no\n")
    assert timed.timed_script.main([action, "firewall"], host.pending, lambda words: host.command(words)[1]) == 0
    assert (config.read_text(), host.ruleset()) == ("ENABLED=yes\n", None)
    found = run_module(module, ruleset="one\n", replace_others=True)
    confirm(host, found)
    again = run_module(module, ruleset="one\n", replace_others=True)
    assert (again["changed"], config.read_text()) == (False, "ENABLED=no\n")


def test_taken_away_again(host, run_module):
    confirm(host, run_module(module, ruleset="one\n"))
    predicted = run_module(module, check=True, state="absent")
    assert host.table == "one\n"
    real = run_module(module, state="absent")
    assert predicted == real
    assert real["changed"]
    assert (host.table, host.ruleset()) == (None, None)
    assert receipts.read("firewall", "host") is None
    assert not run_module(module, state="absent")["changed"]


def test_the_one_call_check_sees_the_table(host, run_module):
    confirm(host, run_module(module, ruleset="one\n"))
    left = receipts.read("firewall", "host")["left"]
    assert host_state.firewall_reasons(left, host) == []
    for table in (None, "edited"):
        host.table = table
        assert host_state.firewall_reasons(left, host) == ["table inet kronos: edited, flushed or never loaded"]
    assert host_state.firewall_reasons({}, host) == []


def test_what_is_not_known_of_the_session_refuses_nothing():
    assert firewall.ssh_connection(1) == ""
    wish = firewall.Wish("x", ssh_sources=("192.0.2.0/24",))
    for connection in ("", "192.0.2.50 1 192.0.2.10 22", "fe80::1%eth0 1 fe80::2 22 5", "nonsense"):
        firewall.refuse_lockout(wish, connection)
