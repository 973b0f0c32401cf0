# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client asks a route every 50 ms while its service is updated; times are printed, never asserted."""

from __future__ import annotations

import http.client
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

import labtest
import pytest
import sampler

ROUNDS = 8 if labtest.FULL else 3
NEWER = {"hello": {"image": "docker.io/kronos/echo:1.1"}}
# kind of update, its change, and whether the container that serves is touched at all
BAD: list[tuple[str, dict[str, Any], bool]] = [
    ("never healthy", {"image": "docker.io/kronos/echo:sick"}, True),
    ("exits", {"image": "docker.io/kronos/echo:exits"}, True),
    ("no such image", {"image": "docker.io/kronos/echo:9.9"}, False),
    ("compose refuses", {"compose": {"shm_size": "much"}}, False),
]
REPORT: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def _told(request: pytest.FixtureRequest) -> Iterator[None]:
    """Show what was measured, after the last test; what is captured would be shown only where a test fails."""
    yield
    plugins = request.config.pluginmanager
    terminal = plugins.get_plugin("terminalreporter")
    with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
        terminal.ensure_newline()
        for line in REPORT:
            terminal.write_line(line)


def report(kind: str, found: list[sampler.Samples]) -> None:
    outages = [samples.outage for samples in found]
    slowest = max(samples.slowest for samples in found)
    REPORT.append(
        f"{kind}: requests failed for {statistics.median(outages):.2f} s (median), {max(outages):.2f} s (worst); "
        f"{sum(samples.failed for samples in found)} of {sum(len(samples.seen) for samples in found)} failed, "
        f"slowest good one {slowest:.2f} s ({len(found)} rounds)"
    )


def test_good_updates() -> None:
    assert labtest.site().code == 0, "begin with the old version"
    found = []
    for number in range(ROUNDS):
        wanted = {"kronos_services_zz": NEWER} if number % 2 == 0 else {}
        with sampler.watching("hello") as samples:
            run = labtest.site(**wanted)
        assert run.actions() == {"hello": "recreated"}, run.output
        assert len(samples.seen) > 50
        found.append(samples)
    report("good update", found)
    assert labtest.site().code == 0


@pytest.mark.parametrize(("kind", "change", "touched"), BAD, ids=[one[0] for one in BAD])
def test_bad_updates(host: Any, kind: str, change: dict[str, Any], touched: bool) -> None:
    found = []
    for _round in range(2 if labtest.FULL else 1):
        before = labtest.inspect(host, ["hello"])["hello"]
        with sampler.watching("hello") as samples:
            run = labtest.site(kronos_services_zz={"hello": change}, kronos_health_timeout=10)
        assert run.code != 0
        found.append(samples)
        assert samples.seen[-1].good, "the old version serves again before the run ends"
        if not touched:
            assert samples.failed == 0
            assert labtest.inspect(host, ["hello"])["hello"]["State"]["StartedAt"] == before["State"]["StartedAt"]
    report(kind, found)


def send(method: str) -> tuple[int, float]:
    """Send one request to hello; returns status and seconds."""
    began = time.monotonic()
    return labtest.fetch("hello", method=method).status, time.monotonic() - began


def test_a_request_waits_for_its_service(host: Any) -> None:
    host.check_output("docker stop -t 1 hello")
    try:
        back = threading.Timer(1.5, lambda: host.check_output("docker start hello"))
        back.start()
        status, took = send("GET")
        back.join()
        assert status == http.client.OK
        assert took > 1.4
    finally:
        host.check_output("docker start hello")
    labtest.until(lambda: labtest.answers("hello"), 20)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_service_that_is_gone_is_said_to_be_gone(host: Any, method: str) -> None:
    host.check_output("docker stop -t 1 hello")
    try:
        status, took = send(method)
        # nobody has its address while it is down, so nobody refuses: the proxy waited in vain
        assert status == http.client.GATEWAY_TIMEOUT
        REPORT.append(f"a service that is down: {method}, the client hears so after {took:.1f} s")
    finally:
        host.check_output("docker start hello")
    labtest.until(lambda: labtest.answers("hello"), 20)
