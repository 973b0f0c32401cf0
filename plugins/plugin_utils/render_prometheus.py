# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus: what is scraped and probed.

https://prometheus.io/docs/prometheus/2.53/configuration/configuration/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_blackbox import probe_module
from ansible_collections.kronos.homelab.plugins.plugin_utils.verify_checks import health_path

ALERTMANAGER = "alertmanager"
BLACKBOX = "blackbox-exporter"
RULES_FILE = "/etc/prometheus/rules.yml"

# No service can have these names: theirs carry no underscore.
ROUTE_JOB = "probe_route"
BACKEND_JOB = "probe_backend"

# A guarded route turns the prober away, which the proxy logs: not more often than an alert needs.
PROBE_INTERVAL = "30s"


def prometheus_config(plan: Plan) -> Data:
    """Return the configuration: scrape jobs of this host and its peers, probes, rules and the Alertmanager."""
    config: Data = {
        "global": {
            "scrape_interval": "15s",
            "evaluation_interval": "15s",
            "external_labels": {"monitor": plan["host"]},
        },
        "rule_files": [RULES_FILE],
    }
    if ALERTMANAGER in plan["services"]:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [f"{ALERTMANAGER}:9093"]}]}]}
    config["scrape_configs"] = [*_own_jobs(plan), *_peer_jobs(plan), *_probe_jobs(plan)]
    return config


def _own_jobs(plan: Plan) -> Iterator[Data]:
    for scrape in plan["scrapes"]:
        labels = {"service": scrape["service"], "host": scrape["host"]}
        yield _job(scrape["job"], scrape["path"], scrape["target"], labels)


def peer_targets(plan: Plan) -> Iterator[Data]:
    """Yield the peers' scrapes that can be reached from here: those whose port is published on the peer's address.

    Container names and host gateways mean something on their own host only.
    """
    for name, peer in sorted(plan["peers"].items()):
        published = {(p["service"], p["target"]): p["port"] for p in peer["published"] if p["protocol"] == "tcp"}
        for scrape in peer["scrapes"]:
            target = int(scrape["target"].rpartition(":")[2])
            port = published.get((scrape["service"], target))
            if port is not None:
                yield {**scrape, "host": name, "target": f"{_bracketed(peer['address'])}:{port}"}


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _peer_jobs(plan: Plan) -> Iterator[Data]:
    for scrape in peer_targets(plan):
        labels = {"job": scrape["job"], "service": scrape["service"], "host": scrape["host"]}
        yield _job(f"{scrape['job']}@{scrape['host']}", scrape["path"], scrape["target"], labels)


def _job(name: str, path: str, target: str, labels: Data) -> Data:
    return {"job_name": name, "metrics_path": path, "static_configs": [{"targets": [target], "labels": labels}]}


def _probe_jobs(plan: Plan) -> Iterator[Data]:
    """Yield one job for all routes and one for all services; the blackbox exporter asks in our place."""
    if BLACKBOX not in plan["services"]:
        return
    routes = {route["name"]: route for route in plan["routes"]}
    for job, kind in ((ROUTE_JOB, "route"), (BACKEND_JOB, "backend")):
        probes = [_probe(plan, probe, routes) for probe in plan["probes"] if probe["kind"] == kind]
        if probes:
            yield {
                "job_name": job,
                "metrics_path": "/probe",
                "scrape_interval": PROBE_INTERVAL,
                "static_configs": probes,
                "relabel_configs": [
                    {"source_labels": ["__address__"], "target_label": "__param_target"},
                    {"target_label": "__address__", "replacement": f"{BLACKBOX}:9115"},
                ],
            }


def _probe(plan: Plan, probe: Mapping[str, Any], routes: Mapping[str, Any]) -> Data:
    """Return one target; `hostname` makes the exporter send the route's name to the proxy, in TLS and in HTTP."""
    labels = {"service": probe["service"], "host": plan["host"], "__param_module": probe_module(probe)}
    if probe["kind"] == "backend":
        return {"targets": [probe["target"]], "labels": {**labels, "instance": probe["target"]}}
    named = {"route": probe["route"], "__param_hostname": probe["fqdn"], "instance": probe["url"]}
    target = _proving_target(plan, probe, routes[probe["route"]])
    return {"targets": [target], "labels": {**labels, **named}}


def _proving_target(plan: Plan, probe: Mapping[str, Any], route: Mapping[str, Any]) -> str:
    """Ask for the health path where the route leads to it: the root of an API may well be 404."""
    proxy = str(probe["target"]).removesuffix(route["path"])
    return proxy + health_path(plan["services"].get(probe["service"]), route)
