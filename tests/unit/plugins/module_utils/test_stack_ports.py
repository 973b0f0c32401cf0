# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import socket

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import stack_ports
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import Container
from ansible_collections.kronos.homelab.plugins.module_utils.stack_ports import Port

WANTED = [
    (None, []),
    (["80:8080"], [Port("tcp", 80)]),
    (["127.0.0.1:53:53/udp"], [Port("udp", 53, "127.0.0.1")]),
    (["[::1]:80:80"], [Port("tcp", 80, "::1")]),
    (["8080", "3000-3005:3000-3005", 80], []),
    ([{"target": 80, "published": "443", "host_ip": "::", "protocol": "tcp"}], [Port("tcp", 443, "::")]),
    ([{"target": 80, "published": 8443}, {"target": 81}], [Port("tcp", 8443)]),
]


@pytest.mark.parametrize(("ports", "expected"), WANTED, ids=range(len(WANTED)))
def test_wanted(ports, expected):
    assert stack_ports.wanted({"ports": ports}) == expected


def test_published():
    bindings = {"80/tcp": [{"HostPort": "8080"}, {"HostPort": ""}], "53/udp": [{"HostPort": "53"}], "9/tcp": None}
    container = Container("c1", "web", "web", "running", observed={"ports": bindings})
    assert stack_ports.published([container]) == {("tcp", 8080), ("udp", 53)}


@pytest.mark.parametrize(
    ("listens", "asks", "taken"),
    [
        ("127.0.0.1", "0.0.0.0", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
    ],
)
def test_the_holder_of_a_port_is_named(listens, asks, taken):
    with socket.create_server((listens, 0)) as server:
        number = server.getsockname()[1]
        found = stack_ports.holder(Port("tcp", number, asks))
        assert found.endswith(f"(process {os.getpid()})") is taken
        assert stack_ports.holder(Port("udp", number, asks)) == ""
    assert stack_ports.holder(Port("tcp", number, asks)) == ""


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [("::", "0.0.0.0", True), ("::1", "0.0.0.0", False), ("::", "::1", True), ("0.0.0.0", "::", False)],
)
def test_addresses_that_collide(one, other, collide):
    assert stack_ports._collide(one, other) is collide


LISTED = [
    {"Names": ["/down"], "Image": "a:1", "Ports": []},
    {"Names": ["/inner"], "Image": "a:1", "Ports": [{"PrivatePort": 53, "Type": "udp"}]},
    # an engine that was killed goes on listing the ports of what it had started
    {"Names": ["/killed"], "Image": "d:1", "State": "exited", "Ports": [{"PublicPort": 8443, "Type": "tcp"}]},
    *(
        {"Names": [f"/{name}"], "Image": image, "State": state, "Ports": [{"IP": ip, "PublicPort": port, "Type": kind}]}
        for name, image, state, ip, port, kind in [
            ("resolver", "b:1", "running", "127.0.0.1", 53, "udp"),
            ("web", "c:1", "paused", "0.0.0.0", 80, "tcp"),
        ]
    ),
]


@pytest.mark.parametrize(
    ("port", "holder"),
    [
        (Port("udp", 53), "the container resolver (image b:1)"),
        (Port("udp", 53, "192.0.2.1"), ""),
        (Port("tcp", 53), ""),
        (Port("tcp", 80, "192.0.2.1"), "the container web (image c:1)"),
        (Port("tcp", 8080), ""),
        (Port("tcp", 8443), ""),
    ],
)
def test_the_container_that_has_a_port(port, holder):
    assert stack_ports.publisher(port, LISTED) == holder
