# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start page."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_homer import homer_config


def tile(name: str, **said: Any) -> dict[str, Any]:
    """A tile of a plan."""
    usual = {"service": name, "group": "Media", "name": name.title(), "subtitle": "", "icon": name}
    return {**usual, "url": f"https://{name}.home.example", **said}


def test_groups_and_tiles_by_name(plans: Any) -> None:
    tiles = [tile("sonarr"), tile("jellyfin", subtitle="Films"), tile("nas", group="house"), tile("zoo", group="Apps")]
    services = homer_config(plans.plan(tiles=tiles))["services"]
    assert [group["name"] for group in services] == ["Apps", "house", "Media"]
    assert services[2]["items"] == [
        {
            "name": "Jellyfin",
            "subtitle": "Films",
            "url": "https://jellyfin.home.example",
            "icon": "fas fa-film",
        },
        {"name": "Sonarr", "url": "https://sonarr.home.example", "icon": "fas fa-tv"},
    ]
    assert homer_config(plans.plan(tiles=tiles[::-1]))["services"] == services


@pytest.mark.parametrize(
    ("icon", "picture"),
    [
        ("film", {"icon": "fas fa-film"}),
        ("radarr", {"icon": "fas fa-clapperboard"}),
        ("app", {"icon": "fas fa-cube"}),
        ("fab fa-github", {"icon": "fab fa-github"}),
        ("https://a.example/x.png", {"logo": "https://a.example/x.png"}),
        ("assets/own/x.png", {"logo": "assets/own/x.png"}),
        ("/assets/x.png", {"logo": "/assets/x.png"}),
    ],
)
def test_icon(icon: str, picture: dict[str, str], plans: Any) -> None:
    item = homer_config(plans.plan(tiles=[tile("app", icon=icon)]))["services"][0]["items"][0]
    assert {key: item[key] for key in ("icon", "logo") if key in item} == picture


@pytest.mark.parametrize(("mode", "urls"), [("internal_ca", ["/assets/kronos-root.crt"]), ("acme", [])])
def test_root_certificate(mode: str, urls: list[str], plans: Any) -> None:
    page = homer_config(plans.plan(settings={"tls": {"mode": mode}}))
    assert [link["url"] for link in page["links"]] == urls
    assert page["title"] == "home.example"
    assert page["services"] == []
