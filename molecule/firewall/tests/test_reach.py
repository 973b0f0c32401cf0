# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reality is the reach table: nothing more, nothing less, whatever Docker does meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from labtest import Run, until
from probing.home import datagrams_arrive_as_declared, listen_inside
from probing.prober import SOURCES, STRANGERS, WAYS, Prober, declared

EVERYTHING = range(1, 65536)
# Where something listens on the host, declared or not.
INTERESTING = [22, 80, 443, 7001, 7002, 7003, 7004, 7010, 7012, 7777, 7778, 8888]


def test_the_first_run_says_what_it_does(first: Run) -> None:
    assert first.code == 0, first.output
    order = [task["action"] for task in first.tasks if task["action"].startswith("kronos.homelab.")]
    assert order.index("kronos.homelab.firewall") < order.index("kronos.homelab.docker_daemon")


@pytest.mark.parametrize(("source", "family"), WAYS)
def test_every_port_from_everywhere(prober: Prober, plan: dict[str, Any], source: str, family: int) -> None:
    assert prober.tcp(source, family) == declared(plan, source, family)


def test_the_table_is_no_empty_one(plan: dict[str, Any]) -> None:
    assert declared(plan, "internet", 4) == {22, 80, 443, 7001, 7012}
    assert declared(plan, "internet", 6) == {22, 7012}
    assert declared(plan, "lan", 4) == {22, 80, 443, 7001, 7002, 7010, 7012}
    assert declared(plan, "vpn", 4) == {22, 80, 443, 7001, 7002, 7003, 7010, 7012}
    assert declared(plan, "zone iot", 4) == {22, 80, 443, 7001, 7004, 7012}
    assert declared(plan, "containers in default", 4) == {80, 443, 7001, 7012}
    assert declared(plan, "containers in iot", 4) == {7012}  # what others publish is on another bridge


def test_datagrams(host: Any, prober: Prober, plan: dict[str, Any]) -> None:
    datagrams_arrive_as_declared(host, prober, plan)


# As in the role's defaults: what begins at once, and what each second adds.
LIMITS = {"ssh": (22, 60, 0.5, 150), "web": (443, 200, 100, 2000)}


@pytest.mark.parametrize("what", LIMITS)
def test_strangers_are_slowed_down_and_home_is_not(prober: Prober, what: str) -> None:
    port, burst, each_second, count = LIMITS[what]
    answered, seconds = prober.burst(STRANGERS[what], port, count)
    assert burst <= answered <= burst + each_second * (seconds + 1) < count
    assert prober.burst(SOURCES["lan"][4], port, count)[0] == count


def refused(host: Any) -> list[int]:
    """Return the counters of the chain that refuses: chatter, what was logged, everything."""
    found = json.loads(host.check_output("nft --json list chain inet kronos refused"))["nftables"]
    counted = [
        part["counter"]["packets"] for one in found for part in one.get("rule", {}).get("expr", ()) if "counter" in part
    ]
    assert len(counted) == 3
    return counted


def test_what_is_refused_is_counted_and_fills_no_log(host: Any, prober: Prober) -> None:
    _chatter, logged, dropped = refused(host)
    answered, seconds = prober.burst(STRANGERS["refused"], 8888, 500)
    _chatter, logged_then, dropped_then = refused(host)
    assert answered == 0
    assert dropped_then - dropped >= 500
    assert logged_then >= 20  # of this one, or of the scans before it
    assert logged_then - logged <= 20 + (seconds + 5) / 6


def test_straight_to_a_container(host: Any, prober: Prober) -> None:
    """A neighbour that routes to the containers' subnet through the host reaches none of their ports."""
    found = host.check_output(
        "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' hello stranger"
    ).split()
    for target in found:
        prober.run("ip", "route", "replace", f"{target}/32", "via", prober.target(4))
        for source in ("internet", "lan"):
            assert prober.tcp(source, 4, [80, 443, 7001, 7002, 7777, 8080], target) == set()


CONNECT = """import socket, sys
for port in map(int, sys.argv[2:]):
    try:
        socket.create_connection((sys.argv[1], port), 1.5).close()
        print(port)
    except OSError:
        pass
"""


def test_containers_and_the_host(host: Any, prober: Prober, plan: dict[str, Any]) -> None:
    """Our containers reach at the host what the table says; the world outside stays reachable."""
    ports = " ".join(str(port) for port in INTERESTING)
    for container, zone in (("hello", "default"), ("neighbour", "iot")):
        for target in (prober.target(4), "172.17.0.1"):
            found = host.check_output(f"docker exec {container} python3 -c '{CONNECT}' {target} {ports}")
            assert {int(line) for line in found.split()} == declared(plan, f"containers in {zone}", 4), (zone, target)
    way_out = host.check_output(f"docker exec hello python3 -c '{CONNECT}' registry.kronos-lab 5000")
    assert way_out.split() == ["5000"]


@pytest.mark.parametrize(
    "event",
    [
        "systemctl restart docker",
        "docker compose --project-name kronos-own --file /opt/kronos/stacks/own/compose.yml up --detach",
        "docker restart stranger hello",
    ],
)
def test_nothing_opens_when_docker_moves(host: Any, prober: Prober, plan: dict[str, Any], event: str) -> None:
    host.check_output(event)
    until(lambda: 7001 in prober.tcp("internet", 4, [7001]), 60)
    for source, family in WAYS:
        ports = EVERYTHING if source == "internet" else INTERESTING
        assert prober.tcp(source, family, ports) == declared(plan, source, family), (source, family)
    listen_inside(host)  # a container that was made anew or started again has lost its listener
    datagrams_arrive_as_declared(host, prober, plan)
