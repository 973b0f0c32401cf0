# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With IPv6 on, what is published is reached over both versions, by those to whom it is declared."""

from __future__ import annotations

from typing import Any

import pytest
from labtest import FULL, Run
from probing.home import VARIABLES, converge, datagrams_arrive_as_declared, listen_inside
from probing.prober import WAYS, Prober, declared, plan_of

INTERESTING = [22, 80, 443, 7001, 7002, 7003, 7004, 7010, 7012, 7777, 7778, 8888]


@pytest.fixture(scope="module")
def plan_six() -> dict[str, Any]:
    """What the host is to be with IPv6."""
    return plan_of({**VARIABLES, "kronos_ipv6": True})


@pytest.fixture(scope="module")
def six(host: Any, prober: Prober) -> Run:
    """The run that switches it on; the prober needs its ways again where the engine was restarted."""
    run = converge(kronos_ipv6=True)
    assert run.code == 0, run.output
    prober.ways_back()
    listen_inside(host)
    return run


def test_the_table_says_so(plan_six: dict[str, Any]) -> None:
    assert declared(plan_six, "internet", 6) == {22, 80, 443, 7001, 7012}
    assert declared(plan_six, "lan", 6) == {22, 80, 443, 7001, 7002, 7010, 7012}
    assert declared(plan_six, "lan", 6, "udp") == {7005, 7006}


@pytest.mark.parametrize(("source", "family"), WAYS)
def test_every_port_that_something_listens_on(
    six: Run, prober: Prober, plan_six: dict[str, Any], source: str, family: int
) -> None:
    ports = range(1, 65536) if family == 6 else INTERESTING
    assert prober.tcp(source, family, ports) == declared(plan_six, source, family)


def test_datagrams(six: Run, host: Any, prober: Prober, plan_six: dict[str, Any]) -> None:
    datagrams_arrive_as_declared(host, prober, plan_six)


def test_a_service_sees_its_client_and_not_a_proxy(six: Run, host: Any) -> None:
    """Docker translates IPv6 too, else everybody would come from the address of the bridge."""
    assert "--dport 7001 -j DNAT" in host.check_output("ip6tables -t nat -S DOCKER")


@pytest.mark.skipif(not FULL, reason="long: make test-full runs it")
def test_a_second_run_does_nothing(six: Run) -> None:
    run = converge(kronos_fast=False, kronos_ipv6=True)
    assert (run.code, run.changed) == (0, []), run.output
