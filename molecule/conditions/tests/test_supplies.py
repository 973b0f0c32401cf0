# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and packages that cannot be had: network, names, certificates, room."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import labtest
import ordeal
import pytest
from ordeal import Condition, inside

REGISTRY = "registry.kronos-lab"
MIRROR = f"{REGISTRY}:5000"
ECHO = f"{MIRROR}/docker.io/kronos/echo"
UNTOUCHED = ["hello", ECHO, "Nothing was changed"]
PACKAGE = "python3-jmespath"
# seconds for which dockerd, as every program in Go, goes by these files as it last saw them (net/conf.go: 5)
LOOKS_AGAIN = 6
# of layers that this host does not have yet
SLEEPER = {
    "image": "docker.io/prom/blackbox-exporter:v0.26.0",
    "user": {"uid": 1000, "gid": 1000, "how": "run"},
    "entrypoint": ["sleep", "86400"],
}


@contextmanager
def firewall(verdict: str) -> Iterator[None]:
    inside(
        "nft add table inet trouble; nft 'add chain inet trouble out { type filter hook output priority 0; }'; "
        f"nft add rule inet trouble out tcp dport 5000 {verdict}"
    )
    try:
        yield
    finally:
        inside("nft delete table inet trouble")


@contextmanager
def impostor() -> Iterator[None]:
    """Somebody else answers at the registry's address, with a certificate of an authority of his own."""
    inside(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout /run/key.pem -out /run/cert.pem "
        f"-subj /CN={REGISTRY} -addext subjectAltName=DNS:{REGISTRY} 2>/dev/null; "
        "systemd-run --unit=impostor openssl s_server -accept 5001 -www -cert /run/cert.pem -key /run/key.pem"
    )
    rule = f"OUTPUT -d {REGISTRY} -p tcp --dport 5000 -j DNAT --to-destination 127.0.0.1:5001"
    inside(f"iptables -w -t nat -I {rule}")
    try:
        yield
    finally:
        inside(f"iptables -w -t nat -D {rule}; systemctl stop impostor")


@contextmanager
def no_names() -> Iterator[None]:
    """Nobody answers to questions for names, and the registry's is no longer in the host's own list."""
    # in place: both files are mounted into the lab host one by one
    inside("cp /etc/hosts /run/hosts; cp /etc/resolv.conf /run/resolv.conf")
    inside(f"grep -v {REGISTRY} /run/hosts > /etc/hosts; echo nameserver 127.0.0.99 > /etc/resolv.conf")
    try:
        yield
    finally:
        inside("cat /run/hosts > /etc/hosts; cat /run/resolv.conf > /etc/resolv.conf")
        time.sleep(LOOKS_AGAIN)


@contextmanager
def no_room_for_images() -> Iterator[None]:
    folder = "/var/lib/docker/tmp"
    inside(f"mount -t tmpfs -o size=64k kronos {folder}")
    try:
        yield
    finally:
        inside(f"umount {folder}")


TABLE = [
    # a lost packet is worse than a refused one: somebody has to stop waiting
    Condition(
        "packets to the registry are lost",
        partial(firewall, "drop"),
        [*UNTOUCHED, "does not answer"],
        known_in_check=False,
    ),
    Condition(
        "the registry is down",
        partial(firewall, "reject with tcp reset"),
        [*UNTOUCHED, "connection refused", "does not answer"],
        known_in_check=False,
    ),
    Condition(
        "another authority has signed the registry's certificate",
        impostor,
        [*UNTOUCHED, "x509", "kronos_image_mirror_ca"],
        known_in_check=False,
    ),
    Condition(
        "names are not resolved",
        no_names,
        [*UNTOUCHED, "/etc/resolv.conf"],
        known_in_check=False,
    ),
    Condition(
        "no room for an image",
        no_room_for_images,
        ["sleeper", "no space left on device", "docker system df", "Nothing was changed"],
        variables={"kronos_services_zz": {"sleeper": SLEEPER}},
        before=f"docker image rm -f {MIRROR}/{SLEEPER['image']} 2>/dev/null; true",
        does={"sleeper": "created"},
        undo=True,
        known_in_check=False,
    ),
    Condition(
        "names are not resolved, and a package is missing",
        no_names,
        [f"apt-get could not install {PACKAGE}", "Temporary failure resolving", "/etc/resolv.conf"],
        before=f"dpkg --force-depends -r {PACKAGE} && rm -f /var/cache/apt/archives/{PACKAGE}_*",
        known_in_check=False,
    ),
]
FEW = ["names are not resolved"]


@pytest.mark.parametrize("row", labtest.rows(TABLE, FEW, lambda row: row.name), ids=lambda row: row.name)
def test_what_cannot_be_had(row: Condition) -> None:
    ordeal.endure(row if row.before else with_an_image_to_fetch(row))


def with_an_image_to_fetch(row: Condition) -> Condition:
    """The row with another version of the service wanted than runs, whose image the host has not (any more)."""
    runs = inside("docker inspect -f '{{.Config.Image}}' hello").rpartition(":")[2]
    other = "1.1" if runs == "1.0" else "1.0"
    wanted = {"kronos_services_zz": {"hello": {"image": f"docker.io/kronos/echo:{other}"}}}
    forgotten = f"docker image rm -f $(docker image ls -q {ECHO}:{other}) 2>/dev/null; true"
    return replace(row, variables=wanted, before=forgotten)


@pytest.mark.skipif(not labtest.FULL, reason="one of the long table")
def test_an_image_that_does_not_exist() -> None:
    row = Condition("no such image", says=["hello", f"{ECHO}:9.9", "name and tag", "Nothing was changed"])
    found = ordeal.snapshot()
    missing = {"kronos_services_zz": {"hello": {"image": "docker.io/kronos/echo:9.9"}}}
    ordeal.assert_one_line(labtest.site(**ordeal.BASE, **missing), row)
    assert labtest.answers("hello")
    assert ordeal.snapshot() == found


@pytest.mark.skipif(not labtest.FULL, reason="long: make test-full runs it")
def test_without_names_a_run_that_needs_nothing_is_no_failure() -> None:
    assert labtest.site(**ordeal.BASE).code == 0
    with no_names():
        for fast in (True, False):
            run = labtest.site(**ordeal.BASE, kronos_fast=fast)
            assert (run.code, run.changed) == (0, []), run.output
