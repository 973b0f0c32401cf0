# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner: variables and catalogue in, one plain plan out, or all mistakes at once. Pure but for the templates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils import derive
from ansible_collections.kronos.homelab.plugins.plugin_utils.addresses import NoRoom
from ansible_collections.kronos.homelab.plugins.plugin_utils.ban_model import check_bans
from ansible_collections.kronos.homelab.plugins.plugin_utils.catalogue import Catalogue
from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_plan import (
    REACH,
    check_needs,
    check_open_ports,
    check_ports,
    check_references,
    check_stack_cycles,
    check_talks,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_route import check_guards, check_routes
from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_secret import check_derived
from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_service import check_service
from ansible_collections.kronos.homelab.plugins.plugin_utils.derive import Context
from ansible_collections.kronos.homelab.plugins.plugin_utils.dns_plan import read_dns
from ansible_collections.kronos.homelab.plugins.plugin_utils.edge import Edge, add_edge, check_edge
from ansible_collections.kronos.homelab.plugins.plugin_utils.graph import in_order
from ansible_collections.kronos.homelab.plugins.plugin_utils.inventory import read_secret_names, read_settings
from ansible_collections.kronos.homelab.plugins.plugin_utils.login_model import read_login
from ansible_collections.kronos.homelab.plugins.plugin_utils.login_plan import add_secrets
from ansible_collections.kronos.homelab.plugins.plugin_utils.names import DEFAULT_ZONE
from ansible_collections.kronos.homelab.plugins.plugin_utils.networks import (
    address_services,
    join_networks,
    list_networks,
    list_zones,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.proxy import (
    equip_people,
    equip_routes,
    equip_tls,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import OWN_STACK, Selection, read_layers, select
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import LAYERED, LEFT_OUT, Person
from ansible_collections.kronos.homelab.plugins.plugin_utils.shares import (
    check_secrets,
    check_users,
    entries_of,
    read_shares,
    secrets_of,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Renderer
from ansible_collections.kronos.homelab.plugins.plugin_utils.zones import read_named, read_zones

Data = dict[str, Any]
SCHEMA = 1


@dataclass(frozen=True)
class Peers:
    """The other hosts: their part of the plan, their services by name (None: no plan), and what to say about them."""

    entries: Mapping[str, Data] = field(default_factory=dict)
    services: Mapping[str, set[str] | None] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything a plan depends on."""

    host: str
    variables: Mapping[str, Any]
    catalogue: Catalogue
    template: Callable[[Any], Any]
    vaulted: Callable[[Any], bool] = lambda value: False
    run: str = ""
    collection: str = ""
    role_variables: str = ""
    peers: Peers = field(default_factory=Peers)


def build_plan(request: Request) -> Data:
    """Return the plan of one host as plain data; raises PlanError with every mistake in its input."""
    problems = Problems(request.catalogue.problems)
    renderer = Renderer(request.template, problems, request.variables, request.vaulted)
    settings, stacks = read_settings(request.variables, request.catalogue, renderer, problems)
    layers = {name: read_layers(f"kronos_{name}", request.variables, renderer, problems) for name in LAYERED}
    zones = read_zones(layers["zones"], settings, renderer, problems)
    storage = read_shares(layers["storage"], renderer, problems)
    people = read_named(Person, "kronos_users", layers["users"], renderer, problems)
    selection = select(request.catalogue, layers["services"], stacks, renderer, problems)
    login = read_login(request.variables, renderer, problems)
    check_bans(request.variables, renderer, problems)
    dns = read_dns(request.variables, selection, renderer, problems)
    add_secrets(selection, people, settings, login)
    if settings is not None:
        equip_tls(selection, settings)
        equip_people(selection, settings)
    given = read_secret_names(request.variables, selection, renderer, problems)
    for entry in selection.entries.values():
        check_service(entry, problems)
    check_references(selection, zones, storage, problems)
    check_users(storage, selection, problems)
    check_secrets(storage, selection, given, problems)
    check_derived(selection, given, problems)
    check_needs(selection, problems)
    check_stack_cycles(selection, problems)
    cautions = [*request.peers.cautions, *check_talks(selection, request.host, request.peers.services, problems)]
    if settings is not None:
        check_ports(selection, settings, problems)
        check_open_ports(settings, zones, problems)
        check_routes(selection, settings, problems)
        check_guards(selection, settings, people, problems)
        check_edge(selection, settings, people, problems)
        equip_routes(selection, settings)
    problems.raise_if_any()
    if settings is None or login is None:
        raise AssertionError("settings are missing only after a problem, which has been raised")
    services = {name: entry.service for name, entry in selection.entries.items()}
    joined = join_networks(services, zones)
    try:
        addresses = address_services(joined, zones)
    except NoRoom as error:
        problems.say("kronos_serving_pool", (), str(error), "a larger range")
        problems.raise_if_any()
        raise
    context = Context(request.host, settings, zones, entries_of(storage, settings), services, given, joined, addresses)
    plan = _assemble(context, selection, stacks, request, cautions)
    plan["users"] = {name: person.model_dump() for name, person in sorted(people.models.items())}
    add_edge(plan, Edge(settings, people.models, services, given, login, dns, selection), problems)
    problems.raise_if_any()
    return _sealed(plan, request.run)


def _assemble(context: Context, selection: Selection, stacks: list[str], request: Request, cautions: list[str]) -> Data:
    services = list(context.services.values())
    containers = context.containers
    routes = {service.name: derive.list_routes(service, context) for service in services}
    tiles = [derive.tile_of(service, routes[service.name]) for service in services]
    order = _stack_order(stacks, containers)
    return {
        "schema": SCHEMA,
        "host": request.host,
        "collection": request.collection,
        "role_variables": request.role_variables,
        "settings": context.settings.model_dump(exclude=set(LEFT_OUT)),
        "stack_order": order,
        "stacks": {stack: _stack(stack, containers) for stack in order},
        "services": {name: derive.service_entry(service, context) for name, service in containers.items()},
        "external": {
            service.name: {**service.external.model_dump(), "summary": service.summary}
            for service in services
            if service.external is not None
        },
        "disabled": sorted(selection.disabled),
        "zones": list_zones(context.zones),
        "networks": list_networks(context.joined, context.addresses, context.zones, context.settings.ipv6),
        "routes": [route for listed in routes.values() for route in listed],
        "streams": derive.streams_of(context),
        "published": [
            {"service": service.name, **port}
            for service in containers.values()
            for port in derive.published_ports(service, context)
        ],
        "tiles": [tile for tile in tiles if tile is not None],
        "scrapes": [scrape for service in services for scrape in derive.list_scrapes(service, context)],
        "probes": [p for service in services for p in derive.list_probes(service, routes[service.name], context)],
        "alerts": [
            {"service": service.name, **alert.model_dump(by_alias=True)}
            for service in services
            for alert in service.alerts
        ],
        "secrets": [
            *(secret for service in services for secret in derive.list_secrets(service, context)),
            *secrets_of(context.shares),
        ],
        "exceptions": [item for service in services for item in derive.list_exceptions(service)],
        "storage": dict(context.shares),
        "backups": [item for service in services for item in derive.list_backups(service, context)],
        "peers": dict(request.peers.entries),
        "cautions": sorted({*cautions, *_cautions(context, routes, request)}),
    }


def _stack_order(stacks: list[str], containers: Mapping[str, Service]) -> list[str]:
    """The wanted stacks that have services, in the stated order as far as their needs allow."""
    edges: dict[str, list[str]] = {}
    for service in containers.values():
        edges.setdefault(service.stack, []).extend(containers[t].stack for t in service.needs if t in containers)
    listed = [*stacks, *([OWN_STACK] if OWN_STACK not in stacks else [])]
    return in_order([stack for stack in listed if stack in edges], edges)


def _stack(stack: str, containers: Mapping[str, Service]) -> Data:
    members = sorted(name for name, service in containers.items() if service.stack == stack)
    edges = {name: containers[name].needs for name in members}
    return {"project": f"kronos-{stack}", "services": in_order(members, edges)}


def _cautions(context: Context, routes: Mapping[str, list[Data]], request: Request) -> list[str]:
    """What the user should know, though it is no mistake."""
    cautions: list[str] = []
    everything = [route for listed in routes.values() for route in listed]
    guarded = sorted({route["service"] for route in everything if route["access"] == "authenticated"})
    if guarded and context.settings.login == "none":
        cautions.append(
            "there is no login yet (kronos_login: none), so authenticated routes are open to LAN and VPN alone: "
            + ", ".join(guarded)
        )
    if any(route["access"] in ("lan", "authenticated") for route in everything) and not context.settings.lan:
        cautions.append("kronos_lan is empty, so nobody reaches the routes for the LAN")
    if everything and context.settings.ingress not in context.containers:
        cautions.append(
            f"the proxy {context.settings.ingress!r} does not run here, so nothing serves the {len(everything)} routes"
        )
    for zone, model in context.zones.realised.items():
        if model.network.driver == "macvlan":
            cautions.append(
                f"zone {zone} is a macvlan network: the host cannot reach it, and the router decides who may"
            )
    cautions += _unreachable(context)
    own = {route["fqdn"] for route in everything}
    for peer, entry in sorted(request.peers.entries.items()):
        shared = sorted(own & {route["fqdn"] for route in entry["routes"]})
        if shared:
            cautions.append(f"{peer} serves the same names: {', '.join(shared)}")
    return cautions


def _unreachable(context: Context) -> list[str]:
    """Ports that are open to a zone in which nothing but containers can be."""
    found = [(service.name, port) for service in context.containers.values() for port in service.ports]
    cautions = []
    for name, port in found:
        zone = context.zones.of(port.reach)
        realised = context.zones.realised.get(zone)
        if (
            port.reach not in REACH
            and realised
            and zone != DEFAULT_ZONE
            and not (realised.vlan or realised.backup_vlan)
        ):
            cautions.append(f"{name}: port {port.port} is open to zone {zone} alone, which has no VLAN: to nobody")
    return cautions


def _sealed(plan: Data, run: str) -> Data:
    """The plan with its digest, which ignores the run and whether the fast path is on."""
    return {**plan, "digest": digest_of(plan), "run": run}


def digest_of(plan: Mapping[str, Any]) -> str:
    """sha256 over the canonical JSON of a plan, without run, digest and what only steers a run (fast, lease_wait)."""
    settings = {key: value for key, value in plan["settings"].items() if key not in ("fast", "lease_wait")}
    counted = {key: value for key, value in plan.items() if key not in ("run", "digest")} | {"settings": settings}
    text = json.dumps(counted, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def summary_of(plan: Mapping[str, Any]) -> Data:
    """What other hosts learn of this one."""
    return {
        "address": plan["settings"]["address"],
        "domain": plan["settings"]["domain"],
        "routes": [{key: route[key] for key in ("fqdn", "address", "access")} for route in _addressed(plan)],
        "scrapes": plan["scrapes"],
        "published": plan["published"],
    }


def _addressed(plan: Mapping[str, Any]) -> list[Data]:
    return [{**route, "address": plan["settings"]["address"]} for route in plan["routes"]]
