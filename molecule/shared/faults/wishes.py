# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two wanted states of one small host, A and B, between which every module of ours has work.

Tests go from one to the other and back, so that each change is a real one and nothing has to be reset.
"""

from __future__ import annotations

from typing import Any

A, B = "A", "B"
VERSION = {A: "1.0", B: "1.1"}
HOUR = {A: "00:00:00", B: "04:00:00"}
TOPICS = ("dashboard", "engine", "zone")


def other(letter: str) -> str:
    """The one to go to."""
    return B if letter == A else A


def wish(letter: str, *topics: str) -> dict[str, Any]:
    """Variables of the state. A *topic* adds a difference: a whole stack, a setting of Docker, a zone."""
    assert set(topics) <= set(TOPICS), topics
    second = letter == B
    wanted: dict[str, Any] = {
        "kronos_stacks": ["traefik"] if "dashboard" in topics and not second else ["traefik", "dashboard"],
        "kronos_health_timeout": 30,
        "kronos_services_zz": services(letter),
        "traefik_certificate_timer": f"*-*-* {HOUR[letter]}",
    }
    if "engine" in topics and second:
        wanted["docker_daemon_settings"] = {"default-shm-size": "65M"}
    if "zone" in topics and second:
        wanted["kronos_zones"] = {"extra": {}}
    return wanted


def services(letter: str) -> dict[str, Any]:
    """Two services that need each other's order, with data and secrets; one more beside the start page."""
    echo = {
        "image": f"docker.io/kronos/echo:{VERSION[letter]}",
        "user": {"uid": 1000, "gid": 1000, "how": "run"},
        "environment": {"WISH": letter, "TOKEN_FILE": {"secret": "token"}},
        "secrets": {"token": {"format": "hex", "length": 32}},
        "volumes": [{"name": "data", "target": "/data"}],
        "health": {"http": {"port": 8080, "path": "/health", "expect": "status == 'ok'"}},
    }
    # outside the domain: the certificate changes with it
    routes = [
        {"host": "hello", "port": 8080, "access": "public"},
        {"name": "beside", "host": f"{letter.lower()}.example.org", "port": 8080, "access": "public"},
    ]
    return {
        "hello": {**echo, "summary": f"State {letter}", "routes": routes},
        "mate": {**echo, "needs": ["hello"], "tile": {"group": "Home", "name": f"Mate {letter}"}},
        "desk": {**echo, "stack": "dashboard"},
    }
