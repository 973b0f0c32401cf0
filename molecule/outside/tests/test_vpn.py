# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPN with a real tunnel: who comes in, who does not any more, and what a run does to those that are connected."""

from __future__ import annotations

import re
import stat

import labtest
import pytest
from outsidetest import VARIABLES, WORLD, Peer, fetched, gets, module, site

ROUTE = "hello.outside.localhost"
SERVER = "10.99.0.1"
MODULE = "kronos.homelab.wireguard"
USERS = VARIABLES["kronos_users"]


@pytest.fixture(scope="module")
def configurations(tmp_path_factory):
    """The configuration of two devices, as they were fetched at the start."""
    folder = tmp_path_factory.mktemp("devices")
    return {name: fetched(folder, name) for name in ("anna.phone", "ben.phone")}, folder


def wireguard(host, **said):
    """Call the module as the role does."""
    allowed = ["10.99.0.0/24", f"{host.ansible.get_variables()['kronos_address']}/32"]
    usual = {"address": "10.99.0.1/24", "endpoint": "vpn.outside.localhost:51820", "allowed": allowed}
    return module("wireguard", **{**usual, "devices": ["anna.laptop", "anna.phone", "ben.phone"], **said})


def index(host):
    """The number of the interface, another one whenever it is made anew."""
    return host.check_output("cat /sys/class/net/wg-kronos/ifindex")


def carried(host):
    """Bytes that went through the tunnel, of all devices together."""
    lines = host.check_output("wg show wg-kronos transfer").splitlines()
    return sum(int(number) for line in lines for number in line.split()[1:])


def told(run):
    """What the task of the VPN returned."""
    return next(task for task in run.tasks if task["action"] == MODULE)


def test_a_device_is_given_a_file_and_a_code_for_its_owner_alone(configurations):
    texts, folder = configurations
    for device, text in texts.items():
        files = [folder / f"{device}.conf", folder / f"{device}.svg"]
        assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600, 0o600]
        assert "<svg" in files[1].read_text()
        assert "Endpoint = vpn.outside.localhost:51820" in text
    assert len({re.search("PrivateKey = (.*)", text)[1] for text in texts.values()}) == 2


def test_an_unknown_device_is_named(tmp_path):
    run = labtest.play("vpn_device.yml", variables={**VARIABLES, "device": "anna.fridge", "folder": str(tmp_path)})
    assert run.code != 0
    assert "outside has no device anna.fridge; kronos_users names anna.laptop, anna.phone, ben.phone" in run.output
    assert list(tmp_path.iterdir()) == []


def test_keys_stay_on_the_host_and_out_of_every_output(host, foretold):
    state = host.file("/etc/kronos/wireguard/state.json")
    assert (state.mode, state.user) == (0o600, "root")
    secrets = re.findall(r'"(?:private|shared)": "([^"]+)"', state.content_string)
    assert len(secrets) == 7  # three devices with two each, and the server's
    said = foretold.output + str(labtest.record(0).tasks)
    assert not [secret for secret in secrets if secret in said]


def test_a_device_reaches_what_the_internet_cannot(host, configurations):
    address = host.ansible.get_variables()["kronos_address"]
    assert gets(host, ROUTE, WORLD) in ("403", "404", "000")
    assert gets(host, "www.outside.localhost", WORLD) == "200"  # it is not the road that is broken
    with Peer(host, "phone", configurations[0]["anna.phone"]) as phone:
        assert phone.pings(SERVER)
        assert gets(host, ROUTE, SERVER) == "200"
        assert gets(host, ROUTE, address) == "200"
        assert gets(host, ROUTE, WORLD) in ("403", "404", "000")


def test_check_mode_finds_nothing_to_do_on_a_converged_host(foretold):
    assert (foretold.code, foretold.changed) == (0, []), foretold.output


