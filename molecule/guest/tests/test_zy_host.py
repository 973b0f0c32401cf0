# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a kernel of its own takes: IPv6 on a VLAN, block devices, swap, kernel settings, a host name."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import labtest
import pytest
from guesttest import HOST_ALONE, ask, converge, vlans, without_services

pytestmark = pytest.mark.skipif(not labtest.FULL, reason="runs in make test-full")

DEVICE = "/dev/loop7"
DISK = {"type": "local", "source": DEVICE, "path": "/mnt/disk", "filesystem": "ext4", "directories": {"kept": {}}}
CONSENT = {"kronos_storage_disk": {"disk": {**DISK, "make_filesystem": True}}}
# An answer as RFC 5905 has it: leap, version and mode, stratum, poll, precision, delay, dispersion, reference, and the
# times of reference, question, arrival and departure.
TIME_SERVER = """
import socket, struct, time
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 123))
while True:
    asked, client = server.recvfrom(512)
    now = time.time() + 2208988800
    stamp = struct.pack("!II", int(now), int(now % 1 * 2**32))
    head = struct.pack("!BBbbII4s", 0x24, 1, 6, -20, 0, 0, b"LOCL")
    server.sendto(head + stamp + asked[40:48] + stamp + stamp, client)
"""


@pytest.fixture
def disk(host: Any) -> Any:
    """An empty block device."""
    host.check_output(f"truncate -s 96M /var/disk.img && losetup {DEVICE} /var/disk.img")
    yield
    assert converge().code == 0  # the share is unmounted by whom mounted it
    host.check_output(f"losetup -d {DEVICE}; rm /var/disk.img")


@pytest.fixture
def time_server(host: Any, nas: Any) -> Iterator[str]:
    """The address of a server that tells the time of the other guest; the host's own clock is right again after it."""
    nas.check_output(f"systemd-run --collect --unit=time-server python3 -c {shlex.quote(TIME_SERVER)}")
    yield labtest.host_variables()["lab_guests"]["guest-nas"]
    nas.check_output("systemctl stop time-server")
    host.check_output(f"date --set=@{nas.check_output('date +%s')}")


def test_a_disk_gets_a_file_system_only_where_it_is_empty_and_somebody_wants_it(host: Any, disk: None) -> None:
    for said, reason in (
        ({"kronos_storage_disk": {"disk": DISK}}, f"{DEVICE} has no file system; filesystem and make_filesystem: true"),
        (CONSENT, f"storage_safe_mode: would have made ext4 on {DEVICE} (96 MiB, empty)"),
    ):
        refused = converge(**said)
        assert refused.code != 0
        assert reason in " ".join(refused.failures)
        assert host.run(f"blkid --probe {DEVICE}").rc == 2, "nothing was written"
    made = converge(**CONSENT, storage_safe_mode=False)
    assert made.code == 0, made.output
    assert host.mount_point("/mnt/disk").filesystem == "ext4"
    host.check_output("echo photo > /mnt/disk/kept/photo")
    again = converge(**CONSENT, storage_safe_mode=False)
    assert (again.code, again.changed) == (0, []), again.output
    assert converge().code == 0
    assert not host.mount_point("/mnt/disk").exists
    assert converge(**CONSENT).code == 0
    assert host.check_output("cat /mnt/disk/kept/photo") == "photo"
    assert converge().code == 0
    host.check_output(f"mke2fs -q -F -t ext2 {DEVICE}")
    refused = converge(**CONSENT, storage_safe_mode=False)
    assert f"{DEVICE} holds ext2, not ext4: nothing is made over it" in " ".join(refused.failures)


def test_ipv6_and_packets_of_another_size_on_a_vlan(host: Any, nas: Any) -> None:
    nas.check_output("ip address add fd30::1/64 dev eth0.30 nodad")
    wider = {"ipv6": True, "address6": "fd30::2/64", "gateway6": "fd30::1", "mtu": 1400}
    run = vlans(kronos_zones_wider={"media": {"vlan": wider}})
    assert run.code == 0, run.output
    found = ask("vlan_info")["vlans"]["kr30"]
    assert found["mtu"] == 1400
    stated = sorted(address for address in found["addresses"] if not address.startswith("fe80:"))
    assert stated == ["10.30.0.2/24", "fd30::2/64"]
    assert found["gateways"] == {"10.30.0.1": True, "fd30::1": True}
    host.check_output("ping -6 -c 1 -W 10 fd30::1")
    again = vlans(kronos_zones_wider={"media": {"vlan": wider}})
    assert (again.code, again.changed) == (0, []), again.output
    assert vlans().code == 0
    found = ask("vlan_info")["vlans"]["kr30"]
    assert (found["mtu"], found["addresses"]) == (1500, ["10.30.0.2/24"])


def test_swap_and_kernel_settings(host: Any) -> None:
    without_services()
    host.check_output("sysctl -qw vm.swappiness=60 kernel.dmesg_restrict=0")
    said = {**HOST_ALONE, "host_swap": "file", "host_swap_size": "32M", "host_sysctl": True}
    said |= {"host_sysctl_settings": {"vm.overcommit_memory": 1}, "host_hostname": "larder"}
    run = labtest.site(**said)
    assert run.code == 0, run.output
    swaps = host.check_output("swapon --show=NAME,SIZE,PRIO --noheadings --raw").splitlines()
    assert "/swapfile 32M 10" in swaps
    assert host.check_output(
        "sysctl -n vm.swappiness kernel.dmesg_restrict vm.overcommit_memory net.ipv4.ip_forward"
    ).split() == [
        "10",
        "1",
        "1",
        "1",
    ]
    assert host.check_output("sysctl -n net.ipv4.conf.eth0.send_redirects") == "0", "told to each link"
    assert host.check_output("hostname") == "larder"
    again = labtest.site(**said, kronos_fast=False)
    assert (again.code, again.changed) == (0, []), again.output
    run = labtest.site(**{**said, "host_swap": "zram"})
    assert run.code == 0, run.output
    assert host.check_output("swapon --show=NAME,PRIO --noheadings --raw").splitlines() == ["/dev/zram0 100"]
    assert host.check_output("zramctl --output DISKSIZE --noheadings --raw") == "32M"
    run = labtest.site(**{**said, "host_swap": "none"})
    assert run.code == 0, run.output
    assert host.check_output("zramctl --noheadings") == ""
    assert host.check_output("swapon --show=NAME --noheadings --raw") == "", "what is switched off, is off"


def test_a_clock_that_nobody_keeps_is_kept_by_the_users_own_server(host: Any, nas: Any, time_server: str) -> None:
    without_services()
    host.check_output("systemctl disable --now systemd-timesyncd; date --set='+4 minutes'")
    said = {**HOST_ALONE, "host_ntp": "detect"}
    said["host_ntp_servers"] = [time_server]
    run = labtest.site(**said)
    assert run.code == 0, run.output
    labtest.until(lambda: _ahead(host, nas) < 30, 120)
    assert host.check_output("timedatectl show --property=NTPSynchronized --value") == "yes"
    again = labtest.site(**said, kronos_fast=False)
    assert (again.code, again.changed) == (0, []), again.output


def _ahead(host: Any, nas: Any) -> int:
    """By how many seconds two clocks differ."""
    return abs(int(host.check_output("date +%s")) - int(nas.check_output("date +%s")))
