# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands on the host after the first run."""

from __future__ import annotations

import json
from typing import Any

import labtest
import pytest
import yaml

NETWORKED = ("jellyfin", "radarr", "sonarr", "transmission", "prometheus", "alertmanager", "homer", "hello", "traefik")


@pytest.fixture(scope="module")
def root(host: Any) -> str:
    """The certificate of the host's own authority."""
    return str(host.file("/etc/kronos/ca/root.crt").content_string)


@pytest.mark.parametrize("name", ["hello", "jellyfin", "radarr", "sonarr", "prometheus"])
def test_a_route_answers_over_tls_that_the_authority_signed(root: str, name: str) -> None:
    answer = labtest.fetch(name, root=root)
    assert answer.status < 400
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_forged_login_header_never_reaches_the_service(root: str) -> None:
    answer = labtest.fetch("hello", root=root, headers={"Remote-User": "admin", "X-Harmless": "yes"})
    seen = {name.lower(): value for name, value in json.loads(answer.body)["headers"].items()}
    assert seen["x-harmless"] == "yes"
    assert not seen.get("remote-user")


def test_an_unknown_name_is_no_service(root: str) -> None:
    assert labtest.fetch("nobody", root=root).status == 404


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1"])
def test_old_tls_is_refused(version: str) -> None:
    import socket
    import ssl

    context = ssl._create_unverified_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = getattr(ssl.TLSVersion, version.replace(".", "_"))
    with socket.create_connection((labtest.address(), 443), 10) as raw, pytest.raises(ssl.SSLError):
        context.wrap_socket(raw, server_hostname=f"hello.{labtest.HOST}.localhost")


def test_prometheus_sees_every_target_and_every_probe_up(host: Any) -> None:
    config = host.file("/opt/kronos/stacks/monitoring/files/prometheus/config/prometheus.yml").content_string
    jobs = {
        job["job_name"]: [target for group in job["static_configs"] for target in group["targets"]]
        for job in yaml.safe_load(config)["scrape_configs"]
    }
    declared = sum(len(targets) for targets in jobs.values())
    assert len(jobs["probe_route"]) >= 9
    assert len(jobs["probe_backend"]) >= 10

    def all_up() -> bool:
        targets = labtest.prometheus(host, "up")
        probes = labtest.prometheus(host, "probe_success")
        wanted = len(jobs["probe_route"]) + len(jobs["probe_backend"])
        sick = [one["metric"] for one in [*targets, *probes] if one["value"][1] != "1"]
        return (len(targets), len(probes), sick) == (declared, wanted, [])

    labtest.until(all_up, 120, "every target and probe up")


def test_prometheus_evaluates_the_alerts_that_every_service_gets(host: Any) -> None:
    def rules() -> Any:
        found = [rule for group in labtest.prometheus_api(host, "rules")["groups"] for rule in group["rules"]]
        return found if found and all(rule["health"] == "ok" for rule in found) else None

    names = {rule["name"] for rule in labtest.until(rules, 60, "all rules evaluated without an error")}
    assert {"ServiceDown", "RouteDown", "CertificateExpiring"} <= names
    managers = labtest.prometheus_api(host, "alertmanagers")["activeAlertmanagers"]
    assert [one["url"] for one in managers] == ["http://alertmanager:9093/api/v2/alerts"]


def test_the_dashboard_has_a_tile_for_every_routed_service(host: Any) -> None:
    config = yaml.safe_load(host.file("/opt/kronos/stacks/dashboard/files/homer/assets/config.yml").content_string)
    tiles = {item["url"] for group in config["services"] for item in group["items"]}
    for name in ("jellyfin", "radarr", "hello", "prometheus"):
        assert any(url.startswith(f"https://{name}.") for url in tiles), (name, tiles)


def test_the_authority_is_offered_for_download(root: str) -> None:
    assert labtest.fetch("home", "/assets/kronos-root.crt", root=root).body == root


def test_media_services_share_one_directory(host: Any) -> None:
    sources = {
        mount["Source"]
        for name, one in labtest.inspect(host, ["jellyfin", "radarr", "sonarr", "transmission"]).items()
        for mount in one["Mounts"]
        if mount["Source"].startswith("/mnt/storage/media")
    }
    assert sources == {"/mnt/storage/media/library"}


def test_containers_are_hardened(host: Any) -> None:
    for name, one in labtest.inspect(host).items():
        config = one["HostConfig"]
        assert not config["Privileged"], name
        assert config["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in config["SecurityOpt"], name
        assert config["Memory"] > 0, name
        assert config["PidsLimit"] > 0, name
        assert config["LogConfig"]["Type"] == "journald", name
        assert not any("docker.sock" in mount["Source"] for mount in one["Mounts"]), name


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("/etc/kronos/secrets", 0o700),
        ("/etc/kronos/secrets/radarr/api_key", 0o600),
        ("/etc/kronos/ca/root.key", 0o600),
        ("/opt/kronos/stacks/media/compose.yml", 0o600),
        ("/opt/kronos/stacks/media", 0o700),
    ],
)
def test_what_is_private_is_private(host: Any, path: str, mode: int) -> None:
    file = host.file(path)
    assert (file.user, file.mode & 0o777) == ("root", mode)


def test_certificates_are_renewed_by_the_host_itself(host: Any, root: str) -> None:
    assert host.service("kronos-certificates.timer").is_running
    wanted = json.loads(host.file("/etc/kronos/ca/wanted.json").content_string)
    assert wanted["leaves"][0]["name"] == "proxy"
    before = host.file("/etc/kronos/tls/proxy/cert.pem").sha256sum
    host.check_output("systemctl start kronos-certificates.service")
    assert host.file("/etc/kronos/tls/proxy/cert.pem").sha256sum == before


def test_traefik_has_nothing_but_its_files(host: Any) -> None:
    traefik = labtest.inspect(host, ["traefik"])["traefik"]
    assert traefik["HostConfig"]["ReadonlyRootfs"]
    assert all(not mount["RW"] for mount in traefik["Mounts"])


def test_the_api_of_the_proxy_is_not_reachable_from_its_neighbours(host: Any) -> None:
    command = "docker exec hello python3 -c \"import socket; socket.create_connection(('traefik', 8080), 3)\""
    assert host.run(command).rc != 0
