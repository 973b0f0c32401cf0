# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repairs, and changes that would lock the user out."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_marks import vlan_marks
from labtest import play, reboot, start, until
from probing.home import converge, listen_again
from probing.prober import Prober, declared

LOCKOUT = str(Path(__file__).parents[1] / "lockout.yml")
MARKS = "/etc/kronos/vlan-marks.nft"
RECORD = "/var/lib/kronos/pending/firewall/record.json"


def rules(host: Any) -> str:
    """Return our table as it is loaded, without what it counts and learns from packets; empty where there is none."""
    return str(host.run("nft --stateless --terse list table inet kronos").stdout)


def ended(host: Any) -> str:
    """Return how the last change ended, as the host notes it."""
    return str(host.check_output("cat /var/lib/kronos/pending/firewall.ended"))


@pytest.mark.parametrize(
    "harm",
    [
        "nft flush ruleset",
        "nft flush table inet kronos",
        "nft insert rule inet kronos input tcp dport 8888 accept",
        "nft delete table ip nat",
    ],
)
def test_what_others_break_is_repaired(host: Any, prober: Prober, plan: dict[str, Any], harm: str) -> None:
    before, containers = rules(host), host.check_output("docker ps --quiet | sort")
    host.check_output(harm)
    began = time.monotonic()
    until(lambda: rules(host) == before and "jump DOCKER" in host.run("nft list chain ip nat PREROUTING").stdout, 30)
    assert time.monotonic() - began < 30
    until(lambda: prober.tcp("internet", 4, [80, 443, 7001, 8888]) == {80, 443, 7001}, 30)
    assert host.check_output("docker ps --quiet | sort") == containers
    assert prober.tcp("internet", 4) == declared(plan, "internet", 4)


def test_marks_of_vlans_that_others_flush_are_repaired(host: Any, busy: None, plan: dict[str, Any]) -> None:
    """The lab's kernel has no VLANs, but their table, as the module vlan leaves it, is like any other."""
    host.check_output(f"cat > {MARKS} << 'END'\n{vlan_marks(plan)}END\nnft -f {MARKS}")
    shown = "nft list table inet kronos_marks"
    before = host.check_output(shown)
    assert "mark set" in before
    try:
        for harm in ("nft flush table inet kronos_marks", "nft delete table inet kronos_marks"):
            host.check_output(harm)
            until(lambda: host.run(shown).stdout.strip() == before, 30)
    finally:
        host.check_output(f"rm {MARKS} && nft delete table inet kronos_marks")


def test_a_second_run_does_nothing(first: Any) -> None:
    run = converge()
    assert (run.code, run.changed) == (0, []), run.output
    slow = converge(kronos_fast=False)
    assert (slow.code, slow.changed) == (0, []), slow.output


def test_drift_is_seen_by_the_one_call_check(host: Any, busy: None) -> None:
    host.check_output("systemctl stop kronos-firewall-guard && nft add rule inet kronos input tcp dport 8888 accept")
    predicted = converge("--check")
    assert predicted.changed == ["Open what is declared, and nothing else"] or "firewall" in str(predicted.changed)
    assert "8888" in rules(host)
    run = converge()
    assert run.code == 0, run.output
    assert "table inet kronos: edited" in run.output
    assert run.changed == predicted.changed
    assert "8888" not in rules(host)
    assert host.service("kronos-firewall-guard").is_running


def test_a_change_that_locks_out_is_undone(host: Any, busy: None) -> None:
    before = rules(host)
    run = play(LOCKOUT, variables={"seconds": 15})
    assert run.code != 0
    message = run.failures[-1]
    assert "no new connection came about after the change" in message
    assert message.endswith("The old state is back")
    assert "\n" not in message
    assert rules(host) == before
    assert "put back" in ended(host)


@pytest.mark.parametrize("seconds", [15])
def test_a_killed_run_is_undone(host: Any, busy: None, seconds: int) -> None:
    before = rules(host)
    run = start(LOCKOUT, variables={"seconds": seconds})
    until(lambda: host.run(f"test -e {RECORD}").rc == 0 or run.process.poll() is not None, 60)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    until(lambda: host.run(f"test -e {RECORD}").rc != 0, seconds + 30)
    assert rules(host) == before
    assert host.run("ls /etc/systemd/system/kronos-revert-firewall.timer").rc != 0


def test_a_reboot_before_the_confirmation_brings_the_old_state(host: Any, prober: Prober, plan: Any) -> None:
    """With another firewall, which the change has just replaced: it is at work again too."""
    before = rules(host)
    host.check_output("systemctl enable nftables")
    run = start(LOCKOUT, variables={"seconds": 900, "instead": True})
    until(lambda: re.search(r"proto-dst (\{ )?23\b", rules(host)), 60)
    assert not host.service("nftables").is_enabled
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    reboot()
    assert '"put back", "why": "reboot"' in ended(host)
    until(lambda: host.service("nftables").is_running, 30)
    assert host.service("nftables").is_enabled
    host.check_output("systemctl disable --now nftables")  # which flushes everything, as its start does
    until(lambda: rules(host) == before, 30)
    prober.ways_back()
    listen_again(host)
    until(lambda: prober.tcp("internet", 4, [7001, 443]) == {7001, 443}, 90)
    assert prober.tcp("internet", 4) == declared(plan, "internet", 4)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"kronos_ssh_port": 2222}, "kronos_ssh_port is 2222: nobody could log in any more"),
        ({"kronos_ssh_sources": ["203.0.113.0/24"]}, "in none of kronos_ssh_sources"),
        ({"firewall_input": ["nonsense"]}, "nft refuses the ruleset"),
    ],
)
def test_what_cannot_be_meant_is_refused(host: Any, busy: None, variables: dict[str, Any], said: str) -> None:
    before = rules(host)
    run = converge(kronos_fast=False, **variables)
    assert run.code != 0
    assert said in run.failures[-1]
    assert rules(host) == before


def test_another_firewall(host: Any, busy: None) -> None:
    host.check_output("systemctl enable nftables")
    refused = converge(kronos_fast=False)
    assert refused.code != 0
    assert refused.failures[-1].startswith("nftables is at work on this host")
    replaced = converge(kronos_fast=False, firewall_replace_others=True)
    assert replaced.code == 0, replaced.output
    assert not host.service("nftables").is_enabled


def test_switched_off_and_on_again(host: Any, prober: Prober, plan: dict[str, Any]) -> None:
    off = converge(kronos_fast=False, firewall_enabled=False)
    assert off.code == 0, off.output
    assert rules(host) == ""
    assert prober.tcp("internet", 4, [8888, 7777]) == {8888, 7777}
    on = converge(kronos_fast=False)
    assert on.code == 0, on.output
    assert prober.tcp("internet", 4) == declared(plan, "internet", 4)
