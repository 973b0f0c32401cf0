# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is refused too often, and who is never banned."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import bans

RULES = bans.Rules(
    3, 60, 600, tuple(ipaddress.ip_network(n) for n in ("192.0.2.0/24", "2001:db8:1::/48", "10.0.0.7/32"))
)


def line(client: str = "198.51.100.7:5000", status: Any = 403, **said: Any) -> str:
    return json.dumps({"ClientAddr": client, "DownstreamStatus": status, "RouterName": "a@file", **said})


@pytest.mark.parametrize(
    ("text", "client"),
    [
        (line(), "198.51.100.7"),
        (line(status=401), "198.51.100.7"),
        (line(ClientHost="203.0.113.9"), "198.51.100.7"),
        (line("[2001:db8::1]:44"), "2001:db8::1"),
        (line("[::ffff:198.51.100.9]:44"), "198.51.100.9"),
        (line("[fe80::1%eth0]:44"), "fe80::1"),
        (line(status=429), None),
        (line(status=404), None),
        (line(status="403"), None),
        (line(""), None),
        (line("nobody:1"), None),
        ("no json", None),
        ('["DownstreamStatus"]', None),
        ("7", None),
        ('{"level":"info"}', None),
    ],
)
def test_lines(text: str, client: str | None) -> None:
    found = bans.read_refusal(text)
    assert (found.client if found else None) == client


def entry(message: Any, part: str = "", more: bool = False) -> str:
    """An entry of the journal, as ``journalctl --output=json`` prints it."""
    said = {"MESSAGE": message, "__CURSOR": "s=1", **({"CONTAINER_PARTIAL_ID": part} if part else {})}
    return json.dumps({**said, **({"CONTAINER_PARTIAL_MESSAGE": "true"} if more else {})}) + "\n"


@pytest.mark.parametrize(
    ("entries", "lines"),
    [
        ([entry("one"), entry("two")], ["one", "two"]),
        ([entry("a", "x", True), entry("b", "x", True), entry("c", "x")], ["abc"]),
        # of two outputs at once, and a line of its own in between
        (
            [entry("a", "x", True), entry("1", "y", True), entry("n"), entry("2", "y"), entry("b", "x")],
            ["n", "12", "ab"],
        ),
        # cut within a sign
        ([entry([0xC3], "x", True), entry([0xA9], "x")], ["é"]),
        ([entry([0x7B, 0xFF])], ["{\ufffd"]),
        ([entry(None), "no json\n", "7\n", entry("on")], ["", "on"]),
        # the beginning was never seen: what is left is no line that counts
        ([entry('":403}', "x")], ['":403}']),
    ],
)
def test_lines_are_put_together(entries: list[str], lines: list[str]) -> None:
    assert list(bans.whole_lines(entries)) == lines


def test_lines_without_an_end_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bans, "LONGEST_LINE", 10)
    monkeypatch.setattr(bans, "MOST_PARTS", 2)
    endless = [entry("a" * 8, "x", True)] * 5
    assert list(bans.whole_lines([*endless, entry("!", "x")])) == ["aaaaaaaa!"]
    many = [entry(name, name, True) for name in "abc"]
    assert list(bans.whole_lines([*many, *(entry("!", name) for name in "abc")])) == ["!", "b!", "c!"]


def test_a_long_request_counts_like_a_short_one() -> None:
    text = line(RequestPath="/" + "x" * 40000)
    cut = [entry(text[:16384], "x", True), entry(text[16384:32768], "x", True), entry(text[32768:], "x")]
    assert [key for key, _last in bans.watch(bans.whole_lines(cut * 3), RULES)] == ["198.51.100.7"]


def test_counting_within_a_window() -> None:
    counter = bans.Counter(RULES)
    assert [counter.add("a", now) for now in (0, 30, 61, 80, 90)] == [False, False, False, True, False]
    assert [counter.add("b", now) for now in (0, 1, 2)] == [False, False, True]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bans, "MOST_CLIENTS", 3)
    counter = bans.Counter(RULES)
    for number in range(10):
        counter.add(str(number), 0)
    assert list(counter.seen) == ["7", "8", "9"]


@pytest.mark.parametrize(
    ("client", "spared"),
    [
        ("192.0.2.9", True),
        ("198.51.100.7", False),
        ("10.0.0.7", True),
        ("10.0.0.8", False),
        ("2001:db8:1:2::3", True),
        ("2001:db8:2::1", False),
    ],
)
def test_who_is_never_banned(client: str, spared: bool) -> None:
    assert bans.is_spared(client, RULES.never) is spared


def test_a_network_of_ipv6_that_holds_somebody_trusted_is_spared() -> None:
    assert bans.is_spared("2001:db8:9::bad", [ipaddress.ip_network("2001:db8:9::1/128")])


def test_watching() -> None:
    lines = [line(f"[2001:db8:5::{n}]:1") for n in range(1, 4)] + [line("192.0.2.5:1")] * 9 + [line(status=200)] * 9
    found = list(bans.watch(lines, RULES))
    assert [key for key, _last in found] == ["2001:db8:5::"]


def test_what_the_firewall_is_told() -> None:
    text = bans.ban_text("198.51.100.7", RULES)
    assert text.endswith("add element inet kronos_bans banned4 { 198.51.100.7 timeout 600s }\n")
    assert "banned6 { 2001:db8:5:: timeout 600s }" in bans.ban_text(bans.key_of("2001:db8:5::1"), RULES)


def test_ssh_and_the_vpn_stay_open_to_those_who_are_banned() -> None:
    said = {"failures": 2, "within": 5, "ban": 9, "never": []}
    ways = [{"protocol": "tcp", "port": 2222}, {"protocol": "udp", "port": 51820}]
    lines = bans.table_text(bans.read_rules(json.dumps({**said, "open": ways}))).splitlines()
    drops = [index for index, text in enumerate(lines) if text.endswith("drop")]
    opened = [
        lines.index(f"add rule inet kronos_bans arriving {way} accept") for way in ("tcp dport 2222", "udp dport 51820")
    ]
    assert len(drops) == 2
    assert max(opened) < min(drops)


def test_clients_behind_a_bridge_are_not_told_apart() -> None:
    shown = [
        {"ifname": "kr-default", "addr_info": [{"local": "172.18.0.1", "prefixlen": 16}]},
        {"ifname": "eth0", "addr_info": [{"local": "198.51.100.2", "prefixlen": 24}]},
    ]
    assert bans.bridges(json.dumps(shown)) == [ipaddress.ip_network("172.18.0.0/16")]
    assert bans.bridges("") == []


def test_the_configuration() -> None:
    rules = bans.read_rules(json.dumps({"failures": 3, "within": 60, "ban": 9, "never": ["192.0.2.0/24"]}))
    assert (rules.failures, rules.within, rules.ban) == (3, 60, 9)
    assert bans.is_spared("127.0.0.1", rules.never)


def test_what_is_said_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bans.say("banned \x1b[2J\n" + "x" * 900)
    said = capsys.readouterr().out
    assert said.startswith("banned ?[2J?xxx")
    assert len(said) == 401
