# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line per changed thing, from what each module returns."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.change_lines import TELLERS, changes_of

COMPOSE = "/opt/kronos/stacks/media/compose.yml"


def entry(header: str, before: str = "a", after: str = "b") -> dict[str, str]:
    return {
        "before_header": header if before else f"{header} (absent)",
        "after_header": header if after else f"{header} (removed)",
        "before": before,
        "after": after,
    }


def stack(actions: dict[str, tuple[str, list[str]]], *diff: dict[str, str]) -> dict[str, Any]:
    told = {name: {"action": action, "keys": keys} for name, (action, keys) in actions.items()}
    return {"invocation": {"module_args": {"name": "media"}}, "actions": told, "diff": list(diff)}


CASES = [
    pytest.param(
        "stack",
        stack(
            {
                "sonarr": ("recreated", ["image", "environment.TZ"]),
                "radarr": ("created", []),
                "plex": ("unchanged", []),
                "bazarr": ("unchanged", ["unfinished"]),
            },
            entry(COMPOSE),
        ),
        [
            "media: bazarr proved healthy (unfinished)",
            "media: radarr created",
            "media: sonarr recreated (image, environment.TZ)",
        ],
        id="services of a stack; its files are why",
    ),
    pytest.param(
        "stack",
        stack({"plex": ("unchanged", [])}, entry(COMPOSE), entry(COMPOSE, "mode"), entry("/a", "", "x")),
        [f"media: file {COMPOSE} changed", "media: file /a created"],
        id="only files of a stack",
    ),
    pytest.param(
        "stack",
        stack({}, entry("/opt/kronos/stacks/media", "directory", "")),
        ["media: file /opt/kronos/stacks/media removed"],
        id="a stack without containers is removed",
    ),
    pytest.param("packages", {"installed": ["a", "b"]}, ["package a installed", "package b installed"], id="packages"),
    pytest.param(
        "networks",
        {"created": ["n1"], "recreated": {"n2": ["radarr", "plex"], "n3": []}, "removed": ["n4"], "kept": {"n5": []}},
        [
            "network n1 created",
            "network n2 made anew (with radarr, plex)",
            "network n3 made anew",
            "network n4 removed",
        ],
        id="networks",
    ),
    pytest.param(
        "files",
        {"created": ["/a"], "updated": ["/b"], "removed": ["/c"]},
        ["file /a created", "file /b changed", "file /c removed"],
        id="files",
    ),
    pytest.param(
        "secret",
        {"actions": {"radarr/api_key": "created", "dns/token": "given", "plex/x": "rotated"}},
        ["secret radarr/api_key created", "secret dns/token taken from the inventory", "secret plex/x rotated"],
        id="secrets by their names",
    ),
    pytest.param(
        "internal_ca",
        {"root": "created", "issued": {"proxy": "there is none"}, "diff": [entry("/etc/kronos/ca/wanted.json", "")]},
        ["certificate authority created", "certificate proxy issued (there is none)"],
        id="certificates",
    ),
    pytest.param(
        "internal_ca",
        {"root": "", "issued": {}, "diff": [entry("certificate proxy")]},
        ["certificate proxy changed"],
        id="a certificate's mode repaired",
    ),
    pytest.param(
        "units",
        {
            "enabled": ["k.timer"],
            "started": ["k.timer", "k.path"],
            "diff": [entry("/etc/systemd/system/k.timer", ""), entry("k.timer")],
        },
        ["file /etc/systemd/system/k.timer created", "unit k.path started", "unit k.timer enabled and started"],
        id="units",
    ),
    pytest.param(
        "docker_daemon",
        {
            "keys": ["live-restore"],
            "service": "restart",
            "diff": [
                entry("/etc/docker/daemon.json"),
                entry("/etc/docker/certs.d/r/ca.crt", ""),
                entry("docker.service"),
            ],
        },
        ["Docker's settings changed (live-restore)", "file /etc/docker/certs.d/r/ca.crt created", "Docker restarted"],
        id="the daemon",
    ),
    pytest.param("docker_daemon", {"service": "start", "diff": []}, ["Docker started"], id="the daemon was down"),
    pytest.param("files", {"censored": "hidden"}, ["A task: changed"], id="no_log"),
    pytest.param("host_check", {}, ["A task: changed"], id="a module that tells nothing"),
    pytest.param("units", {}, ["A task: changed"], id="a result that tells nothing"),
]


@pytest.mark.parametrize(("module", "result", "expected"), CASES)
def test_lines(module: str, result: dict[str, Any], expected: list[str]) -> None:
    found = changes_of(f"kronos.homelab.{module}", result, "A task")
    assert [change.line(False) for change in found] == expected


def test_every_kind_of_module_has_a_case() -> None:
    assert set(TELLERS) <= {case.values[0] for case in CASES}


@pytest.mark.parametrize(
    ("action", "item", "check", "expected"),
    [
        ("kronos.homelab.packages", "", True, "package a would be installed"),
        ("kronos.homelab.packages", "x", False, "package a installed"),
        ("ansible.builtin.packages", "", False, "A task: changed"),
        ("ansible.builtin.copy", "x", True, "A task [x]: would be changed"),
    ],
)
def test_words(action: str, item: str, check: bool, expected: str) -> None:
    (change,) = changes_of(action, {"installed": ["a"]}, "A task", item)
    assert change.line(check) == expected
