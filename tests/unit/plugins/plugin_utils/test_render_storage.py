# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of a plan as modules take them, and who is guarded: the same truth in the compose project and in the guard."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_compose import compose_project
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_storage import (
    storage_guard,
    storage_guard_units,
    storage_packages,
    storage_shares,
)

SHARES = {
    "media": {"type": "nfs", "source": "nas:/m", "folder": "all", "directories": {"films": {"mode": "0750"}}},
    "disk": {"type": "local", "source": "LABEL=my disk", "filesystem": "xfs", "folder": "data", "path": "/mnt/d"},
    "open": {"type": "cifs", "source": "//nas/o", "guard": False},
    "own": {"type": "local", "path": "/mnt/own", "directories": {"a": {}}},
}
SERVICES = {
    "one": {
        "image": "x/one:1",
        "volumes": [{"storage": "media", "path": "films/new", "target": "/f"}],
        "needs": ["two"],
    },
    "two": {
        "image": "x/two:1",
        "volumes": [{"storage": "media", "target": "/m"}, {"storage": "disk", "path": "two", "target": "/d"}],
    },
    "job": {"image": "x/job:1", "kind": "job", "volumes": [{"storage": "media", "target": "/m"}]},
    "free": {"image": "x/free:1", "volumes": [{"storage": "open", "target": "/o"}, {"storage": "own", "target": "/w"}]},
}


@pytest.fixture(scope="module")
def plan(planning: Any) -> Any:
    return planning.plan(kronos_storage=SHARES, kronos_services=SERVICES)


def test_folders_are_those_that_are_stated_and_those_that_services_mount(plan: Any) -> None:
    found = {
        share["name"]: [
            (folder["path"], folder.get("stated", True), folder.get("mode")) for folder in share["directories"]
        ]
        for share in storage_shares(plan)
    }
    assert found == {
        "disk": [("data", False, None), ("data/two", False, None)],
        "media": [("all", False, None), ("all/films", True, "0750"), ("all/films/new", False, None)],
        "open": [],
        "own": [("a", True, "2775")],
    }


def test_packages(plan: Any) -> None:
    assert storage_packages(plan) == ["cifs-utils", "nfs-common", "xfsprogs"]


def test_who_is_guarded_is_who_is_not_restarted_by_docker(plan: Any) -> None:
    guard = storage_guard(plan)
    assert guard["users"] == {"disk": {"own": ["two"]}, "media": {"own": ["two", "one"]}}  # in start order, no jobs
    services = compose_project(plan, "own")["services"]
    held = {name for stacks in guard["users"].values() for names in stacks.values() for name in names}
    for name, service in services.items():
        wanted = "no" if name == "job" else "on-failure" if name in held else "unless-stopped"
        assert service["restart"] == wanted
        assert all(volume["bind"] == {"create_host_path": False} for volume in service["volumes"])
    sources = {volume["source"] for name in held for volume in services[name]["volumes"]}
    assert not sources & {share["path"] for share in plan["storage"].values()}  # never a mount point itself


def test_what_the_guard_looks_at(plan: Any) -> None:
    shares = storage_guard(plan)["shares"]
    assert shares["disk"] == {
        "type": "local",
        "path": "/mnt/d",
        "root": "/mnt/d/data",
        "source": r"/dev/disk/by-label/my\x20disk",
        "unit": "mnt-d.mount",
    }


def test_units_are_bound_to_the_mount(plan: Any) -> None:
    units = {unit["name"]: unit["content"] for unit in storage_guard_units(plan, "r1")}
    assert list(units) == [
        "kronos-share-guard.service",
        "kronos-share-disk.own.service",
        "kronos-share-media.own.service",
    ]
    text = units["kronos-share-disk.own.service"]
    for line in ("BindsTo=mnt-d.mount", "After=mnt-d.mount docker.service", "WantedBy=mnt-d.mount"):
        assert line in text.splitlines()
    assert "start disk own\n" in text
    again = {unit["name"]: unit["content"] for unit in storage_guard_units(plan, "r2")}
    assert [name for name in units if units[name] != again[name]] == ["kronos-share-guard.service"]


def test_without_a_guarded_share_there_is_no_guard(planning: Any) -> None:
    plan = planning.plan(kronos_storage={"own": SHARES["own"], "open": SHARES["open"]})
    assert (storage_guard(plan), storage_guard_units(plan)) == ({"shares": {}, "users": {}}, [])
