# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of zones and addresses of services."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.addresses import (
    PARTS,
    POOLS,
    NoRoom,
    choose_pool,
    dynamic_part,
    service_addresses,
    spread,
    zone_ranges,
)
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sets(st.text("abcdefghij-", min_size=1, max_size=8), max_size=40)
SUBNET = ipaddress.IPv4Network("10.64.3.0/24")


@pytest.mark.parametrize(
    ("taken", "pool"),
    [
        ([], POOLS[0]),
        (["192.168.1.0/24", "fd00::/8"], POOLS[0]),
        (["10.0.0.0/8"], POOLS[1]),
        (["10.239.255.1/32"], POOLS[1]),
        (["10.0.0.0/8", "198.18.0.0/24"], None),
    ],
)
def test_pool(taken: list[str], pool: ipaddress.IPv4Network | None) -> None:
    assert choose_pool(ipaddress.ip_network(one) for one in taken) == pool


@given(zones=NAMES)
def test_every_zone_has_a_part_of_its_own(zones: set[str]) -> None:
    ranges = zone_ranges({*zones, "default", "media"}, POOLS[0])
    assert len({*ranges.values()}) == len(ranges) == len({*zones, "default", "media"})
    assert all(one.prefixlen == 20 and one.subnet_of(POOLS[0]) for one in ranges.values())


@given(zones=NAMES)
def test_a_zone_of_the_records_stays_where_it_is_whatever_else_there_is(zones: set[str]) -> None:
    alone = zone_ranges(["media"], POOLS[0])["media"]
    assert zone_ranges({*zones, "media"}, POOLS[0])["media"] == alone


def test_too_many_zones() -> None:
    with pytest.raises(NoRoom, match="58 names for 57 places"):
        zone_ranges([f"z{number}" for number in range(PARTS - 6)], POOLS[0])


@given(names=NAMES)
def test_addresses_are_apart_from_each_other_and_from_dockers(names: set[str]) -> None:
    addresses = [ipaddress.IPv4Address(one) for one in service_addresses(names, SUBNET).values()]
    assert len(set(addresses)) == len(names)
    assert all(one in SUBNET and one not in dynamic_part(SUBNET) for one in addresses)
    assert SUBNET.broadcast_address not in addresses


@given(names=NAMES)
def test_the_order_of_the_names_is_nothing(names: set[str]) -> None:
    assert spread(sorted(names), 50) == spread(sorted(names, reverse=True), 50)


@given(names=NAMES, more=NAMES)
def test_who_falls_on_a_free_place_moves_nobody(names: set[str], more: set[str]) -> None:
    alone = {name: spread([name], 97)[name] for name in {*names, *more}}
    if len(set(alone.values())) == len(alone):
        assert spread({*names, *more}, 97) == alone


def test_a_full_range() -> None:
    assert sorted(spread(["a", "b", "c"], 3, first=7).values()) == [7, 8, 9]
    with pytest.raises(NoRoom, match="4 names for 3 places"):
        spread(["a", "b", "c", "d"], 3)
