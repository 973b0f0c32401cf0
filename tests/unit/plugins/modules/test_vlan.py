# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vlan module with a network played by a fake: prediction, run, second run, drift, removal, failure, way back."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import subprocess

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import (
    receipts,
    timed,
    timed_script,
    tree,
    vlan_apply,
    vlan_manager,
    vlan_marks,
    vlan_probe,
    vlan_state,
)
from ansible_collections.kronos.homelab.plugins.modules import vlan as module
from ansible_collections.kronos.homelab.plugins.modules import vlan_info
from ansible_collections.kronos.homelab.tests.unit.fakes.full_disk import FullDisk
from ansible_collections.kronos.homelab.tests.unit.fakes.vlan_host import VlanHost

OWNER = (os.geteuid(), os.getegid())
RULE = {"family": 4, "priority": 10030, "source": "10.77.3.0/24", "incoming": "", "mark": 0, "action": "lookup"}
KR30 = {
    "name": "kr30",
    "id": 30,
    "parent": "eth0",
    "addresses": ["10.30.0.2/24"],
    "gateways": ["10.30.0.1"],
    "mtu": None,
    "ipv6": False,
    "routes": [{"to": "10.30.0.0/24", "via": "", "table": 10030}],
    "rules": [{**RULE, "table": 10030}],
}
KR40 = {**KR30, "name": "kr40", "id": 40, "addresses": ["10.40.0.2/24"], "routes": [], "rules": []}
MARKS = "table inet kronos_marks {}\n"


class Host:
    """A fake network, and folders for everything that is written."""

    def __init__(self, root):
        self.root, self.net = root, VlanHost()
        self.place = timed_script.Place(*(str(root / name) for name in ("pending", "run", "units")))
        (root / "units" / "sysinit.target.wants").mkdir(parents=True)
        (root / "systemd").mkdir()
        links = root / "proc/run/systemd/netif/links"
        links.mkdir(parents=True)
        (links / "2").write_text("NETWORK_FILE=/etc/systemd/network/10-eth0.network\n")

    @property
    def files(self):
        """Every file below etc, by its path there."""
        top = self.root / "etc"
        return {str(path.relative_to(top)): path.read_text() for path in sorted(top.rglob("*")) if path.is_file()}

    def put_back(self):
        """What the host does by itself when nobody confirms."""

        def command(words):
            return "" if words[0] == "/bin/sh" else _said(self.net(words))

        return timed_script.put_back(self.place, "vlan", command, why="timeout")

    def confirm(self):
        """What the controller does."""
        assert timed_script.confirm(self.place, "vlan", None, lambda words: "")[0] == 0


