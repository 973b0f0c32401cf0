# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from the checked records: the plan's entry of each service, routes, tiles, scrapes, probes, secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_plan import REACH, fqdn, route_name
from ansible_collections.kronos.homelab.plugins.plugin_utils.hardening import exceptions_of, is_file_variable
from ansible_collections.kronos.homelab.plugins.plugin_utils.names import DATA_ZONE, mirrored, parse_image
from ansible_collections.kronos.homelab.plugins.plugin_utils.networks import is_inside, serving_network
from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_parts import (
    Derived,
    HttpCheck,
    Metric,
    Secret,
    SecretReference,
    Volume,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_route import Route, as_bytes
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Settings
from ansible_collections.kronos.homelab.plugins.plugin_utils.streams import list_streams
from ansible_collections.kronos.homelab.plugins.plugin_utils.zones import Zones

Data = dict[str, Any]

FILES_ROOT = "/opt/kronos/stacks"


@dataclass(frozen=True)
class Context:
    """What deriving needs to know beside the record itself.

    ``joined``: service → its networks; ``addresses``: service → {network: its address there}, where it has a fixed one.
    """

    host: str
    settings: Settings
    zones: Zones
    shares: Mapping[str, Data]
    services: Mapping[str, Service]
    given: Mapping[str, frozenset[str]]
    joined: Mapping[str, list[str]]
    addresses: Mapping[str, Mapping[str, str]]

    @property
    def containers(self) -> dict[str, Service]:
        """The services that have a container."""
        return {name: service for name, service in self.services.items() if service.external is None}


def service_entry(service: Service, context: Context) -> Data:
    """The plan's entry of one service that has a container."""
    image = parse_image(service.image or "")
    secrets = service.secret_environment()
    mounts = [_mount(volume, service, context) for volume in service.volumes]
    return {
        "name": service.name,
        "stack": service.stack,
        "summary": service.summary,
        "kind": service.kind,
        "image": mirrored(image, context.settings.image_mirror),
        "image_ref": str(image),
        "zone": service.zone,
        "realised_zone": context.zones.of(service.zone),
        "network": service.network,
        "joins_zones": service.joins_zones,
        "networks": context.joined[service.name],
        "addresses": dict(context.addresses[service.name]),
        "user": service.user.model_dump() if service.user else None,
        "hostname": service.hostname,
        "init": service.init,
        "read_only": service.read_only,
        "environment": {
            key: as_text(value) for key, value in service.environment.items() if not isinstance(value, SecretReference)
        },
        "secret_environment": {key: name for key, name in secrets.items() if not is_file_variable(key)},
        "secret_files": {key: name for key, name in secrets.items() if is_file_variable(key)},
        "mounts": mounts,
        "directories": [*_directories(service, mounts), *_shared_directories(service, context)],
        "tmpfs": service.tmpfs,
        "devices": service.devices,
        "command": service.command,
        "entrypoint": service.entrypoint,
        "capabilities": sorted(set(service.capabilities)),
        "limits": service.limits.model_dump(),
        "stop_grace": service.stop_grace,
        "sysctls": {key: str(value) for key, value in service.sysctls.items()},
        "compose": service.compose,
        "published": published_ports(service, context),
        "needs": service.needs,
        "talks_to": service.talks_to,
        "health": _health(service, context.settings),
        "reload": service.reload.model_dump() if service.reload else None,
        "backup": service.backup.model_dump() if service.backup else None,
        "proven": service.proven,
        "routes": [route_name(service.name, index, route.name) for index, route in enumerate(service.routes)],
    }


def as_text(value: Any) -> str:
    """An environment value as the process sees it; YAML's true and false stay in small letters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _mount(volume: Volume, service: Service, context: Context) -> Data:
    if volume.name is not None:
        kind, source = "data", f"{context.settings.data_dir}/{service.name}/{volume.name}"
    elif volume.storage is not None:
        base = str(context.shares[volume.storage]["root"])
        kind, source = "storage", f"{base}/{volume.path}" if volume.path else base
    elif volume.files is not None:
        kind, source = "files", f"{FILES_ROOT}/{service.stack}/files/{service.name}/{volume.files}"
    else:
        kind, source = "host", str(volume.host)
    return {
        "kind": kind,
        "source": source,
        "target": volume.target,
        "read_only": volume.read_only or kind == "files",
    }


def _directories(service: Service, mounts: list[Data]) -> list[Data]:
    """The data folders to make; without a stated user the image's root makes its own arrangements below them."""
    uid, gid = (service.user.uid, service.user.gid) if service.user else (0, 0)
    own = [mount["source"] for mount in mounts if mount["kind"] == "data"]
    stated = [volume.mode for volume in service.volumes if volume.name is not None]
    modes = {source: mode or "0750" for source, mode in zip(own, stated, strict=True)}
    return [{"path": source, "uid": uid, "gid": gid, "mode": mode} for source, mode in modes.items()]


def _shared_directories(service: Service, context: Context) -> list[Data]:
    """The folders of shares that lie on the host's own disk; those of a mounted one are made once it is mounted."""
    found: dict[str, Data] = {}
    for volume in service.volumes:
        share = context.shares[volume.storage] if volume.storage is not None else {}
        if share and not share["mounted"]:
            rights = {key: share[key] for key in ("uid", "gid", "mode")}
            found[str(share["path"])] = rights
            if volume.path:
                path = f"{share['path']}/{volume.path}"
                stated = {each["path"]: each for each in share["directories"]}.get(volume.path, share)
                found[path] = {key: stated[key] for key in rights}
    return [{"path": path, **rights} for path, rights in found.items()]


def _health(service: Service, settings: Settings) -> Data | None:
    if service.health is None:
        return None
    data = service.health.model_dump()
    data["timeout"] = data["timeout"] or settings.health_timeout
    return data


def published_ports(service: Service, context: Context) -> list[Data]:
    """The ports on the host's address, the reach resolved to an access class or a realised zone."""
    return [
        {
            "port": port.port,
            "target": port.target or port.port,
            "protocol": port.protocol,
            "reach": port.reach if port.reach in REACH else context.zones.of(port.reach),
            "address": context.settings.address if port.address == "host" else None,
        }
        for port in service.ports
    ]


def _backend(service: Service, context: Context) -> str:
    """Name or address at which containers reach the service."""
    return context.settings.host_gateway if service.network == "host" else service.name


def _address(service: Service, context: Context) -> str:
    """Where the proxy reaches the service: by its address on the serving side, since names need Docker's daemon."""
    serving = serving_network(context.zones.of(service.zone))
    return context.addresses[service.name].get(serving) or _backend(service, context)


def list_routes(service: Service, context: Context) -> list[Data]:
    """The routes of one service, with full names, addresses and what stands behind them."""
    return [_route(service, index, route, context) for index, route in enumerate(service.routes)]


def _route(service: Service, index: int, route: Route, context: Context) -> Data:
    name = fqdn(route.host, context.settings)
    rule, waf, behind = route.rule, route.firewall, context.settings.web_from == "cloudflare"
    port = "" if context.settings.https_port == 443 else f":{context.settings.https_port}"
    if service.external is not None:
        upstream, verify = service.external.url.rstrip("/"), service.external.verify
    else:
        # A container's own certificate cannot carry a name that anyone vouches for.
        upstream, verify = f"{route.scheme}://{_address(service, context)}:{route.port}", route.scheme == "http"
    return {
        "name": route_name(service.name, index, route.name),
        "service": service.name,
        "host": route.host,
        "fqdn": name,
        "names": list(dict.fromkeys([name, *(fqdn(other, context.settings) for other in route.also)])),
        "path": route.path,
        "strip_path": route.strip_path,
        "access": route.access_class,
        "groups": rule.groups if rule else [],
        "users": rule.users if rule else [],
        "factor": rule.factor if rule else None,
        "basic_auth": route.basic_auth,
        "rate": route.rate.model_dump() if route.rate else None,
        "max_body": as_bytes(route.max_body) if route.max_body else None,
        "request_headers": route.headers.request,
        "response_headers": route.headers.response,
        "waf": {**waf.model_dump(), "max_body": as_bytes(waf.max_body)} if waf else None,
        "proxied": behind if route.proxied is None else route.proxied,
        "upstream": upstream,
        "url": f"https://{name}{port}{route.path if route.path != '/' else ''}",
        "verify_upstream": verify,
    }


def streams_of(context: Context) -> list[Data]:
    """What the proxy passes on beside HTTP, with the addresses at which it reaches the services."""
    addresses = {name: _address(service, context) for name, service in context.containers.items()}
    return list_streams(context.services.values(), context.settings, addresses)


def tile_of(service: Service, routes: list[Data]) -> Data | None:
    """The dashboard's tile, if the service wants one and has an address."""
    tile = service.tile
    url = tile and (tile.url or (routes[0]["url"] if routes else None))
    if tile is None or not url:
        return None
    return {
        "service": service.name,
        "group": tile.group,
        "name": tile.name or service.name.replace("-", " ").title(),
        "subtitle": service.summary if tile.subtitle is None else tile.subtitle,
        "icon": tile.icon or service.name,
        "url": url,
    }


def list_scrapes(service: Service, context: Context) -> list[Data]:
    """What Prometheus asks of one service."""
    return [
        {
            "service": service.name,
            "job": service.name if index == 0 else f"{service.name}-{index + 1}",
            "target": f"{_metrics_host(service, metric, context)}:{metric.port}",
            "path": metric.path,
            "host": context.host,
        }
        for index, metric in enumerate(service.metrics)
    ]


def _metrics_host(service: Service, metric: Metric, context: Context) -> str:
    host = metric.address or ""
    if not host and service.external is not None:
        host = urlsplit(service.external.url).hostname or ""
    host = host or _backend(service, context)
    return f"[{host}]" if ":" in host else host


def list_probes(service: Service, routes: list[Data], context: Context) -> list[Data]:
    """What the blackbox exporter asks: each route through the proxy, and the service itself where it can be reached."""
    probes: list[Data] = [
        {
            "kind": "route",
            "service": service.name,
            "route": route["name"],
            "url": route["url"],
            "fqdn": route["fqdn"],
            "access": route["access"],
            "target": _proxy_url(context) + route["path"],
        }
        for route in routes
    ]
    check = service.health.http if service.health else None
    reachable = is_inside(service) and context.zones.of(service.zone) != DATA_ZONE
    if check is not None and reachable and service.kind == "service":
        probes.append({"kind": "backend", "service": service.name, **_straight(service, check)})
    return probes


def _straight(service: Service, check: HttpCheck) -> Data:
    return {"target": f"{check.scheme}://{service.name}:{check.port}{check.path}", "status": check.status}


def _proxy_url(context: Context) -> str:
    """The proxy as containers reach it: its name, and the port behind the host's HTTPS port."""
    proxy = context.services.get(context.settings.ingress)
    ports = proxy.ports if proxy else []
    target = next((p.target or p.port for p in ports if p.port == context.settings.https_port), 443)
    return f"https://{context.settings.ingress}" + ("" if target == 443 else f":{target}")


def list_secrets(service: Service, context: Context) -> list[Data]:
    """The secrets of one service: names and formats, never a value."""
    return [
        {
            "service": service.name,
            "name": name,
            "format": secret.format,
            "length": _length(secret),
            "given": secret.format == "given" or name in context.given.get(service.name, frozenset()),
            **({"derive": _derived(service, secret.derive)} if secret.derive else {}),
        }
        for name, secret in sorted(service.secrets.items())
    ]


def _length(secret: Secret) -> int:
    """The length as the host counts it: a word stands for five characters, and a key has its own usual size."""
    if secret.format == "passphrase":
        return max(5, -(-secret.length // 5))
    return 2048 if secret.format == "rsa_key" else secret.length


def _derived(service: Service, derived: Derived) -> Data:
    source = derived.from_ if "/" in derived.from_ else f"{service.name}/{derived.from_}"
    return {"from": source, "hash": derived.hash}


def list_exceptions(service: Service) -> list[Data]:
    """Every stated exception from the rules, with its reason."""
    return list(exceptions_of(service))


def list_backups(service: Service, context: Context) -> list[Data]:
    """What is kept of one service: its own folders, or a dump."""
    if service.backup is None or service.external is not None:
        return []
    folders = [f"{context.settings.data_dir}/{service.name}/{volume.name}" for volume in service.volumes if volume.name]
    return [{"service": service.name, **service.backup.model_dump(), "paths": folders}]
