# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus scrapes and probes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_prometheus import peer_targets, prometheus_config

BACKEND = {"kind": "backend", "service": "app", "target": "http://app:8080/ping", "status": []}


def scrape(service: str, target: str, **said: Any) -> dict[str, Any]:
    """A scrape of a plan."""
    return {"service": service, "job": service, "target": target, "path": "/metrics", "host": "lab1", **said}


def route_probe(name: str, access: str = "public", path: str = "/") -> dict[str, Any]:
    """A probe through the proxy."""
    fqdn = f"{name}.home.example"
    said = {"kind": "route", "service": name, "route": name, "url": f"https://{fqdn}{path}", "fqdn": fqdn}
    return {**said, "access": access, "target": f"https://traefik{path}"}


def jobs(plan: Any) -> dict[str, Any]:
    """Scrape jobs by name."""
    return {job["job_name"]: job for job in prometheus_config(plan)["scrape_configs"]}


def test_scrapes(plans: Any) -> None:
    scrapes = [scrape("app", "app:9000"), scrape("app", "app:9001", job="app-2", path="/m")]
    assert jobs(plans.plan(scrapes=scrapes))["app-2"] == {
        "job_name": "app-2",
        "metrics_path": "/m",
        "static_configs": [{"targets": ["app:9001"], "labels": {"service": "app", "host": "lab1"}}],
    }


@pytest.mark.parametrize(
    ("address", "published", "targets"),
    [
        ("192.0.2.11", [(9100, 9100, "tcp")], ["192.0.2.11:9100"]),
        ("2001:db8::2", [(19100, 9100, "tcp")], ["[2001:db8::2]:19100"]),
        ("192.0.2.11", [], []),
        ("192.0.2.11", [(9100, 9100, "udp")], []),
        ("192.0.2.11", [(9100, 80, "tcp")], []),
    ],
)
def test_peers_are_scraped_where_they_publish(address: str, published: Any, targets: Any, plans: Any) -> None:
    ports = [
        {"service": "exporter", "port": port, "target": target, "protocol": protocol}
        for port, target, protocol in published
    ]
    scrapes = [scrape("exporter", "172.17.0.1:9100", host="lab2"), scrape("app", "app:9100", host="lab2")]
    plan = plans.plan(peers={"lab2": {"address": address, "published": ports, "scrapes": scrapes}})
    assert [target["target"] for target in peer_targets(plan)] == targets
    if targets:
        static = jobs(plan)["exporter@lab2"]["static_configs"][0]
        assert static == {
            "targets": targets,
            "labels": {"job": "exporter", "service": "exporter", "host": "lab2"},
        }


def test_route_probe_sends_the_name_of_the_route(plans: Any) -> None:
    plan = plans.plan(
        plans.service("blackbox-exporter"), probes=[route_probe("app", "lan")], routes=[plans.route("app")]
    )
    job = jobs(plan)["probe_route"]
    assert (job["metrics_path"], job["scrape_interval"]) == ("/probe", "30s")
    assert job["static_configs"] == [
        {
            "targets": ["https://traefik/"],
            "labels": {
                "service": "app",
                "host": "lab1",
                "route": "app",
                "instance": "https://app.home.example/",
                "__param_hostname": "app.home.example",
                "__param_module": "route_home",
            },
        }
    ]
    assert job["relabel_configs"] == [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"target_label": "__address__", "replacement": "blackbox-exporter:9115"},
    ]


@pytest.mark.parametrize(
    ("port", "health", "path", "target"),
    [
        (8080, "/ping", "/", "https://traefik/ping"),
        (9999, "/ping", "/", "https://traefik/"),
        (8080, "/admin/ping", "/admin", "https://traefik/admin/ping"),
        (8080, "/ping", "/admin", "https://traefik/admin"),
    ],
)
def test_route_is_asked_for_its_health(port: int, health: str, path: str, target: str, plans: Any) -> None:
    check = {"http": {"port": port, "path": health}, "command": None, "timeout": 1}
    plan = plans.plan(
        plans.service("blackbox-exporter"),
        plans.service("app", health=check),
        probes=[route_probe("app", path=path)],
        routes=[plans.route("app", path=path)],
    )
    assert jobs(plan)["probe_route"]["static_configs"][0]["targets"] == [target]


def test_backend_probe(plans: Any) -> None:
    plan = plans.plan(plans.service("blackbox-exporter"), probes=[BACKEND])
    assert jobs(plan)["probe_backend"]["static_configs"] == [
        {
            "targets": ["http://app:8080/ping"],
            "labels": {
                "service": "app",
                "host": "lab1",
                "instance": "http://app:8080/ping",
                "__param_module": "backend",
            },
        }
    ]


def test_what_is_not_there_is_not_asked(plans: Any) -> None:
    config = prometheus_config(plans.plan(probes=[BACKEND]))
    assert config["scrape_configs"] == []
    assert "alerting" not in config
    assert config["global"]["external_labels"] == {"monitor": "lab1"}


def test_alertmanager(plans: Any) -> None:
    config = prometheus_config(plans.plan(plans.service("alertmanager")))
    assert config["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]


def test_jobs_have_names_of_their_own(planning: Any) -> None:
    plan = planning.plan(kronos_stacks=["traefik", "monitoring"])
    names = [job["job_name"] for job in prometheus_config(plan)["scrape_configs"]]
    assert len(names) == len(set(names))
    assert {"traefik", "node-exporter", "prometheus", "probe_route", "probe_backend"} <= set(names)
