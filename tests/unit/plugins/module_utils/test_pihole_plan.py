# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change: exact and additive sections, rows that move, unknown keys, and what must hold for any of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_model import Wanted, wanted_of
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_plan import (
    alike,
    array_target,
    diff,
    plan,
    tree_of,
)
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_present import Present
from hypothesis import given
from hypothesis import strategies as st

DENY, ALLOW = ("deny", "exact", "ads.example"), ("allow", "exact", "ads.example")


def row(
    comment: str = "", enabled: bool = True, groups: tuple[str, ...] = ("Default",), name: str = ""
) -> dict[str, Any]:
    """A row as it stands."""
    return {"comment": comment, "enabled": enabled, "groups": groups, "name": name}


def present(**tables: Any) -> Present:
    """A Pi-hole that holds these rows."""
    names = ["Default", *(key[0] for key in tables.get("groups", {}))]
    return Present(tables=tables, numbers={name: number for number, name in enumerate(names)})


def steps(wanted: Wanted, now: Present, **made: Any) -> list[tuple[str, str, Any]]:
    """(section, what, source) of each step."""
    found = plan(wanted, now, made).steps
    return [
        (s.section, f"{'-' if s.after is None else '+' if s.before is None else '~'}{s.name}", s.source) for s in found
    ]


@pytest.mark.parametrize(
    ("wanted", "now", "made", "additive", "target"),
    [
        (["1 a"], ["1 a", "2 b"], [], False, ["1 a"]),
        (["1 a"], ["1 a", "2 b"], [], True, ["1 a", "2 b"]),
        (["1 a"], ["1 a", "2 b"], ["2 b"], True, ["1 a"]),
        (["2 a"], ["1 a", "2 b"], [], True, ["2 b", "2 a"]),  # what is named is ours
        (["1 a", "2 b"], ["2 B ", "1  a"], [], False, ["2 B ", "1  a"]),  # order and spelling mean nothing
        ([], ["1 a"], ["1 a"], True, []),
        ([], ["1 a"], [], True, ["1 a"]),
    ],
)
def test_lines_of_an_array(wanted: Any, now: Any, made: Any, additive: bool, target: Any) -> None:
    assert array_target("hosts", wanted, now, made, additive) == target


def test_only_servers_have_an_order() -> None:
    assert array_target("upstreams", ["1", "2"], ["2", "1"], [], False) == ["1", "2"]
    assert array_target("upstreams", ["1", "2"], ["2", "3"], [], True) == ["2", "3", "1"]


def test_rows_are_added_altered_removed_and_moved() -> None:
    wanted = wanted_of(
        {"domains": [{"domain": "ads.example", "type": "allow", "kind": "exact", "comment": "now fine"}]}
    )
    assert steps(wanted, present(domains={})) == [("domains", "+ads.example", None)]
    assert steps(wanted, present(domains={ALLOW: row()})) == [("domains", "~", None)]
    assert steps(wanted, present(domains={DENY: row()})) == [("domains", "~ads.example", DENY)]
    other = ("deny", "exact", "b.example")
    assert steps(wanted, present(domains={ALLOW: row("now fine"), other: row(name="b.example")})) == [
        ("domains", "-b.example", None)
    ]


def test_additive_tables_leave_what_others_made() -> None:
    wanted = wanted_of({"domains": [], "sections": {"domains": "additive"}})
    now = present(domains={DENY: row(name="ads.example")})
    assert steps(wanted, now) == []
    assert steps(wanted, now, domains=[[*DENY]]) == [("domains", "-ads.example", None)]


def test_what_is_made_is_remembered_and_what_stood_is_not() -> None:
    domains = [{"domain": name, "type": "deny", "kind": "exact"} for name in ("ads.example", "new.example")]
    wanted = wanted_of({"domains": domains, "upstreams": ["192.0.2.1"], "sections": {"domains": "additive"}})
    now = Present({"upstreams": ()}, {"domains": {DENY: row()}}, {"dns": {"upstreams": []}}, numbers={"Default": 0})
    change = plan(wanted, now, {})
    assert change.made == {"domains": [["deny", "exact", "new.example"]], "upstreams": [["192.0.2.1"]]}
    assert change.patch == {("dns", "upstreams"): ["192.0.2.1"]}
    assert change.restarts


