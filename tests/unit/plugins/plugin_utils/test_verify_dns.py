# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions and answers of DNS, and what verify says of them."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils import verify_network
from ansible_collections.kronos.homelab.plugins.plugin_utils.verify_checks import Check, dns_checks
from ansible_collections.kronos.homelab.plugins.plugin_utils.verify_dns import addresses, question
from hypothesis import given
from hypothesis import strategies as st

ASKED = question("a.home.example", 4, 7)


def answer(asked: bytes, *records: tuple[int, bytes], code: int = 0) -> bytes:
    """An answer to this question, with records of (kind, data) under a pointer to its name."""
    head = struct.pack("!6H", *struct.unpack("!H", asked[:2]), 0x8180 | code, 1, len(records), 0, 0)
    told = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data for kind, data in records)
    return head + asked[12:] + told


def test_question() -> None:
    assert ASKED == b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\x04home\x07example\0\0\x01\0\x01"
    assert question("a.home.example", 6, 7).endswith(b"\0\x1c\0\x01")


@pytest.mark.parametrize(
    ("packet", "version", "found"),
    [
        (answer(ASKED), 4, []),
        (answer(ASKED, (1, bytes([192, 0, 2, 1]))), 4, ["192.0.2.1"]),
        (answer(ASKED, (5, b"\x01b\0"), (1, bytes([192, 0, 2, 1])), (1, bytes(4))), 4, ["192.0.2.1", "0.0.0.0"]),
        (answer(ASKED, (28, bytes(15) + b"\1")), 6, ["::1"]),
        (answer(ASKED, (28, bytes(15) + b"\1")), 4, []),
    ],
)
def test_answer(packet: bytes, version: int, found: list[str]) -> None:
    assert addresses(packet, version, 7) == found


@pytest.mark.parametrize(
    ("packet", "number", "said"),
    [
        (answer(ASKED), 8, "another question"),
        (ASKED, 7, "another question"),
        (answer(ASKED, code=3), 7, "no such name"),
        (answer(ASKED, code=9), 7, "error 9"),
        (answer(ASKED, (1, bytes(4)))[:-6], 7, "cut off"),
        (b"", 7, "cut off"),
    ],
)
def test_no_answer(packet: bytes, number: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        addresses(packet, 4, number)


@given(packet=st.binary(max_size=80))
def test_whatever_comes_is_an_answer_or_a_plain_error(packet: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(addresses(packet, 4, 7), list)


def test_each_name_of_each_route_where_names_are_answered(plans: Any) -> None:
    routes = [plans.route("a", names=["a.home.example", "b.example"]), plans.route("b", names=["b.example"])]
    assert dns_checks(plans.plan(routes=routes), True) == []
    for at_home in (True, False):
        checks = dns_checks(plans.plan(plans.service("pihole"), routes=routes), at_home)
        assert [(check.kind, check.fqdn, check.port, check.guarded) for check in checks] == [
            ("dns", "a.home.example", 53, not at_home),
            ("dns", "b.example", 53, not at_home),
        ]


@pytest.mark.parametrize(
    ("address", "networks", "within"),
    [
        ("127.0.0.1", ["127.0.0.0/8"], True),
        ("127.0.0.1", ["192.0.2.0/24", "::1/128"], False),
        ("127.0.0.1", [], False),
        ("server.lan", ["0.0.0.0/0"], False),
    ],
)
def test_whether_we_look_from_the_home(address: str, networks: list[str], within: bool) -> None:
    assert verify_network.is_within(address, networks) is within


@contextlib.contextmanager
def server(says: Callable[[bytes], bytes]) -> Iterator[int]:
    """A server on loopback that answers one question; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def serve() -> None:
            asked, who = listening.recvfrom(512)
            listening.sendto(says(asked), who)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize(
    ("says", "ok", "detail"),
    [
        (lambda asked: answer(asked, (1, bytes([127, 0, 0, 1]))), True, "127.0.0.1"),
        (lambda asked: answer(asked, (1, bytes(4))), False, "0.0.0.0; wanted 127.0.0.1"),
        (answer, False, "no address; wanted 127.0.0.1"),
        (lambda asked: answer(asked, code=3), False, "no such name; wanted 127.0.0.1"),
    ],
)
def test_what_verify_says(says: Callable[[bytes], bytes], ok: bool, detail: str) -> None:
    with server(says) as port:
        (row,) = verify_network.run_checks(
            [Check("dns", "a", port, "a.home.example", guarded=True)], "127.0.0.1", "", ""
        )
    assert (row.ok, row.detail) == (ok, detail)


def test_whoever_need_not_be_answered_is_not_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_network, "SILENCE", 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        check = Check("dns", "a", silent.getsockname()[1], "a.home.example", guarded=True)
        (row,) = verify_network.run_checks([check], "127.0.0.1", "", "")
        (home,) = verify_network.run_checks([replace(check, guarded=False)], "127.0.0.1", "", "")
    assert (row.ok, row.detail) == (True, "does not answer from here, where it need not")
    assert (home.ok, home.detail) == (False, "does not answer")
