# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules of Prometheus: what every service, route and host gets, and what records add.

https://prometheus.io/docs/prometheus/2.53/configuration/alerting_rules/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, revision
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_prometheus import (
    BACKEND_JOB,
    ROUTE_JOB,
    peer_targets,
    prometheus_config,
)

PROMETHEUS_PORT = 9090
NODE_EXPORTER = "node-exporter"
CERTIFICATE_DAYS = 14

# File systems that come and go, or show another one's space.
_PASSING = "tmpfs|ramfs|overlay|squashfs|nsfs|fuse.*"


def prometheus_rules(plan: Plan) -> Data:
    """Return the rule file. The name of its first group tells which revision Prometheus runs with."""
    groups = _groups(plan)
    # Prometheus lists no group without a rule; this one records nothing, ever.
    nothing = {"record": "kronos:revision", "expr": "vector(0) > 1"}
    return {"groups": [{"name": _mark(plan, groups), "rules": [nothing]}, *groups]}


def prometheus_reload_check(plan: Plan) -> Data:
    """Return the HTTP check that holds when Prometheus runs with the plan's configuration and rules."""
    mark = _mark(plan, _groups(plan))
    return {
        "http": {
            "port": PROMETHEUS_PORT,
            "path": "/api/v1/rules",
            "expect": f"contains(data.groups[].name, '{mark}')",
        }
    }


def _mark(plan: Plan, groups: list[Data]) -> str:
    # Rules are loaded last: with them the configuration was taken too.
    return f"revision-{revision([prometheus_config(plan), groups])}"


def _groups(plan: Plan) -> list[Data]:
    groups = {"services": list(_service_rules()), "hosts": list(_host_rules(plan)), "records": _record_rules(plan)}
    return [{"name": name, "rules": rules} for name, rules in groups.items() if rules]


def _rule(alert: str, expr: str, wait: str, severity: str, summary: str, **labels: str) -> Data:
    return {
        "alert": alert,
        "expr": expr,
        "for": wait,
        "labels": {**labels, "severity": severity},
        "annotations": {"summary": summary},
    }


def _service_rules() -> Iterator[Data]:
    yield _rule(
        "ServiceDown",
        f'probe_success{{job="{BACKEND_JOB}"}} == 0 or up{{job!~"{ROUTE_JOB}|{BACKEND_JOB}"}} == 0',
        "2m",
        "critical",
        "{{ $labels.service }} on {{ $labels.host }} does not answer at {{ $labels.instance }}",
    )
    yield _rule(
        "ProbesMissing",
        f'up{{job=~"{ROUTE_JOB}|{BACKEND_JOB}"}} == 0',
        "5m",
        "warning",
        "Nobody can tell whether {{ $labels.service }} answers: the probe itself fails",
    )
    yield _rule(
        "RouteDown",
        f'probe_success{{job="{ROUTE_JOB}"}} == 0',
        "2m",
        "critical",
        "{{ $labels.instance }} does not answer through the proxy",
    )
    yield _rule(
        "CertificateExpiring",
        f'probe_ssl_earliest_cert_expiry{{job="{ROUTE_JOB}"}} - time() < {CERTIFICATE_DAYS} * 86400',
        "10m",
        "warning",
        "The certificate of {{ $labels.instance }} expires in {{ $value | humanizeDuration }}",
    )


def _host_rules(plan: Plan) -> Iterator[Data]:
    if any(True for _target in peer_targets(plan)):
        yield _rule(
            "HostDown",
            f'max by (host) (up{{host!="{_quoted(plan["host"])}"}}) == 0',
            "2m",
            "critical",
            "Nothing on {{ $labels.host }} answers",
        )
    if NODE_EXPORTER in plan["services"]:
        space = f'{{fstype!~"{_PASSING}"}}'
        yield _rule(
            "FilesystemAlmostFull",
            f"node_filesystem_avail_bytes{space} / node_filesystem_size_bytes{space} < 0.1"
            f" and node_filesystem_readonly{space} == 0",
            "15m",
            "warning",
            "{{ $labels.mountpoint }} on {{ $labels.host }} has {{ $value | humanizePercentage }} left",
        )
        yield _rule(
            "MemoryAlmostFull",
            "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.08",
            "15m",
            "warning",
            "{{ $labels.host }} has {{ $value | humanizePercentage }} of its memory left",
        )


def _record_rules(plan: Plan) -> list[Data]:
    """Return the rules that records declare; their texts are Prometheus templates, as anywhere in a rule file."""
    return [_record_rule(alert) for alert in plan["alerts"]]


def _record_rule(alert: dict[str, Any]) -> Data:
    labels = {"service": alert["service"]}
    return _rule(alert["alert"], alert["expr"], alert["for"], alert["severity"], alert["summary"], **labels)


def _quoted(text: str) -> str:
    """Return text for the inside of a PromQL string in double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
