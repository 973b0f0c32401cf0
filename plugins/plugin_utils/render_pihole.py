# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module pihole is asked for: the role's variables, checked, and the names that follow from the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.dns_model import check_circle, checked
from ansible_collections.kronos.homelab.plugins.plugin_utils.networks import serving_network
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_dns import dns_records, kept_inside
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_resolvers import DNSDIST_PORT, UNBOUND_PORT

SERVICE = "pihole"
WEB_PORT = 80
RESOLVERS = {"dot": ("unbound", UNBOUND_PORT), "doh": ("dnsdist", DNSDIST_PORT)}


def pihole_wanted(plan: Plan, variables: Mapping[str, Any]) -> Data:
    """Return the arguments of the module pihole; raises RenderError with every mistake in the role's variables."""
    problems = Problems()
    read = checked(variables, problems)
    if read is not None:
        check_circle(read, own_addresses(plan), problems)
    if problems or read is None:
        raise RenderError("\n".join(str(problem) for problem in sorted(set(problems))))
    given = read.model_dump()
    address = _address(plan, SERVICE)
    return {
        "url": f"http://{address}:{WEB_PORT}",
        "folder": next((d["path"] for d in plan["services"][SERVICE]["directories"]), ""),
        "own_addresses": own_addresses(plan),
        "hosts": _hosts(plan, given["hosts"]),
        "upstreams": _upstreams(plan, given),
        "dnsmasq_lines": [*given["dnsmasq_lines"], *(f"local=/{name}/" for name in kept_inside(plan))],
        **{name: given[name] for name in ("cnames", "conditional", "lists", "domains", "groups", "clients")},
        **{name: given[name] for name in ("blocking", "config")},
        # lines of this kind are there by hand for reasons that we do not know
        "sections": {"dnsmasq_lines": "additive", **given["sections"]},
        "resolvers": {key: given[key] for key in ("tls_upstreams", "https_upstreams", "upstream_ca")},
    }


def own_addresses(plan: Plan) -> list[str]:
    """Where Pi-hole answers: at the host, and at its own address."""
    return [plan["settings"]["address"], _address(plan, SERVICE)]


def _address(plan: Plan, service: str) -> str:
    """Where the host and its neighbours reach a service of ours."""
    entry = plan["services"][service]
    return str(entry["addresses"][serving_network(entry["realised_zone"])])


def _upstreams(plan: Plan, given: Mapping[str, Any]) -> list[str]:
    if given["upstream_mode"] == "plain":
        return list(given["upstreams"])
    service, port = RESOLVERS[given["upstream_mode"]]
    return [f"{_address(plan, service)}#{port}"]


def _hosts(plan: Plan, further: list[Data]) -> list[Data]:
    """The names of the plan, without those to which the inventory gives an address itself, and then these."""
    stated = {name for each in further for name in each["names"]}
    derived = [
        {**each, "names": [name for name in each["names"] if name not in stated]} for each in dns_records(plan)["hosts"]
    ]
    return [each for each in [*derived, *further] if each["names"]]
