# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets within rendered files, through the whole module: who is touched, and what is shown."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import generations
from ansible_collections.kronos.homelab.plugins.module_utils.stack_conclude import secret_values
from ansible_collections.kronos.homelab.plugins.module_utils.stack_slots import UNKNOWN
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import actions, changed_stack, demo_host


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def host(tmp_path):
    found = demo_host(tmp_path)
    found.put_secret("web", "hash", "hash-marker-1")
    found.put_secret("rules", "login", 'quote"-marker-1')
    return found


def slotted(host, line="", reload=True):
    def change(_definitions, extras):
        extras["web"]["files"][0] = {
            "path": "config/a.yml",
            "content": "a: <kronos-secret:hash>\n",
            "secrets": ["hash"],
        }
        extras["rules"]["files"][0] |= {
            "content": f'r: "<kronos-secret:login|quoted>"\nother: <kronos-secret:other>\n{line}',
            "secrets": ["login"],
            "reload": reload,
        }

    return changed_stack(host, change)


def text(host, service, path):
    with open(f"{host.layout().files(service)}/{path}", encoding="utf-8") as stream:
        return stream.read()


def test_files_get_their_secrets_and_nobody_else_reads_them(host):
    first = host.converge(**slotted(host))
    assert text(host, "web", "config/a.yml") == "a: hash-marker-1\n"
    assert text(host, "rules", "rules/r.yml") == 'r: "quote\\"-marker-1"\nother: <kronos-secret:other>\n'
    for service, path in (("web", "config/a.yml"), ("rules", "rules/r.yml")):
        assert oct(os.stat(f"{host.layout().files(service)}/{path}").st_mode & 0o777) == "0o400"
    assert "marker" not in json.dumps(first)
    assert "a: <kronos-secret:hash>" in json.dumps(first["diff"])
    again = host.converge(**slotted(host))
    assert (again["changed"], again["diff"]) == (False, [])


@pytest.mark.parametrize(
    ("service", "name", "expected"),
    [
        ("web", "hash", {"web": ("recreated", "files.config/a.yml")}),
        ("rules", "login", {"rules": ("reloaded", "files.rules/r.yml")}),
    ],
)
def test_another_value_touches_its_users_alone_and_is_predicted(host, service, name, expected):
    host.converge(**slotted(host))
    awaited = {"awaited_secrets": [f"{service}/{name}"]}
    check = host.converge(check=True, **awaited, **slotted(host))
    host.put_secret(service, name, "another-marker")
    real = host.converge(**awaited, **slotted(host))
    assert actions(check) == actions(real) == expected
    assert check["diff"] == real["diff"]
    assert "marker" not in json.dumps([check, real])
    assert "(new values, hidden)" in json.dumps(real["diff"])
    assert not host.converge(**slotted(host))["changed"]


def test_a_diff_shows_the_text_around_the_values(host):
    host.converge(**slotted(host))
    entry = next(
        one for one in host.converge(**slotted(host, "more: 1\n"))["diff"] if one["after_header"].endswith("/r.yml")
    )
    assert entry["after"] == entry["before"] + "more: 1\n"
    assert entry["before"].startswith('r: "<kronos-secret:login|quoted>"')


def test_a_file_edited_by_hand_is_not_shown(host):
    host.converge(**slotted(host))
    path = f"{host.layout().files('rules')}/rules/r.yml"
    os.chmod(path, 0o600)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write('r: "marker"\nmine: 1\n')
    result = host.converge(**slotted(host))
    assert actions(result) == {"rules": ("reloaded", "files.rules/r.yml")}
    assert UNKNOWN in [one["before"] for one in result["diff"]]
    assert "mine" not in json.dumps(result)


def test_the_values_of_a_kept_version_are_known_to_be_secret(host):
    host.converge(**slotted(host))
    kept = generations.load(1, host.layout())
    found = secret_values(kept.rendered, host.layout())
    assert {"hash-marker-1", 'quote"-marker-1', "db-marker-value"} <= set(found)
    assert not any("other:" in value for value in found), "the text around them is no secret"


def test_going_back_hides_the_old_values_too(host):
    host.converge(**slotted(host))
    host.put_secret("rules", "login", "second-marker-value")
    host.converge(**slotted(host))
    back = host.converge(state="rolled_back")
    assert actions(back) == {"rules": ("reloaded", "files.rules/r.yml")}
    assert text(host, "rules", "rules/r.yml").startswith('r: "quote\\"-marker-1"')
    assert "marker" not in json.dumps(back)
