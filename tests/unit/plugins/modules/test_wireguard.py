# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wireguard module with the tunnel played by a fake: prediction, run, second run, drift, removal, failure."""

from __future__ import annotations

import itertools
import json
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import (
    receipts,
    tree,
    units,
    wireguard_files,
    wireguard_live,
    wireguard_plan,
)
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.modules import wireguard as module
from ansible_collections.kronos.homelab.plugins.modules import wireguard_device

OWNER = (os.geteuid(), os.getegid())
ASKED = {
    "address": "10.9.0.1/24",
    "endpoint": "vpn.home.example:51820",
    "devices": ["anna.phone", "ben.phone"],
    "allowed": ["10.9.0.0/24"],
}


class Host:
    """A host whose unit makes the interface that its configuration says."""

    def __init__(self, folder):
        self.folder, self.tunnel, self.unit, self.numbers = folder, None, ("", "inactive"), itertools.count()
        self.calls, self.able = [], True

    def __call__(self, argv, stdin="", timeout=600):
        self.calls.append(" ".join(argv))
        words = argv[:2]
        if argv[0] in ("modprobe", "wireguard-go"):
            return Ran(0 if self.able else 1, "", "")
        if argv[0] == "wg":
            return self.wg(argv, stdin)
        if words == ["systemctl", "show"]:
            return Ran(0, "UnitFileState={}\nActiveState={}\n".format(*self.unit), "")
        if argv[0] == "systemctl":
            return self.systemctl(argv)
        if argv[0] == "ip":
            if self.tunnel is None:
                return Ran(1, "", "Device does not exist")
            if argv[1] == "link":
                self.tunnel = None
                return Ran(0, "", "")
            address, length = self.tunnel["address"].split("/")
            info = {"scope": "global", "local": address, "prefixlen": int(length)}
            return Ran(0, json.dumps([{"flags": ["UP"], "addr_info": [info]}]), "")
        return Ran(0, "", "")  # nft: no tables

    def wg(self, argv, stdin):
        if argv[1] in ("genkey", "genpsk"):
            return Ran(0, f"{argv[1]}{next(self.numbers)}\n", "")
        if argv[1] == "pubkey":
            return Ran(0, f"public-of-{stdin}", "")
        if argv[1] == "show":
            return Ran(0, self.dump(), "") if self.tunnel else Ran(1, "", "No such device")
        self.read_configuration()  # syncconf
        return Ran(0, "", "")

    def systemctl(self, argv):
        if argv[1] in ("start", "restart"):
            program = (self.folder / "kronos_vpn.sh").read_text()
            self.tunnel = {"address": program.partition("ip address add ")[2].split()[0]}
            self.read_configuration()
            self.unit = (self.unit[0], "active")
        elif argv[1] == "enable":
            self.unit = ("enabled", self.unit[1])
        elif argv[1] == "disable":
            self.unit, self.tunnel = ("", "inactive"), None
        return Ran(0, "", "")

    def read_configuration(self):
        lines = (self.folder / "wg" / "wg-kronos.conf").read_text().splitlines()
        pairs = [tuple(line.split(" = ")) for line in lines if " = " in line]
        self.tunnel.update(private=pairs[0][1], port=pairs[1][1], peers=[])
        for (_a, public), (_b, shared), (_c, allowed) in zip(pairs[2::3], pairs[3::3], pairs[4::3]):
            self.tunnel["peers"].append((public, shared, allowed))

    def dump(self):
        first = f"{self.tunnel['private']}\tpublic-of-{self.tunnel['private']}\t{self.tunnel['port']}\toff"
        rest = [
            f"{public}\t{shared}\t(none)\t{allowed}\t0\t0\t0\toff" for public, shared, allowed in self.tunnel["peers"]
        ]
        return "\n".join([first, *rest]) + "\n"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A fake host with folders for everything that is written."""
    found = Host(tmp_path)
    for name, path in {"FOLDER": "wg", "STATE": "wg/state.json", "PROGRAM": "kronos_vpn.sh"}.items():
        for where in (wireguard_files, wireguard_plan, module, wireguard_device):
            if hasattr(where, name):
                monkeypatch.setattr(where, name, str(tmp_path / path))
    wanted, folder = tree.Wanted, tree.WantedDirectory

    def mine(path, content, mode=0o644, secret=False):
        return wanted(path, content, mode, *OWNER, secret)

    monkeypatch.setattr(tree, "Wanted", mine)
    monkeypatch.setattr(tree, "WantedDirectory", lambda path, mode: folder(path, mode, *OWNER))
    monkeypatch.setattr(units, "FOLDER", str(tmp_path / "units"))
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    monkeypatch.setattr(wireguard_live, "KERNEL", str(tmp_path / "none"))
    for where in (module, wireguard_device):
        monkeypatch.setattr(where, "HostRunner", lambda **_named: found)
    return found


def alike(predicted, real):
    """Whether a prediction foretold the run; the key of a server that is not made yet is no part of it."""
    return all(predicted[key] == real[key] for key in predicted if key != "public_key")


def test_prediction_run_and_second_run(host, run_module):
    predicted = run_module(module, check=True, **ASKED)
    assert not os.path.exists(wireguard_files.FOLDER)
    real = run_module(module, **ASKED)
    assert alike(predicted, real)
    assert (real["changed"], real["added"], real["restarted"]) == (True, ["anna.phone", "ben.phone"], True)
    assert real["addresses"] == {"anna.phone": "10.9.0.2", "ben.phone": "10.9.0.3"}
    assert "genkey" not in str({**real, "public_key": ""}).replace("public-of-genkey", "")
    assert os.stat(wireguard_files.STATE).st_mode & 0o777 == 0o600
    host.calls.clear()
    again = run_module(module, **ASKED)
    assert (again["changed"], again["diff"]) == (False, [])
    assert not [call for call in host.calls if "gen" in call or "start" in call or "sync" in call]
    assert wireguard_live.reasons_of(receipts.read("wireguard", "home")["left"], host) == []


@pytest.mark.parametrize(
    ("said", "key", "names"),
    [
        ({"devices": ["anna.phone"]}, "removed", ["ben.phone"]),
        ({"devices": ["anna.phone", "ben.phone", "a.b"]}, "added", ["a.b"]),
        ({"rotate": ["ben.phone"]}, "rotated", ["ben.phone"]),
        ({"rotate": ["server"]}, "rotated", ["server"]),
    ],
)
def test_devices_change_while_the_interface_stays(host, run_module, said, key, names):
    run_module(module, **ASKED)
    before = dict(host.tunnel, peers=[*host.tunnel["peers"]])
    predicted = run_module(module, check=True, **{**ASKED, **said})
    assert host.tunnel == before
    host.calls.clear()
    real = run_module(module, **{**ASKED, **said})
    assert alike(predicted, real)
    assert (real["changed"], real[key], real["restarted"]) == (True, names, False)
    assert not [call for call in host.calls if "restart" in call]
    assert host.tunnel != before
    assert not run_module(module, **{**ASKED, **said, "rotate": []})["changed"]


@pytest.mark.parametrize("said", [{"address": "10.9.0.9/24"}, {"forward": ["192.0.2.0/24"]}])
def test_what_makes_the_interface_anew(host, run_module, said):
    run_module(module, **ASKED)
    predicted = run_module(module, check=True, **{**ASKED, **said})
    real = run_module(module, **{**ASKED, **said})
    assert alike(predicted, real)
    assert real["restarted"]


@pytest.mark.parametrize(
    ("damage", "reason", "anew"),
    [
        (lambda host: setattr(host, "tunnel", None), "there is no interface", True),
        (
            lambda host: host.tunnel["peers"].append(("foreign", "x", "10.9.0.9/32")),
            "that nobody wants is let in",
            False,
        ),
        (lambda host: host.tunnel["peers"].pop(), "is shut out", False),
        (
            lambda host: host.tunnel.update(peers=[(p, s, "0.0.0.0/0") for p, s, _allowed in host.tunnel["peers"]]),
            "differs",
            False,
        ),
        (lambda host: host.tunnel.update(port="4"), "listens at 4, not at 51820", False),
        (lambda host: host.tunnel.update(private="x"), "another key", False),
        (lambda host: host.tunnel.update(address="10.9.0.7/24"), "its address is 10.9.0.7/24", True),
    ],
)
def test_drift(host, run_module, damage, reason, anew):
    run_module(module, **ASKED)
    right = json.dumps(host.tunnel)
    damage(host)
    reasons = wireguard_live.reasons_of(receipts.read("wireguard", "home")["left"], host)
    assert [each for each in reasons if reason in each and each.startswith("VPN: ")]
    real = run_module(module, **ASKED)
    assert (real["changed"], real["restarted"]) == (True, anew)
    assert json.dumps(host.tunnel) == right


def test_nothing_is_left(host, run_module):
    run_module(module, **ASKED)
    predicted = run_module(module, check=True, state="absent")
    real = run_module(module, state="absent")
    assert alike(predicted, real)
    assert real["changed"]
    assert (host.tunnel, os.path.exists(wireguard_files.FOLDER), receipts.read("wireguard", "home")) == (
        None,
        False,
        None,
    )
    assert not run_module(module, state="absent")["changed"]


def test_no_wireguard_anywhere(host, run_module):
    host.able = False
    for check in (True, False):
        answer = run_module(module, check=check, **ASKED)
        assert answer["failed"]
        assert "this kernel has no WireGuard" in answer["msg"]
    assert not os.path.exists(wireguard_files.FOLDER)


def test_a_killed_run_is_finished_by_the_next(host, run_module, monkeypatch):
    def die(change, run):
        raise KronosError("killed")

    run_module(module, **ASKED)
    with monkeypatch.context() as patched:
        patched.setattr(units, "apply", die)
        assert run_module(module, **{**ASKED, "forward": ["192.0.2.0/24"], "devices": ["a.b"]})["failed"]
    real = run_module(module, **{**ASKED, "forward": ["192.0.2.0/24"], "devices": ["a.b"]})
    assert real["restarted"]
    assert [allowed for _public, _shared, allowed in host.tunnel["peers"]] == ["10.9.0.2/32"]


def test_a_devices_configuration(host, run_module):
    assert "this host has no VPN" in run_module(wireguard_device, device="anna.phone")["msg"]
    run_module(module, **ASKED)
    answer = run_module(wireguard_device, device="anna.phone")
    assert "Endpoint = vpn.home.example:51820" in answer["configuration"]
    assert host.calls[-1].startswith("qrencode --type=SVG")
    assert "no device 'x'; there are: anna.phone, ben.phone" in run_module(wireguard_device, device="x")["msg"]
