# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VLAN between two guests: made, tagged, answered through, and undone where it cuts the host off."""

from __future__ import annotations

import json
import signal
import socket
from typing import Any

import labtest
import pytest
from guesttest import LOCKOUT, VARIABLES, ask, lab, site

FAR = "203.0.113.99"


def network(host: Any) -> dict[str, str]:
    """Everything about the network that a change which is undone must leave as it was, files included."""
    files = (
        "$(find /etc/systemd/network /etc/network /etc/netplan /etc/kronos/vlan-marks.nft -type f 2>/dev/null | sort)"
    )
    return {
        "rules": host.check_output("ip -4 rule"),
        "routes": host.check_output("ip -4 route show table all | grep -v '^local\\|^broadcast'"),
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


def frames(nas: Any, words: str) -> str:
    """What the router saw since the last call, of what matches *words*."""
    return str(nas.check_output(f"sleep 1; tcpdump -enr /tmp/frames {words} 2>/dev/null"))


@pytest.fixture
def seen(nas: Any) -> Any:
    """All frames of eth0 are written down while a test runs."""
    nas.check_output(
        "rm -f /tmp/frames; systemd-run --quiet --unit=frames tcpdump -i eth0 -U -w /tmp/frames not port 2049 and "
        "until=0; for i in 1 2 3 4 5 6 7 8 9; do [ -s /tmp/frames ] && break; sleep 1; done"
    )
    yield lambda words: frames(nas, words)
    nas.check_output("systemctl stop frames")


def test_the_run_left_what_was_wanted_and_another_changes_nothing(host: Any) -> None:
    assert labtest.record(0).changed != []
    before = network(host)
    run = site(kronos_fast=False)
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


def test_a_container_of_the_zone_sends_tagged_frames_and_no_other(host: Any, seen: Any) -> None:
    assert host.check_output(f"docker exec keeper wget -qO - http://{FAR}:8000/") == "far away"
    assert "vlan 30" in seen(f"vlan 30 and src 10.30.0.2 and dst {FAR}")
    assert "vlan 30" in seen(f"vlan 30 and src {FAR} and dst 10.30.0.2")
    assert seen(f"not vlan and host {FAR}") == ""


@pytest.mark.parametrize(
    ("source", "to", "tagged"),
    [("untagged", "untagged", False), ("10.30.0.1", "10.30.0.2", True), (FAR, "10.30.0.2", True)],
    ids=["on the untagged link", "on the VLAN", "behind the VLAN's router"],
)
def test_a_published_port_answers_the_way_that_was_asked(
    host: Any, nas: Any, seen: Any, source: str, to: str, tagged: bool
) -> None:
    own = {"untagged": nas.check_output("ip -o -4 address show dev eth0 | grep -o '10.98.0.[0-9]*' | head -n 1")}
    at = {"untagged": labtest.address()}
    source, to = own.get(source, source), at.get(to, to)
    assert nas.check_output(f"curl -s -m 20 --interface {source} http://{to}:8080/") == "keeper"
    words = f"src {to} and dst {source} and tcp src port 8080"
    assert ("vlan 30" in seen(f"vlan 30 and {words}")) == tagged
    assert (seen(f"not vlan and {words}") == "") == tagged


def test_a_change_that_cuts_the_connection_is_undone(host: Any) -> None:
    before = network(host)
    run = labtest.play(LOCKOUT, variables={**VARIABLES, "seconds": 15})
    assert run.code != 0
    message = run.failures[-1]
    assert "no new connection came about after the change" in message
    assert message.endswith("The old state is back")
    assert network(host) == before
    assert json.loads(ended(host))["why"] == "timeout"


def test_a_reset_before_the_confirmation_brings_the_old_state(host: Any) -> None:
    before = network(host)
    run = labtest.start(LOCKOUT, variables={**VARIABLES, "seconds": 900})
    labtest.until(lambda: not reachable() or run.process.poll() is not None, 120, "the change cuts us off")
    assert run.process.poll() is None
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    lab("reboot", "--hard", "guest")
    assert json.loads(ended(host))["why"] == "reboot"
    assert network(host) == before
    assert ask("vlan_info")["vlans"]["kr30"]["gateways"] == {"10.30.0.1": True}
    run = site(kronos_fast=False)
    assert (run.code, run.changed) == (0, []), run.output
