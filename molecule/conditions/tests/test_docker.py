# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker that does not answer or does not start, and compose that is missing, too old or endless."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import labtest
import ordeal
import pytest
from ordeal import Condition, inside, put

CONFIG = "/etc/docker/daemon.json"
SOCKET = "/run/docker.sock"
PLUGIN = "/usr/libexec/docker/cli-plugins/docker-compose"
KEPT = "/var/tmp/kept"


@contextmanager
def stopped_process() -> Iterator[None]:
    inside("kill -STOP $(pidof dockerd)")
    try:
        yield
    finally:
        inside("kill -CONT $(pidof dockerd)")


@contextmanager
def mute_interface() -> Iterator[None]:
    """Docker's interface takes every question and answers none, as with a deadlock; the rest of it goes on."""
    listen = "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(512); time.sleep(600)"
    inside(f"mv {SOCKET} {SOCKET}.kept")
    inside(f"systemd-run --unit=mute python3 -c 'import socket, sys, time; {listen}' {SOCKET}")
    labtest.until(lambda: inside(f"ss -Hlx src {SOCKET}"), 20)
    try:
        yield
    finally:
        inside(f"systemctl stop mute; mv -f {SOCKET}.kept {SOCKET}")


@contextmanager
def configuration(content: str, *, docker_runs: bool) -> Iterator[None]:
    """Somebody edited Docker's configuration, and Docker runs with the one before, or was restarted and failed."""
    inside(f"cp -p {CONFIG} {KEPT}")
    put(CONFIG, content)
    if not docker_runs:
        inside("systemctl stop docker.service docker.socket; systemctl start docker.service", check=False)
    try:
        yield
    finally:
        inside(f"cp -p {KEPT} {CONFIG}")
        if not docker_runs:
            # what the snapshot looks at needs Docker; that a run starts it by itself is another row
            inside("systemctl reset-failed docker.service docker.socket; systemctl start docker.service")


@contextmanager
def compose(script: str) -> Iterator[None]:
    """Another program in the place of the plugin; none without a script."""
    inside(f"mv {PLUGIN} {KEPT}")
    if script:
        put(PLUGIN, f"#!/bin/sh\n{METADATA}\n{script}\n", "0755")
    try:
        yield
    finally:
        inside(f"mv -f {KEPT} {PLUGIN}")


# what the docker program asks of every plugin first
METADATA = f'[ "$1" = docker-cli-plugin-metadata ] && exec {KEPT} "$@"'
TOO_OLD = f'case "$*" in *version*) echo 2.10.0;; *) exec {KEPT} "$@";; esac'
ENDLESS = "sleep 987"

HANGS = ["Docker hangs", "no answer at", "within 30 s", "systemctl restart docker"]

TABLE = [
    Condition("Docker's interface hangs", mute_interface, HANGS),
    Condition("all of dockerd hangs", stopped_process, HANGS),
    Condition(
        "daemon.json is no JSON, Docker runs",
        partial(configuration, "{", docker_runs=True),
        [CONFIG, "no valid JSON", "nothing was changed"],
    ),
    Condition(
        "daemon.json is no JSON, Docker is down",
        partial(configuration, "{", docker_runs=False),
        [CONFIG, "no valid JSON", "nothing was changed"],
        serving=False,
    ),
    Condition(
        "daemon.json has a key that Docker does not know, Docker is down",
        partial(configuration, '{"bananas": true}', docker_runs=False),
        ["bananas", "nothing was changed"],
        serving=False,
    ),
    Condition(
        "no compose",
        partial(compose, ""),
        ["docker compose 2.20 or later is wanted", "found none", "Nothing was changed"],
        known_in_check=False,
    ),
    Condition(
        "an old compose",
        partial(compose, TOO_OLD),
        ["docker compose 2.20 or later is wanted", "found version 2.10.0", "Nothing was changed"],
        known_in_check=False,
    ),
    Condition(
        "an endless compose",
        partial(compose, ENDLESS),
        ["docker compose", "no end after", "Nothing was changed"],
        known_in_check=False,
    ),
]
FEW = ["an old compose"]


@pytest.mark.parametrize("row", labtest.rows(TABLE, FEW, lambda row: row.name), ids=lambda row: row.name)
def test_a_docker_that_cannot_be_worked_with(row: Condition) -> None:
    ordeal.endure(row)
    assert not inside("pgrep -f 'sleep 987'", check=False)
