# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VLAN between two guests: made, tagged, answered through, and undone where it cuts the host off."""

from __future__ import annotations

import json
import re
import signal
import socket
from typing import Any

import labtest
from guesttest import LOCKOUT, VARIABLES, ask, converge, hidden, lab, lines, state, vlans

FAR = "203.0.113.99"


def network(host: Any) -> dict[str, str]:
    """Everything about the network that a change which is undone must leave as it was, files included."""
    files = (
        "$(find /etc/systemd/network /etc/network /etc/netplan /etc/kronos/vlan-marks.nft -type f 2>/dev/null | sort)"
    )
    return {
        "rules": host.check_output("ip -4 rule | sort"),
        "routes": host.check_output("(ip -4 route show dev kr30; ip -4 route show table 10030) | sort"),
        "vlans": host.check_output("ip -o -d link show type vlan | grep -o 'kr[0-9]*@eth0.*vlan protocol.* id [0-9]*'"),
        "marks": host.check_output("nft list table inet kronos_marks"),
        "files": host.check_output(f"sha256sum {files}"),
    }


def ended(host: Any) -> str:
    """How the last change ended, as the host notes it."""
    return str(host.check_output("cat /var/lib/kronos/pending/vlan.ended"))


def reachable() -> bool:
    """Whether a new connection comes about."""
    try:
        socket.create_connection((labtest.address(), 22), 3).close()
    except OSError:
        return False
    return True


def frames(nas: Any) -> set[tuple[bool, str, str]]:
    """Who sent to whom since the capture began, and whether with the tag of the VLAN."""
    lines = nas.check_output("cat /tmp/frames")
    found = re.findall(r"^(.*) ([0-9.]+)\.\d+ > ([0-9.]+)\.\d+: Flags", lines, re.MULTILINE)
    return {("vlan 30" in head, source, to) for head, source, to in found}


def test_the_run_left_what_was_wanted_and_another_changes_nothing(host: Any) -> None:
    before = network(host)
    run = converge() if labtest.FULL else vlans()
    assert (run.code, run.changed) == (0, []), run.output
    assert network(host) == before


def test_link_addresses_and_gateway_are_told() -> None:
    found = ask("vlan_info")
    assert found["manager"] == {"eth0": "networkd"}
    assert found["vlans"] == {
        "kr30": {
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
    }


def test_the_zone_is_tagged_both_ways_and_published_ports_answer_the_way_that_was_asked(host: Any, nas: Any) -> None:
    ports = "(tcp port 8000 or tcp port 8080)"
    nas.check_output(
        "systemd-run --quiet --unit=frames -p StandardOutput=file:/tmp/frames -p StandardError=inherit "
        f"tcpdump -i eth0 -enl '{ports} or (vlan 30 and {ports})'; "
        "until grep -q listening /tmp/frames; do sleep 1; done"
    )
    assert host.check_output(f"docker exec keeper wget -qO - http://{FAR}:8000/") == "far away"
    untagged, own = labtest.host_variables()["lab_guests"]["guest-nas"], labtest.address()
    asked = [(untagged, own), ("10.30.0.1", "10.30.0.2"), (FAR, "10.30.0.2")]
    curls = "; ".join(f"curl -s -m 20 --interface {source} http://{to}:8080/" for source, to in asked)
    assert nas.check_output(curls).split() == ["keeper"] * 3
    nas.check_output("sleep 1; systemctl stop frames")
    wanted = {(source, to, source != untagged) for source, to in asked} | {("10.30.0.2", FAR, True)}
    wanted |= {(to, source, tagged) for source, to, tagged in wanted}
    assert {(source, to, tagged) for tagged, source, to in frames(nas)} == wanted


def test_a_change_that_cuts_the_connection_is_undone(host: Any) -> None:
    before = network(host)
    run = labtest.play(LOCKOUT, variables={**VARIABLES, "seconds": 15})
    assert run.code != 0
    # the connection of the run itself is cut too: it hears of its end only afterwards
    assert run.failures[-1].startswith("vlan: ")
    assert run.failures[-1].endswith("The old state is back")
    assert network(host) == before
    assert json.loads(ended(host))["why"] == "timeout"


def test_a_power_cut_within_an_unconfirmed_change_while_the_file_server_is_away(host: Any, nas: Any) -> None:
    before = network(host)
    run = labtest.start(LOCKOUT, variables={**VARIABLES, "seconds": 900})
    labtest.until(lambda: not reachable() or run.process.poll() is not None, 120, "the change cuts us off")
    assert run.process.poll() is None
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    nas.check_output("systemctl stop nfs-server")
    lab("reboot", "--hard", "guest")

    assert json.loads(ended(host))["why"] == "reboot"
    assert network(host) == before
    found = ask("vlan_info")["vlans"]["kr30"]
    assert (found["gateways"], found["differences"]) == ({"10.30.0.1": True}, [])

    labtest.until(lambda: state(host, "bystander") == "running", 120, "what needs no share is there")
    assert not host.mount_point("/mnt/films").exists
    assert state(host, "keeper") == "exited"
    assert hidden(host) == ""
    nas.check_output("systemctl start nfs-server")
    labtest.until(lambda: state(host, "keeper") == "running", 240, "the service is back")
    begun = lines(nas)
    labtest.until(lambda: lines(nas) > begun, 60, "it writes again")
    assert hidden(host) == ""
