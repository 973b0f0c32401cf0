# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and addresses of the VPN: each device keeps its own, and nobody gets what was another's."""

from __future__ import annotations

import ipaddress
import itertools
import json

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import wireguard_model as model
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from hypothesis import given
from hypothesis import strategies as st

PARAMS = {
    "interface": "wg-kronos",
    "address": "10.9.0.1/24",
    "port": 51820,
    "endpoint": "vpn.home.example:51820",
    "devices": ["anna.phone", "ben.phone"],
    "forward": [],
    "dns": [],
    "allowed": ["10.9.0.0/24"],
}


def keys():
    """Keys that are told apart by their numbers."""
    number = itertools.count()
    return model.Keys(lambda: (f"private{next(number)}", f"public{next(number)}"), lambda: f"shared{next(number)}")


def wish(**said):
    return model.parse({**PARAMS, **said})


def test_a_device_keeps_its_address_and_keys_while_others_come_and_go():
    made = keys()
    first = model.next_state(wish(), model.State(), [], made)
    assert [device.address for device in first.devices.values()] == ["10.9.0.2", "10.9.0.3"]
    second = model.next_state(wish(devices=["aaron.tv", "ben.phone"]), first, [], made)
    assert second.devices["ben.phone"] == first.devices["ben.phone"]
    assert second.devices["aaron.tv"].address == "10.9.0.2"
    third = model.next_state(wish(), second, [], made)
    assert third.devices["anna.phone"].public != first.devices["anna.phone"].public
    assert third.public == first.public


@pytest.mark.parametrize("who", ["anna.phone", "server"])
def test_new_keys_for_one_alone(who):
    made = keys()
    first = model.next_state(wish(), model.State(), [], made)
    second = model.next_state(wish(), first, [who], made)
    assert (second.public != first.public) == (who == "server")
    assert (second.devices["anna.phone"] != first.devices["anna.phone"]) == (who == "anna.phone")
    assert second.devices["ben.phone"] == first.devices["ben.phone"]


NAMES = st.lists(st.sampled_from([f"a.d{n}" for n in range(9)]), unique=True)


@given(steps=st.lists(NAMES, min_size=1, max_size=6), address=st.sampled_from(["10.9.0.1/28", "fd00::1/120"]))
def test_addresses_are_ones_own_and_stay(steps, address):
    state: dict[str, str] = {}
    for devices in steps:
        asked = wish(devices=devices, address=address)
        after = model.allocate(asked, state)
        assert sorted(after) == sorted(devices)
        assert len({*after.values()}) == len(after)
        assert all(ipaddress.ip_address(item) in asked.network for item in after.values())
        assert str(ipaddress.ip_interface(address).ip) not in after.values()
        assert all(after[name] == state[name] for name in state if name in after)
        state = after


@pytest.mark.parametrize("kept", ["10.9.0.1", "10.9.0.0", "10.9.0.255", "10.8.0.2", "x", ""])
def test_an_address_that_cannot_be_kept_is_another(kept):
    assert model.allocate(wish(devices=["a.b"]), {"a.b": kept}) == {"a.b": "10.9.0.2"}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"address": "10.9.0.300/24"}, "wireguard: "),
        ({"forward": ["x"]}, "wireguard: 'x'"),
        ({"devices": ["phone"]}, "devices: 'phone'; wanted the owner's name, a dot"),
        ({"devices": ["a.b", "a.b"]}, "devices: each may be named once"),
        ({"devices": ["a.b", "a.c"], "address": "10.9.0.1/30"}, "10.9.0.0/30 has no room for 2"),
    ],
)
def test_what_no_tunnel_can_be_made_of(said, message):
    with pytest.raises(KronosError, match=message):
        wish(**said)


def test_rotating_a_stranger():
    with pytest.raises(KronosError, match=r"rotate: 'x\.y' is neither a device nor 'server'"):
        model.next_state(wish(), model.State(), ["x.y"], keys())


def test_the_state_survives_its_file():
    state = model.next_state(wish(), model.State(), [], keys())
    assert model.from_json(model.to_json(state, wish())) == state
    assert model.from_json(None) == model.State()


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b'{"server": {}, "devices": {}}', b'{"server": 1, "devices": 2}']
)
def test_lost_keys_are_an_error_and_no_new_ones(text):
    with pytest.raises(KronosError, match="put it back from a backup"):
        model.from_json(text)


def test_both_ends_of_a_tunnel_fit():
    asked = wish(dns=["192.0.2.10"])
    state = model.next_state(asked, model.State(), [], keys())
    device = state.devices["ben.phone"]
    server = model.server_configuration(asked, state)
    mine = model.device_configuration(model.to_json(state, asked), "ben.phone")
    assert (
        f"# ben.phone\n[Peer]\nPublicKey = {device.public}\nPresharedKey = {device.shared}\nAllowedIPs = 10.9.0.3/32"
        in server
    )
    assert f"PrivateKey = {device.private}\nAddress = 10.9.0.3/32\nDNS = 192.0.2.10" in mine
    assert f"PublicKey = {state.public}\nPresharedKey = {device.shared}\nAllowedIPs = 10.9.0.0/24\n" in mine
    assert device.private not in server
    with pytest.raises(KronosError, match=r"no device 'x'; there are: anna\.phone, ben\.phone"):
        model.device_configuration(model.to_json(state, asked), "x")


def test_no_key_shows():
    state = model.next_state(wish(), model.State(), [], keys())
    assert "private" not in model.shown(state) + repr(state)
    assert "shared" not in model.shown(state) + repr(state).replace("shared=", "")
    assert json.loads(model.to_json(state, wish()))["server"]["private"] == "private0"
