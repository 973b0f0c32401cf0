# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack with one service of every kind, for the tests of the stack engine."""

from __future__ import annotations

import json
import os

from ansible_collections.kronos.homelab.tests.unit.fakes.docker_host import FakeHost

TOKEN = "to$ken-'\"\\-marker"
IMAGE = "registry.example:5000/docker.io/kronos/echo:"
HEALTH = {"http": {"port": 8080, "path": "/health", "expect": "status == 'ok'"}}


def demo_host(folder):
    """A fresh host that has the stack's secrets."""
    found = FakeHost(str(folder))
    found.put_secret("web", "token", TOKEN)
    found.put_secret("web", "db", "db-marker-value")
    return found


def read(path):
    """A JSON file."""
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


def stack(host, **tags):
    """A stack of every kind: web (files, secrets), rules (reloads), late (needs web), a job."""
    base = host.layout().base
    own = {"uid": os.geteuid(), "gid": os.getegid()}

    def service(name, **more):
        definition = {
            "image": f"{IMAGE}{tags.get(name, '1.0')}",
            "container_name": name,
            "restart": "unless-stopped",
            "networks": {"kronos-default": {}},
        }
        return {**definition, **more}

    def mount(source, target):
        return {"type": "bind", "source": source, "target": target, "read_only": True}

    data = f"{host.root}/srv/web"
    project = {
        "name": "kronos-demo",
        "services": {
            "web": service(
                "web",
                environment={"TZ": "Etc/UTC", "MONEY": "5 $ and ${HOME}"},
                volumes=[mount(f"{base}/files/web/config", "/config"), mount(data, "/data")],
            ),
            "rules": service(
                "rules",
                volumes=[mount(f"{base}/files/rules/rules", "/rules")],
                networks={"kronos-default": {"ipv4_address": "10.7.0.200"}},
            ),
            "late": service("late", networks=["kronos-default", "kronos-two"]),
            "once": service("once", restart="no"),
        },
        "networks": {
            "kronos-default": {"name": "kronos-default", "external": True},
            "kronos-two": {"name": "kronos-two", "external": True},
        },
    }
    services = {
        "web": {
            "user": own,
            "health": HEALTH,
            "secret_environment": {"TOKEN": "token"},
            "secret_files": {"DB_FILE": "db"},
            "directories": [{"path": data, "mode": "0750", **own}],
            "files": [{"path": "config/a.yml", "content": "a: 1\n"}, {"path": "config/sub/b.yml", "content": "b\n"}],
        },
        "rules": {
            "user": own,
            "health": HEALTH,
            "reload": {"http": {"port": 8080, "path": "/-/reload"}},
            "files": [{"path": "rules/r.yml", "content": "r: 1\n", "reload": True}],
        },
        "late": {"needs": ["web", "elsewhere"], "health": HEALTH},
        "once": {"kind": "job", "needs": ["web"]},
    }
    return {"project": project, "services": services}


def actions(result):
    """Only what happens."""
    nothing = {"action": "unchanged", "keys": []}
    return {name: (one["action"], *one["keys"]) for name, one in result["actions"].items() if one != nothing}


def changed_stack(host, change):
    """The stack after ``change(definitions, extras)``."""
    wanted = stack(host)
    change(wanted["project"]["services"], wanted["services"])
    return wanted
