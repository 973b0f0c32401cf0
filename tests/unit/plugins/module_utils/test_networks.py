# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import networks
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.host_ranges import Needed
from ansible_collections.kronos.homelab.plugins.module_utils.networks import Found, Member

A = {"name": "kronos-a", "driver": "bridge", "bridge": "kr-a", "internal": False, "subnet": None, "mtu": None}
OURS, OTHER = Member("radarr", True), Member("stranger", False)


def standing(network, *members):
    return Found("0123456789abcdef", networks.spec_of(network), members)


PLANS = [
    # wanted, found, prune, what happens
    ([A], {}, True, {"create": ("kronos-a",)}),
    ([A], {"kronos-a": standing(A, OURS)}, True, {}),
    ([A], {"kronos-a": standing(A), "bridge": Found("1", None), "mine": Found("2", None, (OTHER,))}, True, {}),
    ([{**A, "mtu": 1400}], {"kronos-a": standing(A, OURS)}, True, {"recreate": {"kronos-a": ("radarr",)}}),
    ([], {"kronos-a": standing(A)}, True, {"remove": ("kronos-a",)}),
    ([], {"kronos-a": standing(A)}, False, {}),
    ([], {"kronos-a": standing(A, OURS)}, True, {"kept": {"kronos-a": ("radarr",)}}),
    ([A], {"kronos-a": standing(A, OURS, OTHER)}, True, {"foreign": {"kronos-a": ("stranger",)}}),
]


@pytest.mark.parametrize(("wanted", "found", "prune", "happens"), PLANS)
def test_plan(wanted, found, prune, happens):
    change = networks.plan(wanted, found, True, prune)
    nothing = {"create": (), "recreate": {}, "remove": (), "kept": {}, "foreign": {}}
    assert {key: getattr(change, key) for key in nothing} == {**nothing, **happens}
    assert change.changed is bool({"create", "recreate", "remove"} & set(happens))
    assert len(change.diff) == len(change.create) + len(change.recreate) + len(change.remove)


B = {**A, "name": "kronos-b"}
LAN = Needed(IPv4Network("10.7.0.0/24"), "eth0", "the route to 10.7.0.0/24 over eth0")


@pytest.mark.parametrize("found", [{}, {"kronos-a": standing(A)}], ids=["created", "made anew"])
def test_a_range_that_the_host_needs_is_refused(found):
    with pytest.raises(
        KronosError, match=r"kronos-a: the host needs 10\.7\.0\.0/16 for itself \(the route to .* eth0\)"
    ):
        networks.plan([{**A, "subnet": "10.7.0.0/16"}], found, True, True, needed=[LAN])


@pytest.mark.parametrize(
    ("network", "found"),
    [
        ({**A, "subnet": "10.8.0.0/16"}, {}),
        ({**A, "subnet": "10.7.0.0/24", "driver": "macvlan", "parent": "eth0", "bridge": None}, {}),
        ({**A, "subnet": "10.7.0.0/24"}, {"kronos-a": standing({**A, "subnet": "10.7.0.0/24"})}),  # it stands
        ({**A, "subnet": "fd00:7::/64"}, {}),
        (A, {}),
    ],
)
def test_ranges_that_are_free(network, found):
    networks.plan([network], found, True, True, needed=[LAN])


FIXED = {**A, "subnet": "10.7.0.0/24", "addresses": {"radarr": "10.7.0.200", "notes": "10.7.0.201"}}


@pytest.mark.parametrize(
    ("members", "moved"),
    [
        ([Member("radarr", True, "10.7.0.200"), Member("notes", True, "10.7.0.201")], ()),
        ([Member("radarr", True, "10.7.0.201")], ("radarr",)),
        ([Member("radarr", True, "10.7.0.201"), Member("notes", True, "10.7.0.200")], ("radarr", "notes")),
        ([Member("gone", True, "10.7.0.200")], ("gone",)),
        ([Member("radarr", True, ""), Member("gone", True, "10.7.0.3"), Member("stranger", False, "10.7.0.4")], ()),
    ],
)
def test_whoever_holds_the_address_of_another_is_taken_off(members, moved):
    found = {"kronos-a": Found("1", networks.spec_of(FIXED), tuple(members))}
    change = networks.plan([FIXED], found, True, True)
    assert change.moved == ({"kronos-a": moved} if moved else {})
    assert change.changed is bool(moved)
    assert [part["after"].count("made anew by its stack") for part in change.diff] == ([len(moved)] if moved else [])
    calls = Calls()
    networks.apply(change, calls)
    assert calls.made == [("POST", "/networks/kronos-a/disconnect", name) for name in moved]


def test_a_stranger_with_the_address_of_a_service_is_an_error():
    stranger = Member("stranger", False, "10.7.0.201")
    with pytest.raises(
        KronosError, match=r"stranger, which is not ours, has the address 10\.7\.0\.201 of notes in the"
    ):
        networks.plan([FIXED], {"kronos-a": Found("1", networks.spec_of(FIXED), (stranger,))}, True, True)


