# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record of ten lines comes, and goes again."""

from __future__ import annotations

from typing import Any

import labtest
import yaml

RECORD = {
    "summary": "A service of the user",
    "image": "docker.io/kronos/echo:1.0",
    "user": {"uid": 1000, "gid": 1000, "how": "run"},
    "volumes": [{"name": "data", "target": "/data"}],
    "routes": [{"host": "diary", "port": 8080, "access": "public"}],
    "metrics": [{"port": 8080, "path": "/metrics"}],
    "health": {"http": {"port": 8080, "path": "/health", "expect": "status == 'ok'"}},
    "tile": {"group": "Home"},
}


def tiles(host: Any) -> set[str]:
    config = yaml.safe_load(host.file("/opt/kronos/stacks/dashboard/files/homer/assets/config.yml").content_string)
    return {item["url"] for group in config["services"] for item in group["items"]}


def states(host: Any, query: str) -> list[str]:
    return [one["value"][1] for one in labtest.prometheus(host, query)]


def test_ten_lines_give_a_service_and_taking_them_away_keeps_the_data(host: Any) -> None:
    url = f"https://diary.{labtest.HOST}.localhost"
    traefik = labtest.inspect(host, ["traefik"])["traefik"]["State"]["StartedAt"]

    run = labtest.site(kronos_services_zz={"diary": RECORD})
    assert run.code == 0, run.output
    assert run.actions()["diary"] == "created"
    assert labtest.inspect(host, ["diary"])["diary"]["State"]["Running"]
    root = host.file("/etc/kronos/ca/root.crt").content_string
    answer = labtest.fetch("diary", root=root)
    assert answer.status == 200
    assert url in tiles(host)
    labtest.until(lambda: states(host, 'up{job="diary"}') == ["1"], 90, "scrape target up")
    # one through the proxy, one straight
    labtest.until(lambda: states(host, 'probe_success{service="diary"}') == ["1", "1"], 90, "both probes up")
    assert labtest.inspect(host, ["traefik"])["traefik"]["State"]["StartedAt"] == traefik, "the proxy was restarted"

    host.check_output("echo dear > /srv/kronos/diary/data/page")
    run = labtest.site(kronos_services_zz={"diary": {**RECORD, "enabled": False}})
    assert run.code == 0, run.output
    assert run.actions()["diary"] == "removed"
    assert host.run("docker inspect diary").rc != 0
    assert labtest.fetch("diary").status == 404
    assert url not in tiles(host)
    prometheus = host.file("/opt/kronos/stacks/monitoring/files/prometheus/config/prometheus.yml").content_string
    assert "diary" not in prometheus
    assert host.file("/srv/kronos/diary/data/page").content_string == "dear\n"

    assert labtest.site(kronos_services_zz={"diary": RECORD}).code == 0
    assert host.file("/srv/kronos/diary/data/page").content_string == "dear\n"
    assert labtest.site().code == 0
    assert host.run("docker inspect diary").rc != 0


def test_a_stack_that_is_no_longer_selected_goes_and_comes_back(host: Any) -> None:
    run = labtest.site(kronos_stacks=["traefik", "dashboard", "monitoring"])
    assert run.code == 0, run.output
    assert host.run("docker inspect jellyfin").rc != 0
    assert not host.file("/opt/kronos/stacks/media").exists
    assert host.file("/srv/kronos/radarr/config").is_directory
    key = host.file("/etc/kronos/secrets/radarr/api_key").sha256sum
    assert labtest.site().code == 0
    assert labtest.inspect(host, ["jellyfin"])["jellyfin"]["State"]["Running"]
    assert host.file("/etc/kronos/secrets/radarr/api_key").sha256sum == key
