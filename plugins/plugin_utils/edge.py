# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge in the plan: login, firewall for the web, streams, TLS, VPN and Cloudflare, each with its own checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_authelia import check_authelia
from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_plan import udp_ports
from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_waf import check_waf
from ansible_collections.kronos.homelab.plugins.plugin_utils.cloudflare import (
    check_cloudflare,
    cloudflare_entry,
    cloudflare_secrets,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.dns_model import Variables
from ansible_collections.kronos.homelab.plugins.plugin_utils.dns_plan import check_dns, dns_cautions
from ansible_collections.kronos.homelab.plugins.plugin_utils.login_model import Login
from ansible_collections.kronos.homelab.plugins.plugin_utils.login_plan import check_login, login_cautions, login_entry
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.proxy import check_stream_target, check_tls
from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Selection
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Person, Settings
from ansible_collections.kronos.homelab.plugins.plugin_utils.streams import check_streams
from ansible_collections.kronos.homelab.plugins.plugin_utils.vpn import check_vpn, vpn_cautions, vpn_entry
from ansible_collections.kronos.homelab.plugins.plugin_utils.zones import Named

Data = dict[str, Any]


@dataclass(frozen=True)
class Edge:
    """What the edge is derived from, beside the plan."""

    settings: Settings
    people: Mapping[str, Person]
    services: Mapping[str, Service]
    given: Mapping[str, frozenset[str]]
    login: Login
    dns: Variables | None
    selection: Selection


def check_edge(selection: Selection, settings: Settings, people: Named, problems: Problems) -> None:
    """Add every mistake in what the records and settings want of the edge."""
    check_login(selection, people, settings, problems)
    check_waf(selection, problems)
    check_vpn(settings, people, udp_ports(selection), problems)
    check_streams(selection, settings, problems)
    check_tls(selection, settings, problems)
    check_stream_target(selection, settings, problems)


def add_edge(plan: Data, edge: Edge, problems: Problems) -> None:
    """Add the entries vpn, cloudflare and login to a plan, and what is to be said of them."""
    plan["vpn"] = vpn_entry(edge.settings, edge.people, edge.services)
    check_cloudflare(plan, edge.given, problems)
    problems.raise_if_any()
    plan["cloudflare"] = cloudflare_entry(plan)
    plan["secrets"] = [*plan["secrets"], *cloudflare_secrets(plan)]
    plan["login"] = login_entry(edge.settings, edge.login, plan, edge.selection)
    said = [*vpn_cautions(plan["vpn"], plan["routes"]), *login_cautions(edge.settings, plan), *dns_cautions(plan)]
    plan["cautions"] = sorted({*plan["cautions"], *said})
    check_authelia(plan, problems)
    check_dns(plan, edge.dns, problems)
