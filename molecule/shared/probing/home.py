# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The home of the scenario about the firewall: what is declared there, and what listens beside it."""

from __future__ import annotations

from typing import Any

from labtest import Run, site, until

from probing.prober import SOURCES, WAYS, Prober, declared

VLAN = {"parent": "eth0", "mtu": None, "gateway": None}
VARIABLES: dict[str, Any] = {
    "kronos_stacks": ["traefik"],
    "kronos_ipv6": False,
    "kronos_lan": ["10.66.1.0/24", "fd66:1::/64"],
    "kronos_vpn": ["10.66.2.0/24"],
    # The lab's kernel has no 802.1Q: a zone is known by its addresses alone.
    "vlan_enabled": False,
    "kronos_zones": {
        "iot": {"vlan": {**VLAN, "id": 30, "address": "10.66.3.2/24"}, "network": {"subnet": "10.88.3.0/24"}},
        "guests": {"vlan": {**VLAN, "id": 40, "address": "10.66.4.2/24"}, "network": {"subnet": "10.88.4.0/24"}},
    },
    "kronos_services_reach": {
        "hello": {
            "ports": [
                {"port": 7001, "target": 8080, "reach": "public"},
                {"port": 7002, "target": 8080, "reach": "lan"},
                {"port": 7003, "target": 8080, "reach": "vpn"},
                {"port": 7004, "target": 8080, "reach": "iot"},
                {"port": 7005, "target": 7005, "protocol": "udp", "reach": "lan"},
                {"port": 7006, "target": 7006, "protocol": "udp", "reach": "public"},
            ]
        },
        "neighbour": {
            "image": "docker.io/kronos/echo:1.0",
            "zone": "iot",
            "user": {"uid": 1000, "gid": 1000, "how": "run"},
            "health": {"http": {"port": 8080, "path": "/health", "expect": "status == 'ok'"}},
        },
    },
    "kronos_open_ports": [
        {"port": 7010, "reach": "lan", "what": "a program of the host"},
        {"port": 7012, "reach": "public", "what": "a program of the host for all"},
        {"port": 7011, "protocol": "udp", "reach": "guests", "what": "another one"},
    ],
}

# Notes down who wrote to it; the source is said in the datagram, since an address may be translated on the way.
LISTEN = """import socket, sys, threading
def hear(port, family):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("", port))
    while True:
        said = sock.recv(200).decode()
        with open("/tmp/heard", "a") as notes:
            print(port, said, file=notes)
for port in map(int, sys.argv[1:]):
    for family in (socket.AF_INET, socket.AF_INET6):
        threading.Thread(target=hear, args=(port, family)).start()
"""
UDP = [7005, 7006, 7011, 8889]
ECHO = "registry.kronos-lab:5000/docker.io/kronos/echo:1.0"


def converge(*arguments: str, **variables: Any) -> Run:
    """Run site.yml for the scenario's home."""
    return site(*arguments, **{**VARIABLES, **variables})


def listen_again(host: Any) -> None:
    """Start the programs of the host; a reboot ends them."""
    host.check_output(f"cat > /tmp/listen.py << 'END'\n{LISTEN}END")
    for port in (7010, 7012, 8888):
        host.check_output(f"systemd-run --unit=listen-{port} python3 -m http.server {port} --bind ::")
    host.check_output("systemd-run --unit=listen-udp python3 /tmp/listen.py 7011 8889")
    listen_inside(host)


def listen_inside(host: Any) -> None:
    """Start the listener in the container, unless it is still there."""
    host.check_output("docker cp /tmp/listen.py hello:/tmp/listen.py")
    host.check_output("docker exec -d hello python3 /tmp/listen.py 7005 7006")


def heard(host: Any) -> set[tuple[int, str]]:
    """Return (port, who) for every datagram that arrived, in the container and on the host."""
    text = host.check_output("cat /tmp/heard 2>/dev/null; docker exec hello cat /tmp/heard 2>/dev/null; true")
    return {(int(port), who) for port, who in (line.split() for line in text.splitlines())}


def datagrams_arrive_as_declared(host: Any, prober: Prober, plan: dict[str, Any]) -> None:
    """Send datagrams from everywhere, and compare who was heard where with the table."""
    host.check_output("rm -f /tmp/heard; docker exec hello rm -f /tmp/heard")
    for source, family in WAYS:
        prober.udp(source, family, UDP)
    wanted = {(port, SOURCES[source][f]) for source, f in WAYS for port in declared(plan, source, f, "udp")}
    assert {port for port, _who in wanted} == {7005, 7006, 7011}
    until(lambda: wanted <= heard(host), 10)
    assert heard(host) == wanted
