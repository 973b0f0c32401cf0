# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small plans for the tests of renderers: only what a case is about has to be said."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import atomic, timed_script

SETTINGS: dict[str, Any] = {
    "domain": "home.example",
    "address": "192.0.2.10",
    "lan": ["192.0.2.0/24"],
    "vpn": ["10.9.0.0/24"],
    "timezone": "Etc/UTC",
    "uid": 1000,
    "gid": 1000,
    "data_dir": "/srv/kronos",
    "image_mirror": "",
    "http_port": 80,
    "https_port": 443,
    "ipv6": False,
    "tls": {"mode": "internal_ca"},
    "ingress": "traefik",
    "login": "none",
    "login_host": "login",
    "host_gateway": "172.17.0.1",
    "health_timeout": 120,
    "fast": True,
    "allowed_ports": [],
    "ssh_port": 22,
    "ssh_sources": [],
    "open_ports": [],
    "web_from": "anywhere",
}

SERVICE: dict[str, Any] = {
    "stack": "own",
    "summary": "A service",
    "kind": "service",
    "image": "docker.io/library/app:1.0",
    "image_ref": "docker.io/library/app:1.0",
    "zone": "apps",
    "realised_zone": "default",
    "network": "zone",
    "networks": ["kronos-default"],
    "addresses": {},
    "user": None,
    "init": True,
    "read_only": False,
    "environment": {},
    "secret_environment": {},
    "secret_files": {},
    "mounts": [],
    "directories": [],
    "tmpfs": [],
    "devices": [],
    "command": None,
    "entrypoint": None,
    "capabilities": [],
    "limits": {"memory": "512m", "pids": 512, "cpus": None},
    "stop_grace": "30s",
    "sysctls": {},
    "compose": {},
    "published": [],
    "needs": [],
    "talks_to": [],
    "health": None,
    "reload": None,
    "routes": [],
}


def service(name: str, **said: Any) -> dict[str, Any]:
    """A service of a plan."""
    return {**SERVICE, "name": name, **said}


def route(name: str, **said: Any) -> dict[str, Any]:
    """A route of a plan."""
    fqdn = said.get("fqdn", f"{name}.home.example")
    usual = {
        "name": name,
        "service": name,
        "host": name,
        "fqdn": fqdn,
        "names": [fqdn],
        "path": "/",
        "strip_path": False,
        "access": "lan",
        "groups": [],
        "users": [],
        "factor": None,
        "basic_auth": [],
        "rate": None,
        "max_body": None,
        "request_headers": {},
        "response_headers": {},
        "waf": None,
        "proxied": False,
        "upstream": f"http://{name}:8080",
        "url": f"https://{fqdn}",
        "verify_upstream": True,
    }
    return {**usual, **said}


def make_plan(*services: dict[str, Any], settings: dict[str, Any] | None = None, **said: Any) -> dict[str, Any]:
    """A plan of these services, with everything else empty unless said."""
    stacks: dict[str, Any] = {}
    for item in services:
        stack = stacks.setdefault(item["stack"], {"project": f"kronos-{item['stack']}", "services": []})
        stack["services"].append(item["name"])
    usual: dict[str, Any] = {
        "schema": 1,
        "host": "lab1",
        "digest": "0" * 64,
        "run": "test",
        "settings": {**SETTINGS, **(settings or {})},
        "stack_order": list(stacks),
        "stacks": stacks,
        "services": {item["name"]: item for item in services},
        "storage": {},
        "peers": {},
    }
    usual.update({key: {} for key in ("external", "zones")})
    empty = ("disabled", "networks", "routes", "published", "tiles", "scrapes", "probes", "alerts", "streams")
    usual.update({key: [] for key in (*empty, "secrets", "exceptions", "backups", "cautions")})
    return {**usual, **said}


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], contextlib.AbstractContextManager[None]]:
    """``with full_disk(3)``: within, the fourth file that is written, and all after it, find the disk full half way."""

    @contextlib.contextmanager
    def full(point: int) -> Iterator[None]:
        left, fill, write = [point], atomic._fill, timed_script.write

        def is_full() -> bool:
            left[0] -= 1
            return left[0] < 0

        def half(handle: int, data: bytes) -> None:
            if is_full():
                os.write(handle, data[: len(data) // 2])
                raise OSError(28, "No space left on device")
            fill(handle, data)

        def half_again(path: str, data: bytes, *rest: Any) -> None:
            write(path, data[: len(data) // 2] if is_full() else data, *rest)
            if left[0] < 0:
                raise OSError(28, "No space left on device", path)

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", lambda handle: None)
            patched.setattr(atomic, "_fill", half)
            patched.setattr(timed_script, "write", half_again)
            yield

    return full


class Plans:
    """The makers above, for tests."""

    plan = staticmethod(make_plan)
    service = staticmethod(service)
    route = staticmethod(route)


@pytest.fixture(scope="session")
def plans() -> type[Plans]:
    """Makers of small plans."""
    return Plans