def _said(ran):
    return "" if ran.code == 0 else ran.err


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Everything that the module touches, elsewhere."""
    made = Host(tmp_path)
    wanted = tree.Wanted
    monkeypatch.setattr(tree, "Wanted", lambda path, content, mode=0o644: wanted(path, content, mode, *OWNER))
    monkeypatch.setattr(vlan_manager, "ETC", str(tmp_path / "etc"))
    monkeypatch.setattr(vlan_manager, "ROOT", str(tmp_path / "proc"))
    for name, path in (("FILE", "marks.nft"), ("UNIT_FILE", "marks.service"), ("WISH", "wants")):
        monkeypatch.setattr(vlan_marks, name, str(tmp_path / "etc" / path))
    monkeypatch.setattr(vlan_marks, "LINKS", ())
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    monkeypatch.setattr(timed, "Place", lambda: made.place)
    monkeypatch.setattr(timed, "PROGRAM", str(tmp_path / "lib/timed.py"))
    monkeypatch.setattr(timed, "CONFIRM", str(tmp_path / "sbin/confirm"))
    monkeypatch.setattr(vlan_apply, "PATIENCE", 0.0)
    monkeypatch.setattr(module, "HostRunner", lambda environment: made.net)
    monkeypatch.setattr(vlan_info, "HostRunner", lambda environment: made.net)
    return made


@pytest.fixture
def ask(host, run_module):
    """``ask(interfaces)``: the module, on a network manager that does what its files say."""

    def call(interfaces, check=False, confirmed=True, **more):
        host.net.makes = copy.deepcopy(interfaces)
        result = run_module(module, check=check, interfaces=interfaces, **more)
        if confirmed and "confirm" in result:
            host.confirm()
        return result

    return call


def test_prediction_run_and_second_run_agree(host, ask):
    predicted = ask([KR30], check=True, marks=MARKS)
    assert not (host.root / "etc").exists()
    assert host.net.links.keys() == {"lo", "eth0"}
    real = ask([KR30], marks=MARKS)
    for key in ("changed", "diff", "created", "updated", "removed", "manager"):
        assert predicted[key] == real[key]
    assert (real["changed"], real["created"], real["manager"]) == (True, ["kr30"], "networkd")
    assert real["confirm"]["what"] == "vlan"
    assert list(host.files) == [
        "marks.nft",
        "marks.service",
        "systemd/network/05-kronos-kr30.netdev",
        "systemd/network/05-kronos-kr30.network",
        "systemd/network/10-eth0.network.d/50-kronos-vlan.conf",
    ]
    assert host.net.asked.count("networkctl reload") == 1
    assert not [words for words in host.net.asked if "reconfigure" in words], "a reload is enough"
    asked = len(host.net.asked)
    again = ask([KR30], marks=MARKS)
    assert (again["changed"], again["diff"], again.get("confirm")) == (False, [], None)
    assert not [
        words for words in host.net.asked[asked:] if not words.startswith(("nft --json list", "systemctl is-enabled"))
    ]


def test_an_mtu_that_is_not_stated_any_more_is_the_parents_again(host, ask):
    ask([{**KR30, "mtu": 1400}])
    predicted = ask([KR30], check=True)
    real = ask([KR30])
    assert predicted["diff"] == real["diff"]
    assert "mtu: 1400" in "".join(each["before"] for each in real["diff"])
    assert host.net.links["kr30"]["mtu"] == 1500
    assert ask([KR30])["changed"] is False


def test_the_receipt_holds_until_something_differs(host, ask):
    ask([KR30], marks=MARKS)
    left = receipts.read("vlan", "all")["left"]
    assert vlan_state.vlan_reasons(left, host.net) == []
    host.net.marks = None  # flushed
    assert vlan_state.vlan_reasons(left, host.net) == ["VLANs: the nftables table inet kronos_marks is empty"]
    assert ask([KR30], check=True, marks=MARKS)["changed"]
    host.net.marks = False
    host.net.take_down("kr30")
    assert vlan_state.vlan_reasons(left, host.net) == [
        "VLANs: kr30 is not there",
        "VLANs: the nftables table inet kronos_marks is gone",
    ]
    assert vlan_state.vlan_reasons({"vlans": ["nonsense"]}, host.net)[0].startswith("VLANs: cannot be compared")
    assert vlan_state.vlan_reasons({}, None) == []


DRIFTS = [
    (lambda host: host.net.take_down("kr30"), "created", "networkctl reconfigure eth0"),
    (lambda host: host.net.links["kr30"].update(addr_info=[]), "updated", "networkctl reconfigure kr30"),
    (lambda host: host.net.rules[4].pop(), "updated", "networkctl reconfigure kr30"),
    (
        lambda host: (host.root / "etc/systemd/network/05-kronos-kr30.network").write_text("[Match]\n"),
        "updated",
        "networkctl reload",
    ),
]


@pytest.mark.parametrize(("drift", "told", "command"), DRIFTS)
def test_drift_is_predicted_and_mended(host, ask, drift, told, command):
    ask([KR30])
    before = host.files
    drift(host)
    predicted = ask([KR30], check=True)
    mended = ask([KR30])
    assert predicted["diff"] == mended["diff"] != []
    assert (mended["changed"], mended[told]) == (True, ["kr30"])
    assert command in host.net.asked
    assert host.files == before
    assert ask([KR30])["changed"] is False


def test_what_is_no_longer_wanted_goes_and_strangers_stay(host, ask):
    host.net.bring_up([{**KR30, "name": "eth0.99", "id": 99, "rules": []}])
    theirs = host.root / "etc/systemd/network/20-mine.network"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("[Match]\nName=eth0.99\n")
    strange = {**RULE, "table": 77}
    host.net.rules[4].append({"priority": 10030, "src": "10.9.0.0", "srclen": 16, "table": "77"})
    ask([KR30, KR40], marks=MARKS)
    predicted = ask([KR40], check=True)
    result = ask([KR40])
    assert (predicted["removed"], result["removed"]) == (["kr30"], ["kr30"])
    assert predicted["diff"] == result["diff"]
    assert set(host.net.links) == {"lo", "eth0", "eth0.99", "kr40"}
    assert host.net.marks is False
    assert strange["table"] == 77
    assert not [entry for entry in host.net.asked if "eth0.99" in entry or "10.9.0.0" in entry]
    result = ask([])
    assert (result["removed"], result["manager"]) == (["kr40"], "")
    assert list(host.files) == ["systemd/network/20-mine.network"]
    assert receipts.read("vlan", "all") is None
    assert ask([])["changed"] is False


def test_stale_rules_go_one_by_one(host, ask):
    ask([KR30])
    moved = {**KR30, "rules": [{**RULE, "source": "10.78.0.0/24", "table": 10030}]}
    ask([moved])
    assert "ip -4 rule del pref 10030 from 10.77.3.0/24 lookup 10030" in host.net.asked


def test_an_interface_of_somebody_else_is_in_the_way(host, ask):
    host.net.bring_up([{**KR30, "parent": "eth1"}])
    failed = ask([KR30])
    assert failed["msg"].startswith("kr30: an interface of that name is there that this collection did not make")
    assert not (host.root / "etc").exists()


def test_without_the_parent_nothing_is_touched(host, ask):
    for check in (True, False):
        failed = ask([{**KR30, "parent": "eth9"}], check=check)
        assert failed["msg"] == "no such interface on the host: eth9 (of VLAN 30); there are eth0"
    assert not (host.root / "etc").exists()
    assert not host.net.asked


def test_a_confirmation_needs_some_time(ask):
    assert ask([KR30], confirm_seconds=5)["msg"] == "confirm_seconds: 5; wanted at least 10"


def test_what_does_not_come_up_is_put_back_at_once(host, ask, run_module):
    ask([KR40])
    before = host.files
    host.net.makes = [KR40]  # the manager does not make kr30: no 802.1Q in the kernel
    failed = run_module(module, interfaces=[KR30, KR40])
    assert "did not come up as wanted within 0 s: kr30 is not there (does the kernel have 802.1Q" in failed["msg"]
    assert host.files == before
    assert timed_script.pending(host.place) == []
    assert receipts.read("vlan", "all")["left"]["interfaces"] == ["kr40"]


@pytest.mark.parametrize("room", range(12))
def test_a_disk_that_fills_up_anywhere_leaves_the_old_files(host, ask, monkeypatch, room):
    ask([KR40])
    before, receipt = host.files, receipts.read(*module.RECEIPT)
    disk = FullDisk(host.root, room)
    monkeypatch.setattr(os, "fsync", disk)
    result = ask([{**KR40, "mtu": 1400}, KR30], confirmed=False, marks=MARKS)
    assert disk.strays() == []
    assert disk.refused or room > 5
    assert not disk.refused or room < 11
    if disk.refused:
        assert "no space is left on the file system" in result["msg"]
        assert "\n" not in result["msg"]
        assert (host.files, receipts.read(*module.RECEIPT)) == (before, receipt)
        assert timed_script.pending(host.place) == []


def test_a_manager_that_refuses_is_one_clear_line(host, ask):
    host.net.refuses = ("networkctl reload",)
    failed = ask([KR30])
    assert failed["msg"].startswith("networkctl reload: networkctl: refused")


def test_unconfirmed_the_old_files_come_back(host, ask):
    ask([KR40])
    before = host.files
    ask([{**KR40, "mtu": 1400}, KR30], confirmed=False, marks=MARKS)
    assert host.files != before
    host.net.makes = [KR40]
    assert host.put_back() == []
    assert host.files == before
    assert receipts.read(*module.RECEIPT)["left"]["interfaces"] == ["kr40"]
    assert host.net.asked[-1] == "systemctl daemon-reload"


@pytest.mark.parametrize("fatal", range(1, 40))
def test_killed_anywhere_the_old_files_come_back(host, ask, monkeypatch, fatal):
    """A process of its own, which the kernel takes its locks from; whoever started it is gone as well."""
    ask([KR40])
    before, receipt = host.files, receipts.read(*module.RECEIPT)
    steps = []

    def counted(real):
        def call(*arguments, **named):
            steps.append(real)
            return os._exit(9) if len(steps) == fatal else real(*arguments, **named)

        return call

    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            for name in ("replace", "unlink"):
                monkeypatch.setattr(os, name, counted(getattr(os, name)))
            monkeypatch.setattr(module, "HostRunner", lambda environment: counted(host.net))
            ask([{**KR40, "mtu": 1400}, KR30], confirmed=False, marks=MARKS)
            os._exit(0)
        os._exit(1)
    _child, status = os.waitpid(child, 0)
    died = os.waitstatus_to_exitcode(status)
    assert died in (9, 0)
    assert died or fatal > 25
    assert not died or fatal < 39
    host.net.makes = [KR40]
    assert host.put_back() == []
    # what a killed writer leaves is hidden, and swept by the next one
    assert {name: text for name, text in host.files.items() if not os.path.basename(name).startswith(".")} == before
    assert receipts.read(*module.RECEIPT) == receipt
    assert timed_script.pending(host.place) == []
    assert ask([KR40, KR30], marks=MARKS)["changed"], "and the way is free"


def test_the_way_back_removes_what_was_made_and_nothing_else(host, ask):
    ask([KR40])
    ask([KR40, KR30], confirmed=False)
    record = timed_script.read_record(host.place, "vlan")
    (shell, *rest) = record["commands"]
    assert shell[2] == (
        "ip link delete dev kr30 2>/dev/null; "
        "ip -4 rule del pref 10030 from 10.77.3.0/24 lookup 10030 2>/dev/null; true"
    )
    assert subprocess.run(["/bin/sh", "-n", "-c", shell[2]], check=False).returncode == 0
    assert rest[0] == ["networkctl", "reload"]


def test_the_next_run_begins_with_what_was_never_confirmed(host, ask):
    ask([KR40])
    before = host.files
    ask([KR40, KR30], confirmed=False)
    predicted = ask([KR40], check=True)
    assert host.files != before, "check mode leaves it alone"
    assert not [one for one in predicted["diff"] if "50-kronos-vlan.conf" in one["before_header"]]
    host.net.take_down("kr30")
    ask([KR40])
    assert host.files == before


def test_removal_comes_back_too(host, ask):
    ask([KR30, KR40])
    before, receipt = host.files, receipts.read(*module.RECEIPT)
    ask([KR40], confirmed=False)
    assert receipts.read(*module.RECEIPT) != receipt
    host.net.makes = [KR30, KR40]
    host.put_back()
    assert host.files == before
    assert receipts.read(*module.RECEIPT) == receipt
    assert "kr30" in host.net.links
    assert "networkctl reconfigure eth0" in host.net.asked


def test_moving_to_another_parent_makes_it_anew(host, ask):
    ask([KR30])
    host.net.links["eth1"] = {**host.net.links["eth0"], "ifname": "eth1", "ifindex": 3}
    (host.root / "proc/run/systemd/netif/links/3").write_text("NETWORK_FILE=/etc/systemd/network/11-eth1.network\n")
    ask([{**KR30, "parent": "eth1"}])
    assert "ip link delete dev kr30" in host.net.asked
    assert "systemd/network/11-eth1.network.d/50-kronos-vlan.conf" in host.files
    assert "systemd/network/10-eth0.network.d/50-kronos-vlan.conf" not in host.files


def test_another_manager_takes_over(host, ask):
    ask([KR30])
    (host.root / "proc/run/systemd/netif/links/2").write_text("ADMIN_STATE=unmanaged\n")
    (host.root / "proc/etc/network").mkdir(parents=True)
    (host.root / "proc/etc/network/interfaces").write_text("source /etc/network/interfaces.d/*\n")
    result = ask([KR30], manager="ifupdown")
    assert result["manager"] == "ifupdown"
    assert list(host.files) == ["network/interfaces.d/kronos-kr30"]
    assert "ifup --force kr30" in host.net.asked
    assert "networkctl reload" in host.net.asked
    assert ask([KR30], manager="ifupdown")["changed"] is False


def test_vlan_info(host, ask, run_module, monkeypatch):
    monkeypatch.setattr(vlan_probe, "answers", lambda interface, address: (interface, address) == ("kr30", "10.30.0.1"))
    ask([KR30, KR40])
    host.net.take_down("kr40")
    found = run_module(vlan_info)
    assert found["manager"] == {"eth0": "networkd"}
    assert found["vlans"]["kr30"] == {
        "id": 30,
        "parent": "eth0",
        "present": True,
        "up": True,
        "carrier": True,
        "mtu": 1500,
        "addresses": ["10.30.0.2/24"],
        "gateways": {"10.30.0.1": True},
        "differences": [],
    }
    gone = found["vlans"]["kr40"]
    assert (gone["present"], gone["gateways"], gone["differences"]) == (
        False,
        {"10.30.0.1": False},
        ["kr40 is not there"],
    )
    assert run_module(vlan_info, probe=False)["vlans"]["kr30"]["gateways"] == {"10.30.0.1": False}


def test_vlan_info_without_vlans(host, run_module):
    assert run_module(vlan_info)["vlans"] == {}


def test_the_receipt_is_plain(host, ask):
    ask([KR30])
    assert json.loads(json.dumps(receipts.read("vlan", "all")))["left"]["vlans"][0]["name"] == "kr30"
