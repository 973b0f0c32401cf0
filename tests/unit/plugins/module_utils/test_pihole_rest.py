# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions and requests: given back, waited for, retried, and one clear line where nothing helps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_rest import Client, Refused, Waits, log_in, session
from ansible_collections.kronos.homelab.tests.unit.fakes.pihole_host import PASSWORD, free_port, running


@pytest.fixture
def pihole(tmp_path: Path) -> Iterator[Any]:
    """A Pi-hole of the lab's kind."""
    with running(tmp_path) as api:
        yield api


def client(api: Any, **waits: Any) -> Client:
    """A client of it, that waits for nothing."""
    return Client(api.url, Waits(**{"seats": 0.0, **waits}))


def test_a_session_is_given_back_also_after_an_error(pihole: Any) -> None:
    with session(client(pihole), PASSWORD) as open_one:
        assert len(pihole.sessions) == 1
        assert open_one.ask("GET", "info/version")["version"]
    assert pihole.sessions == {}
    with pytest.raises(Refused), session(client(pihole), PASSWORD) as open_one:
        open_one.ask("POST", "lists", {"address": "http://x"})
    assert pihole.sessions == {}


def test_a_session_that_is_over_already_is_fine(pihole: Any) -> None:
    with session(client(pihole), PASSWORD):
        pihole.sessions.clear()


def test_without_a_password_there_is_no_session(tmp_path: Path) -> None:
    with running(tmp_path, password="") as api, session(client(api), "") as open_one:
        assert open_one.sid == ""
        assert open_one.ask("GET", "groups")["groups"]


def test_a_wrong_password_is_tried_once(pihole: Any) -> None:
    with pytest.raises(KronosError, match=r"^Pi-hole at \S+ refuses the password that its secret holds$"):
        log_in(client(pihole, seats=60.0), "wrong")
    assert len(pihole.bad) == 1


@pytest.mark.parametrize(
    ("fill", "said"),
    [("sessions", "all sessions of Pi-hole's API are taken"), ("bad", "too many failed logins")],
)
def test_full_seats_and_many_failures_are_waited_for_then_told(pihole: Any, fill: str, said: str) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)

    if fill == "sessions":
        pihole.sessions.update({str(number): {"until": 1e12, "app": False} for number in range(16)})
    else:
        pihole.bad = [1e12] * 5
    with pytest.raises(KronosError, match=said):
        log_in(Client(pihole.url, Waits(seats=20, clock=lambda: sum(pauses), sleep=sleep)), PASSWORD)
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert sum(pauses) <= 20

    def leave(seconds: float) -> None:
        pihole.sessions.clear()
        pihole.bad = []

    assert log_in(Client(pihole.url, Waits(seats=20, sleep=leave)), PASSWORD)


def test_refused_connections_are_retried_within_a_bound(pihole: Any) -> None:
    with session(client(pihole), PASSWORD) as open_one:
        pihole.restart()
        threading.Event().wait(0.4)  # it has gone
        assert open_one.ask("GET", "groups")["groups"][0]["name"] == "Default"
    now = iter(range(1000))
    gone = Client(f"http://127.0.0.1:{free_port()}", Waits(clock=lambda: float(next(now)), sleep=lambda _seconds: None))
    with pytest.raises(KronosError, match=r"does not answer within 30 s: .*refused"):
        gone.request("GET", "info/login")


def test_an_answer_that_says_no_is_one_line(pihole: Any) -> None:
    with session(client(pihole), PASSWORD) as open_one, pytest.raises(Refused) as caught:
        open_one.ask("PATCH", "config", {"config": {"dns": {"dnssec": "often"}}})
    assert (caught.value.status, caught.value.key) == (400, "bad_request")
    assert str(caught.value) == (
        "Pi-hole refuses PATCH /api/config: Config item is invalid (dns.dnssec: not of type bool)"
    )