@pytest.mark.parametrize(
    ("ranges", "turn"),
    [
        (("10.7.1.0/24", "10.7.2.0/24"), ["kronos-b", "kronos-a"]),  # a takes what b gives up
        (("10.7.9.0/24", "10.7.0.0/24"), ["kronos-a", "kronos-b"]),
        (("10.7.1.0/24", "10.7.0.0/24"), ["kronos-a", "kronos-b"]),  # nothing is right: Docker will say so
    ],
)
def test_networks_are_made_anew_after_those_whose_range_they_take(ranges, turn):
    found = {
        "kronos-a": Found("1", "old", options={"subnet": "10.7.0.0/24"}),
        "kronos-b": Found("2", "old", options={"subnet": "10.7.1.0/24"}),
    }
    wanted = [{**A, "subnet": ranges[0]}, {**B, "subnet": ranges[1]}]
    assert list(networks.plan(wanted, found, True, True).recreate) == turn


class Calls:
    """A Docker that notes what is asked of it."""

    def __init__(self):
        self.made = []

    def ask(self, method, path, body=None, query=None):
        self.made.append((method, path, (body or {}).get("Container")))


def test_in_check_mode_ours_count_as_gone():
    found = {"kronos-a": standing(A, OURS), "kronos-b": standing(A, OURS, OTHER)}
    change = networks.plan([], found, create=True, prune=True, assume_left=True)
    assert change.remove == ("kronos-a",)
    assert change.kept == {"kronos-b": ("stranger",)}


def test_a_call_that_only_prunes_makes_nothing():
    found = {"kronos-a": standing({**A, "mtu": 9000}, OURS, OTHER), "kronos-b": standing(A)}
    change = networks.plan([A, {**A, "name": "kronos-c"}], found, create=False, prune=True)
    assert (change.create, change.recreate, change.remove) == ((), {}, ("kronos-b",))


@pytest.mark.parametrize(
    "other",
    [
        {"subnet": "10.7.0.0/24"},
        {"bridge": "kr-x"},
        {"internal": True},
        {"driver": "macvlan", "parent": "eth0"},
        {"mtu": 1400},
        {"ipv6": True},
        {"gateway": "10.7.0.9"},
    ],
)
def test_what_makes_a_network_another_one(other):
    assert networks.spec_of({**A, **other}) != networks.spec_of(A)


def test_options_that_are_off_do_not():
    assert networks.spec_of({"name": "x", "driver": "bridge", "bridge": "kr-a"}) == networks.spec_of(A)
    assert networks.spec_of({**A, "unknown": "x"}) == networks.spec_of(A)


@pytest.mark.parametrize(
    ("wanted", "found", "says"),
    [
        (A, Found("1", None), "a network kronos-a is there that this collection did not make"),
        (
            {**A, "mtu": 9000},
            standing(A, OURS, OTHER),
            "kronos-a must be made anew, but containers that are not ours use it: stranger. Take them off first",
        ),
    ],
)
def test_refusals(wanted, found, says):
    with pytest.raises(KronosError, match=says):
        networks.plan([wanted], {"kronos-a": found}, True, True)


def test_find():
    labels = {networks.MANAGED: "true", networks.SPEC: "d1"}
    listed = [{"Name": "kronos-a", "Id": "1", "Labels": labels}, {"Name": "bridge", "Id": "2", "Labels": None}]
    containers = [
        {
            "Id": "c1",
            "Names": ["/radarr"],
            "Labels": {"com.docker.compose.project": "kronos-media"},
            "NetworkSettings": {"Networks": {"kronos-a": {}}},
        },
        {"Id": "c2", "Names": None, "Labels": {"x": "y"}, "NetworkSettings": {"Networks": {"kronos-a": {}}}},
        {"Id": "c3", "Names": ["/host"], "NetworkSettings": None},
    ]
    found = networks.find(listed, containers)
    assert (found["kronos-a"].spec, found["bridge"].spec) == ("d1", None)
    assert found["kronos-a"].members == (Member("c2", False), OURS)
    assert found["bridge"].members == ()


def test_request():
    wanted = {"name": "m", "driver": "macvlan", "parent": "eth0.30", "subnet": "10.7.0.0/24", "gateway": "10.7.0.1"}
    assert networks.request({**wanted, "mtu": 1400, "internal": False}) == {
        "Name": "m",
        "Driver": "macvlan",
        "Internal": False,
        "EnableIPv6": False,
        "CheckDuplicate": True,
        "Options": {"com.docker.network.driver.mtu": "1400", "parent": "eth0.30"},
        "Labels": {"kronos.managed": "true", "kronos.spec": networks.spec_of({**wanted, "mtu": 1400})},
        "IPAM": {"Driver": "default", "Config": [{"Subnet": "10.7.0.0/24", "Gateway": "10.7.0.1"}]},
    }
    assert "IPAM" not in networks.request(A)
