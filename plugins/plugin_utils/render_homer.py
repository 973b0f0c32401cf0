# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Homer, the start page: https://github.com/bastienwirtz/homer/blob/v25.05.2/docs/configuration.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan

# Homer ships Font Awesome's free glyphs; pictures of products would have to be fetched from somebody's server.
GLYPHS = {
    "alertmanager": "bell",
    "authelia": "user-shield",
    "filebrowser": "folder-open",
    "gitea": "code-branch",
    "grafana": "chart-line",
    "homeassistant": "house-signal",
    "immich": "images",
    "jellyfin": "film",
    "lidarr": "music",
    "netdata": "gauge-high",
    "nextcloud": "cloud",
    "paperless": "file-lines",
    "pihole": "shield-halved",
    "plex": "circle-play",
    "portainer": "cubes",
    "prometheus": "fire",
    "prowlarr": "magnifying-glass",
    "radarr": "clapperboard",
    "readarr": "book",
    "sonarr": "tv",
    "syncthing": "rotate",
    "traefik": "route",
    "transmission": "download",
    "uptime-kuma": "heart-pulse",
    "vaultwarden": "key",
}
UNKNOWN_GLYPH = "cube"
ROOT_CERTIFICATE = "/assets/kronos-root.crt"


def homer_config(plan: Plan) -> Data:
    """Return config.yml: one group per tile group, tiles by name, and the root certificate for download."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for tile in plan["tiles"]:
        groups.setdefault(tile["group"], []).append(tile)
    return {
        "title": plan["settings"]["domain"],
        "subtitle": f"Served by {plan['host']}",
        "icon": "fas fa-house",
        "header": True,
        "footer": False,
        "columns": "auto",
        "connectivityCheck": True,
        "links": _links(plan),
        "services": [{"name": group, "items": _items(groups[group])} for group in sorted(groups, key=_by_name)],
    }


def _by_name(text: str) -> tuple[str, str]:
    return text.casefold(), text


def _items(tiles: list[Mapping[str, Any]]) -> list[Data]:
    return [_item(tile) for tile in sorted(tiles, key=lambda tile: (*_by_name(tile["name"]), tile["service"]))]


def _item(tile: Mapping[str, Any]) -> Data:
    texts = {key: tile[key] for key in ("name", "subtitle", "url") if tile[key]}
    return {**texts, **_picture(tile)}


def _picture(tile: Mapping[str, Any]) -> Data:
    """Return a picture by its address, a glyph by its classes (`fab fa-github`), a product or glyph by its name."""
    icon: str = tile["icon"]
    if icon.startswith(("http://", "https://", "/", "assets/")):
        return {"logo": icon}
    if " " in icon:
        return {"icon": icon}
    unsaid = icon == tile["service"]  # the plan's default is no promise that such a glyph exists
    return {"icon": f"fas fa-{GLYPHS.get(icon, UNKNOWN_GLYPH if unsaid else icon)}"}


def _links(plan: Plan) -> list[Data]:
    if plan["settings"]["tls"]["mode"] not in ("internal_ca", "acme_http"):
        return []
    return [{"name": "Root certificate", "icon": "fas fa-certificate", "url": ROOT_CERTIFICATE}]
