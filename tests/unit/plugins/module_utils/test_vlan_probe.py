# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The question to a router, as frames, and a link that cannot be asked."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import vlan_probe

MAC = bytes.fromhex("0200000000aa")
REQUEST = (
    "ffffffffffff 0200000000aa 0806"  # to everybody, from us, ARP
    "0001 0800 06 04 0001 0200000000aa 00000000 000000000000 0a1e0001"
)
ANSWER = "0200000000aa 0200000000bb 0806 0001 0800 06 04 0002 0200000000bb 0a1e0001 0200000000aa 00000000"


def test_the_request_claims_no_address() -> None:
    assert vlan_probe.arp_request(MAC, "10.30.0.1").hex() == REQUEST.replace(" ", "")


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (ANSWER, True),
        (ANSWER + "00" * 18, True),  # filled up to the shortest frame
        (ANSWER.replace("0a1e0001", "0a1e0009"), False),
        (ANSWER.replace("04 0002", "04 0001"), False),
        (ANSWER[:60], False),
        ("", False),
    ],
)
def test_only_a_reply_of_the_router_counts(frame: str, answer: bool) -> None:
    assert vlan_probe.is_answer(bytes.fromhex(frame.replace(" ", "")), "10.30.0.1") is answer


@pytest.mark.parametrize("address", ["10.30.0.1", "fd30::1"])
def test_a_link_that_is_not_there_answers_nothing(address: str) -> None:
    assert vlan_probe.answers("kr4094", address) is False
