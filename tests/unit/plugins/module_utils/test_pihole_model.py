# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wish in plain words: one spelling for each thing, and one line for each mistake."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_model import check_groups, leaves, wanted_of


@pytest.mark.parametrize(
    ("section", "given", "lines"),
    [
        ("hosts", {"address": "192.0.2.1", "names": ["A.example", "b.example"]}, "192.0.2.1 a.example b.example"),
        ("hosts", {"address": "2001:DB8::1", "names": ["a.example"]}, "2001:db8::1 a.example"),
        ("cnames", {"alias": "W.example", "target": "a.example"}, "w.example,a.example"),
        ("cnames", {"alias": "w.example", "target": "a.example", "ttl": 60}, "w.example,a.example,60"),
        ("upstreams", "9.9.9.9#53", "9.9.9.9#53"),
        ("dnsmasq_lines", " local=/App.example/ ", "local=/App.example/"),
        ("conditional", {"network": "192.168.1.0/24", "server": "192.168.1.1"}, "true,192.168.1.0/24,192.168.1.1"),
        (
            "conditional",
            {"network": "192.168.1.7/24", "server": "192.168.1.1#54", "domain": "Fritz.box", "enabled": False},
            "false,192.168.1.0/24,192.168.1.1#54,fritz.box",
        ),
    ],
)
def test_lines(section: str, given: Any, lines: str) -> None:
    assert wanted_of({section: [given, given]}).arrays == {section: (lines,)}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hosts": [{"address": "nas", "names": ["a"]}]}, "hosts: found the address 'nas'; wanted an IP address"),
        ({"hosts": [{"address": "192.0.2.1", "names": []}]}, "hosts: found the names [] of 192.0.2.1; wanted at least"),
        ({"hosts": [{"address": "192.0.2.1", "names": ["a b"]}]}, "wanted at least one, none with spaces"),
        ({"cnames": [{"alias": "a,b", "target": "c"}]}, "cnames: found 'a,b,c'; wanted an alias and a target"),
        ({"upstreams": ["dns.google"]}, "upstreams: found 'dns.google'; wanted an IP address, or one with #port"),
        ({"upstreams": ["9.9.9.9#99999"]}, "upstreams: found '9.9.9.9#99999'"),
        ({"conditional": [{"network": "lan", "server": "192.0.2.1"}]}, "conditional: found lan and 192.0.2.1; wanted"),
        ({"domains": [{"domain": "a", "type": "deny", "kind": "exact"}] * 2}, "domains: found a (deny, exact) twice"),
        ({"cnames": [{"alias": "A", "target": "b"}, {"alias": "a", "target": "c"}]}, "cnames: found the alias a twice"),
        (
            {"cnames": [{"alias": "a", "target": "a"}]},
            "cnames: found the circle a -> a; wanted a target that is a name",
        ),
        (
            {"cnames": [{"alias": "a", "target": "b"}, {"alias": "b", "target": "c"}, {"alias": "c", "target": "A"}]},
            "cnames: found the circle a -> b -> c -> a",
        ),
        ({"groups": [{"name": "Default", "enabled": False}]}, "groups: found Default switched off"),
        ({"config": {"dns": {"hosts": []}}}, "config.dns.hosts: found a part of the section hosts; wanted it there"),
        ({"config": {"webserver": {"api": {"password": "x"}}}}, "config.webserver.api.password: found a password"),
    ],
)
def test_mistakes(params: dict[str, Any], message: str) -> None:
    with pytest.raises(KronosError) as caught:
        wanted_of(params)
    assert message in str(caught.value)


def test_what_is_not_given_is_no_part_of_it() -> None:
    wanted = wanted_of(
        {"hosts": None, "lists": [], "config": {"dns": {"cache": {"size": 1}}}, "sections": {"lists": "additive"}}
    )
    assert (wanted.arrays, wanted.tables, wanted.additive) == ({}, {"lists": {}}, {"lists"})
    assert wanted.config == {("dns", "cache", "size"): 1}
    assert list(leaves({"a": {"b": [1], "c": {}}})) == [(("a", "b"), [1])]


def test_a_domain_in_letters_of_its_own_is_written_as_pihole_writes_it() -> None:
    rows = [
        {"domain": "Bücher.example", "type": "deny", "kind": "exact"},
        {"domain": "A.B", "type": "deny", "kind": "regex"},
    ]
    assert set(wanted_of({"domains": rows}).tables["domains"]) == {
        ("deny", "exact", "xn--bcher-kva.example"),
        ("deny", "regex", "A.B"),
    }


@pytest.mark.parametrize(
    ("groups", "mode", "present", "message"),
    [
        (None, "exact", ["Default", "guests"], None),
        ([], "exact", ["guests"], "clients: found the unknown group 'guests' of 192.0.2.7; wanted one of Default"),
        ([], "additive", ["guests"], None),
        ([{"name": "guests"}], "exact", [], None),
        ([{"name": "Guests"}], "exact", [], "wanted one of Default, Guests"),
    ],
)
def test_a_group_that_nobody_makes(groups: Any, mode: str, present: list[str], message: str | None) -> None:
    rows = [{"client": "192.0.2.7", "groups": ["guests"]}]
    wanted = wanted_of({"clients": rows, "groups": groups, "sections": {"groups": mode}})
    if message is None:
        check_groups(wanted, present)
        return
    with pytest.raises(KronosError) as caught:
        check_groups(wanted, present)
    assert message in str(caught.value)