def test_the_group_of_everybody_stays() -> None:
    wanted = wanted_of({"groups": []})
    assert steps(wanted, present(groups={("Default",): row(name="Default"), ("x",): row(name="x")})) == [
        ("groups", "-x", None)
    ]


def test_what_a_row_leaves_open_stays_as_it_is() -> None:
    wanted = wanted_of({"clients": [{"client": "192.0.2.3"}]})
    assert steps(wanted, present(clients={("192.0.2.3",): row("tablet", groups=("x",))})) == []


@pytest.mark.parametrize(
    ("rows", "owed", "unread", "due"),
    [
        ({}, False, (), True),  # the list is new
        ({("block", "http://x"): row()}, False, (), False),
        ({("block", "http://x"): row()}, True, (), True),  # a run was killed before its update
        ({("block", "http://x"): row()}, False, ("http://x",), True),
        ({("block", "http://x"): row()}, False, ("http://other",), False),
    ],
)
def test_lists_are_fetched_only_when_that_is_due(rows: Any, owed: bool, unread: tuple[str, ...], due: bool) -> None:
    wanted = wanted_of({"lists": [{"address": "http://x", "type": "block"}]})
    now = Present(tables={"lists": rows}, numbers={"Default": 0}, unread=unread)
    assert plan(wanted, now, {}, owed).gravity is due


@pytest.mark.parametrize(
    ("wish", "stands", "paused", "change"),
    [(True, True, False, None), (True, False, False, True), (True, False, True, None), (False, True, False, False)],
)
def test_a_pause_ends_by_itself(wish: bool, stands: bool, paused: bool, change: bool | None) -> None:
    now = Present(blocking=stands, paused=paused)
    assert plan(Wanted(blocking=wish), now, {}).blocking is change


CONFIG = {"dns": {"listeningMode": "ALL", "cache": {"size": 5}}, "webserver": {"key": "********"}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"dns": {"nonsense": 1, "cache": {"sise": 1}}}, "the unknown keys dns.cache.sise, dns.nonsense; wanted keys"),
        ({"dns": {"cache": 5}}, "the unknown keys dns.cache; wanted"),
        ({"webserver": {"key": "x"}}, "config.webserver.key: found a value that Pi-hole never shows"),
    ],
)
def test_keys_that_cannot_be(config: Any, message: str) -> None:
    with pytest.raises(KronosError, match=message):
        plan(wanted_of({"config": config}), Present(config=CONFIG), {})


def test_settings_are_one_patch() -> None:
    wanted = wanted_of({"config": {"dns": {"listeningMode": "all", "cache": {"size": 6}}}})
    change = plan(wanted, Present(config=CONFIG), {})
    assert tree_of(change.patch) == {"dns": {"cache": {"size": 6}}}
    assert diff(change) == [
        {
            "before_header": "pihole config",
            "after_header": "pihole config",
            "before": "dns.cache.size: 5\n",
            "after": "dns.cache.size: 6\n",
        }
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("all", "ALL", True), ("All", "all", False), (1, True, False), (5, 5, True), ("a", "a", True)],
)
def test_values_that_mean_the_same(one: Any, other: Any, same: bool) -> None:
    assert alike(one, other) is same


def test_an_unknown_group_is_told_before_anything_is_done() -> None:
    wanted = wanted_of({"clients": [{"client": "192.0.2.3", "groups": ["kids"]}]})
    with pytest.raises(KronosError, match=r"the unknown group 'kids' of 192.0.2.3; wanted one of Default"):
        plan(wanted, present(clients={}), {})
    gone = wanted_of({"groups": [], "clients": [{"client": "192.0.2.3", "groups": ["kids"]}]})
    with pytest.raises(KronosError, match="unknown group 'kids'"):  # the same run would remove it
        plan(gone, present(clients={}, groups={("kids",): row(name="kids")}), {})


LINES = st.lists(st.sampled_from(["1 a", "2 a", "1 b", "3 c", "::1 a"]), unique=True)


@given(LINES, LINES, LINES, st.booleans())
def test_a_second_look_finds_nothing_to_do(wanted: list[str], now: list[str], made: list[str], additive: bool) -> None:
    target = array_target("hosts", wanted, now, made, additive)
    assert set(wanted) <= set(target)
    left = [line for line in made if line in wanted]
    assert array_target("hosts", wanted, target, left, additive) == target
    if not additive:
        assert set(target) == set(wanted)
