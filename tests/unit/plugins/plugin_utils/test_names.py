# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and image references."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.names import (
    bridge_name,
    is_dns_safe,
    is_host_name,
    is_key_safe,
    mirrored,
    parse_image,
)

DIGEST = "sha256:" + "a" * 64

IMAGES = [
    ("traefik:v3.7.15", "docker.io/library/traefik:v3.7.15"),
    ("prom/prometheus:v2.53.3", "docker.io/prom/prometheus:v2.53.3"),
    ("docker.io/traefik:v3", "docker.io/library/traefik:v3"),
    ("docker.io/library/traefik:v3", "docker.io/library/traefik:v3"),
    ("lscr.io/linuxserver/radarr:5.26.2", "lscr.io/linuxserver/radarr:5.26.2"),
    ("registry.example:5000/a/b:1", "registry.example:5000/a/b:1"),
    ("localhost/a:1", "localhost/a:1"),
    (f"ghcr.io/a/b:1@{DIGEST}", f"ghcr.io/a/b:1@{DIGEST}"),
]

BROKEN_IMAGES = [
    ("traefik", "pinned tag"),
    ("traefik:latest", "not 'latest'"),
    ("registry.example:5000/a", "pinned tag"),
    (f"traefik@{DIGEST}", "pinned tag"),
    ("traefik:1@sha256:1", "sha256"),
    ("Traefik:1", "image reference"),
    ("a//b:1", "image reference"),
    ("a:1:2", "image reference"),
    (":1", "image reference"),
    ("", "pinned tag"),
    ("a b:1", "image reference"),
    ("a:1\nx", "image reference"),
]


@pytest.mark.parametrize(("reference", "full"), IMAGES)
def test_images_are_written_in_full(reference: str, full: str) -> None:
    assert str(parse_image(reference)) == full
    assert str(parse_image(full)) == full


@pytest.mark.parametrize(("reference", "wanted"), BROKEN_IMAGES)
def test_images_that_are_refused(reference: str, wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        parse_image(reference)


@pytest.mark.parametrize(
    ("reference", "mirror", "pulled"),
    [
        ("traefik:v3", "", "docker.io/library/traefik:v3"),
        ("traefik:v3", "registry.lab:5000", "registry.lab:5000/docker.io/library/traefik:v3"),
        ("lscr.io/a/b:1", "registry.lab/cache/", "registry.lab/cache/lscr.io/a/b:1"),
        ("registry.example:5000/a:1", "registry.lab", "registry.lab/registry.example-5000/a:1"),
    ],
)
def test_the_mirror_keeps_registry_and_repository(reference: str, mirror: str, pulled: str) -> None:
    assert mirrored(parse_image(reference), mirror) == pulled
    parse_image(pulled)


@pytest.mark.parametrize(
    ("name", "safe"),
    [("a", True), ("node-exporter", True), ("a" * 63, True), ("a" * 64, False), ("1a", False), ("a-", False)]
    + [(name, False) for name in ("", "A", "a_b", "a.b", "../a", "a\n", "ä")],
)
def test_dns_safe(name: str, safe: bool) -> None:
    assert is_dns_safe(name) is safe


@pytest.mark.parametrize(
    ("name", "safe"), [("api_key", True), ("a-b", True), ("a/b", False), ("..", False), ("", False)]
)
def test_key_safe(name: str, safe: bool) -> None:
    assert is_key_safe(name) is safe


@pytest.mark.parametrize(("name", "is_one"), [("a.b.c", True), ("192.home", True), ("a..b", False), ("a.b.", False)])
def test_host_name(name: str, is_one: bool) -> None:
    assert is_host_name(name) is is_one


@pytest.mark.parametrize(
    ("network", "bridge"),
    [
        ("kronos-default", "kr-default"),
        ("kronos-in-default", "kr-in-default"),
        ("kronos-to-abcdefghi", "kr-to-abcdefghi"),
    ],
)
def test_short_bridge_names_are_readable(network: str, bridge: str) -> None:
    assert bridge_name(network) == bridge


def test_long_bridge_names_fit_and_differ() -> None:
    names = {bridge_name(f"kronos-in-management-{number}") for number in range(20)}
    assert len(names) == 20
    assert all(len(name) == 15 for name in names)
