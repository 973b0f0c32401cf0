# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of the catalogue: small, complete, and what they promise can be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomllib
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_authelia import authelia_files
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_stack import stack_services
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik import API_PORT, HTTP_PORT, HTTPS_PORT

ROOT = Path(__file__).resolve().parents[4]
RECORDS = {path.stem: path for path in sorted(ROOT.glob("roles/*/services/*.yml"))}
STACKS = sorted({path.parent.parent.name for path in RECORDS.values()})


@pytest.fixture(scope="module")
def plan(planning: Any) -> Any:
    """A plan of everything there is."""
    media = {"type": "local", "path": "/mnt/media"}
    login = {"kronos_login": "authelia", "kronos_users": {"ada": {"groups": ["family"]}}}
    # one resolver at most, by a variable; the page only where somebody asks for it
    either = {name: {"enabled": True} for name in ("unbound", "dnsdist", "maintenance")}
    return planning.plan(kronos_stacks=STACKS, kronos_storage={"media": media}, kronos_services=either, **login)


@pytest.mark.parametrize("name", RECORDS)
def test_record_is_small_and_helps_editors(name: str) -> None:
    text = RECORDS[name].read_text(encoding="utf-8")
    assert "# yaml-language-server: $schema=../../../docs/schema/" in text
    assert len(text.splitlines()) <= 40


@pytest.mark.parametrize("name", RECORDS)
def test_service_can_be_watched(name: str, plan: Any) -> None:
    service = plan["services"][name]
    assert service["summary"]
    assert service["health"], "a health check is what an update is judged by"
    assert service["limits"]["memory"]
    assert all(mount["read_only"] for mount in service["mounts"] if mount["kind"] == "host")


@pytest.mark.parametrize("name", RECORDS)
def test_image_is_one_the_lab_has(name: str, plan: Any) -> None:
    images = tomllib.loads((ROOT / "molecule" / "lab" / "images.toml").read_text(encoding="utf-8"))["image"]
    kinds = {image["ref"]: image["kind"] for image in images}
    assert plan["services"][name]["image_ref"] in kinds
    if plan["services"][name]["proven"] == "lab":
        assert kinds[plan["services"][name]["image_ref"]] == "real"


@pytest.mark.parametrize("stack", STACKS)
def test_files_of_the_role_lie_where_the_record_mounts_them(stack: str, plan: Any) -> None:
    path = ROOT / "roles" / stack / "vars" / "main.yml"
    variables = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    files = variables.get(f"__{stack}_files", {})
    # a template here is a filter that returns the files
    files = {name: authelia_files(plan) if isinstance(listed, str) else listed for name, listed in files.items()}
    overrides = variables.get(f"__{stack}_overrides", {})
    services = stack_services(plan, stack, files, overrides)
    mounted = {
        (name, mount["source"].rpartition("/")[2])
        for name in services
        for mount in plan["services"][name]["mounts"]
        if mount["kind"] == "files"
    }
    assert {
        (name, file["path"].split("/")[0]) for name, service in services.items() for file in service["files"]
    } == mounted


def test_proxy_listens_where_its_configuration_says(plan: Any) -> None:
    proxy = plan["services"]["traefik"]
    assert {port["target"] for port in proxy["published"]} == {HTTP_PORT, HTTPS_PORT}
    assert {port["port"] for port in proxy["published"]} == {80, 443}
    route = next(route for route in plan["routes"] if route["service"] == "traefik")
    assert route["upstream"] == f"http://{proxy['addresses']['kronos-in-default']}:{API_PORT}"
    assert proxy["joins_zones"]
    assert proxy["read_only"]
    assert not any("docker.sock" in mount["source"] for mount in proxy["mounts"])


def test_media_services_share_one_folder(plan: Any) -> None:
    members = [plan["services"][name] for name in plan["stacks"]["media"]["services"]]
    for service in members:
        assert ("/mnt/media", "/data") in {(mount["source"], mount["target"]) for mount in service["mounts"]}