def test_a_device_that_goes_is_shut_out_and_the_others_stay(host, configurations):
    fewer = {**USERS, "ben": {"devices": []}}
    with Peer(host, "phone", configurations[0]["anna.phone"]) as phone:
        assert phone.pings(SERVER)
        before, bytes_before = index(host), carried(host)
        assert bytes_before
        check = site("--check", kronos_users=fewer)
        run = site(kronos_users=fewer)
        assert (told(check)["removed"], told(check)["restarted"]) == (["ben.phone"], False)
        assert (run.code, told(run)["removed"], told(run)["files"]) == (0, ["ben.phone"], told(check)["files"])
        assert index(host) == before
        assert phone.pings(SERVER)
        assert carried(host) > bytes_before  # a device that is made anew begins at nothing
    with Peer(host, "stale", configurations[0]["ben.phone"]) as stale:
        assert not stale.pings(SERVER)
        assert gets(host, ROUTE, SERVER) == "000"


def test_one_that_comes_back_has_its_owners_new_keys_and_no_other_address_moves(host, configurations, tmp_path):
    before = wireguard(host, devices=["anna.laptop", "anna.phone"])["addresses"]
    answer = wireguard(host, devices=["aaron.watch", "anna.laptop", "anna.phone", "ben.phone"])
    assert (answer["added"], answer["restarted"]) == (["aaron.watch", "ben.phone"], False)
    assert before.items() <= answer["addresses"].items()
    with Peer(host, "stale", configurations[0]["ben.phone"]) as stale:
        assert not stale.pings(SERVER)
    with Peer(host, "again", fetched(tmp_path, "ben.phone")) as again:
        assert again.pings(SERVER)


def test_new_keys_shut_out_the_old_ones(host, configurations, tmp_path):
    answer = wireguard(host, rotate=["anna.phone"])
    assert (answer["rotated"], answer["restarted"]) == (["anna.phone"], False)
    with Peer(host, "lost", configurations[0]["anna.phone"]) as lost:
        assert not lost.pings(SERVER)
    with Peer(host, "new", fetched(tmp_path, "anna.phone")) as new:
        assert new.pings(SERVER)


DRIFTS = [
    ("there is no interface", "ip link delete dev wg-kronos"),
    (
        "a device that nobody wants is let in",
        "wg set wg-kronos peer $(wg genkey | wg pubkey) allowed-ips 10.99.0.77/32",
    ),
    ("its address is", "ip address flush dev wg-kronos"),
    ("it has another key", "wg genkey > /run/k && wg set wg-kronos private-key /run/k"),
    ("it listens at", "wg set wg-kronos listen-port 4444"),
]


@pytest.mark.parametrize(
    ("reason", "damage"), labtest.rows(DRIFTS, [DRIFTS[1][0]], lambda row: row[0]), ids=lambda value: value[:30]
)
def test_drift_is_seen_and_mended(host, reason, damage):
    if site().changed:  # what the tests above did by single calls is a drift too
        assert site().changed == []
    host.check_output(damage)
    run = site()
    assert run.code == 0, run.output
    assert told(run)["changed"], run.output
    assert f"VPN: {reason}" in run.output
    quiet = site()
    assert (quiet.code, quiet.changed) == (0, []), quiet.output


def test_devices_reach_only_the_networks_that_are_stated(host, tmp_path):
    host.check_output(
        "ip netns list | grep -q house || { ip netns add house; ip link add inner type veth peer name door netns house;"
        " ip address add 192.168.77.1/24 dev inner; ip link set up dev inner;"
        " ip -n house address add 192.168.77.9/24 dev door; ip -n house link set up dev door; }"
    )
    with Peer(host, "phone", fetched(tmp_path, "anna.phone")) as phone:
        host.check_output("ip -n internet route replace 192.168.77.0/24 dev phone")
        assert not phone.pings("192.168.77.9")
    run = site(kronos_vpn_forward=["192.168.77.0/24"])
    assert (run.code, told(run)["restarted"]) == (0, True), run.output
    with Peer(host, "phone", fetched(tmp_path, "anna.phone")) as phone:
        assert phone.pings("192.168.77.9")  # it knows no way back to the VPN: the host speaks for the device
