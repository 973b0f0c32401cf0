# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that somebody else has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import labtest
import ordeal
import pytest
from ordeal import Condition, inside

ECHO = "registry.kronos-lab:5000/docker.io/kronos/echo:1.0"


@contextmanager
def program(port: int, address: str = "0.0.0.0") -> Iterator[None]:
    inside(f"systemd-run --unit=squatter python3 -m http.server {port} --bind {address} --directory /run/lock")
    labtest.until(lambda: inside(f"ss -Hltn sport = :{port}"), 20)
    try:
        yield
    finally:
        inside("systemctl stop squatter")


@contextmanager
def name_server() -> Iterator[None]:
    """As systemd-resolved does: UDP, on a loopback address only."""
    listen = 's = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.53", 53)); time.sleep(600)'
    inside(f"systemd-run --unit=squatter python3 -c 'import socket, time; {listen}'")
    labtest.until(lambda: inside("ss -Hlun sport = :53 src 127.0.0.53"), 20)
    try:
        yield
    finally:
        inside("systemctl stop squatter")


@contextmanager
def container(port: int) -> Iterator[None]:
    inside(f"docker run -d --name squatter -p {port}:8080 {ECHO}")
    try:
        yield
    finally:
        inside("docker rm -f squatter")


def publishing(port: int, protocol: str = "tcp") -> dict[str, Any]:
    published = [{"port": port, "target": 8080, "protocol": protocol, "reach": "lan"}]
    return {"kronos_services_zz": {"hello": {"ports": published}}}


TABLE = [
    Condition(
        "80, before the proxy is made again",
        partial(program, 80),
        ["traefik wants port 80/tcp", "python3 (process ", "Nothing was changed"],
        before="docker rm -f traefik",
        variables=ordeal.BASE,
        serving=False,
        does={"traefik": "created"},
    ),
    Condition(
        "443, before the proxy is started again",
        partial(program, 443),
        ["traefik wants port 443/tcp", "python3 (process ", "Nothing was changed"],
        before="docker stop traefik",
        variables=ordeal.BASE,
        serving=False,
        does={"traefik": "started"},
    ),
    Condition(
        "a new port of the proxy",
        partial(program, 8081),
        ["traefik wants port 8081/tcp", "python3 (process ", "Nothing was changed"],
        variables={"kronos_http_port": 8081},
        undo=True,
        does={"traefik": "recreated"},
    ),
    Condition(
        "53, on loopback only",
        name_server,
        ["hello wants port 53/udp", "python3 (process ", "Nothing was changed"],
        variables=publishing(53, "udp"),
    ),
    Condition(
        "a container of somebody else",
        partial(container, 8085),
        ["hello wants port 8085/tcp", "container squatter", ECHO, "Nothing was changed"],
        variables=publishing(8085),
    ),
]
FEW = ["a container of somebody else"]


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_of_other_rows() -> None:
    run = labtest.site(**ordeal.BASE)
    assert run.code == 0, run.output


@pytest.mark.parametrize("row", labtest.rows(TABLE, FEW, lambda row: row.name), ids=lambda row: row.name)
def test_a_port_that_somebody_has(row: Condition) -> None:
    ordeal.endure(row)
