# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What settings and other services' records add to the proxy's own record: secrets, folders, ports.

Its container, firewall, reach table and backup then follow from the record as those of any other service do.
"""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_parts import (
    Backup,
    Derived,
    Secret,
    SecretReference,
    Volume,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_tls import ACME_CA_FILE, ACME_FOLDER, OUTWARD
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_chains import basic_secrets
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Selection
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Settings
from ansible_collections.kronos.homelab.plugins.plugin_utils.streams import published_streams

# Where Traefik keeps a body that it reads whole before it passes it on.
BUFFER_FOLDER = "/tmp"


def equip_tls(selection: Selection, settings: Settings) -> None:
    """Give the proxy what its ACME client needs: the provider's variables, secrets as files, a folder that stays."""
    entry, tls = selection.entries.get(settings.ingress), settings.tls
    if entry is None or not tls.is_acme:
        return
    proxy = entry.service
    proxy.volumes.append(Volume(name="acme", target=ACME_FOLDER))
    # A new account and new certificates can be had, but authorities count them: a restored host asks for none.
    proxy.backup = proxy.backup or Backup()
    proxy.environment.update(tls.environment)
    for variable, name in tls.secrets.items():
        proxy.secrets.setdefault(name, Secret(format="given"))
        proxy.environment[f"{variable}_FILE"] = SecretReference(secret=name)
    if tls.server_ca:
        proxy.environment["LEGO_CA_CERTIFICATES"] = ACME_CA_FILE
        proxy.environment["LEGO_CA_SYSTEM_CERT_POOL"] = "true"


def equip_people(selection: Selection, settings: Settings) -> None:
    """Give the proxy a password, and its hash, for everyone whom a route lets in by basic_auth."""
    entry = selection.entries.get(settings.ingress)
    if entry is None:
        return
    routes = [route for other in selection.entries.values() for route in other.service.routes]
    for name in sorted({person for route in routes for person in route.basic_auth}):
        password, hashed = basic_secrets(name)
        entry.service.secrets.setdefault(password, Secret(format="passphrase"))
        entry.service.secrets[hashed] = Secret(derive=Derived(**{"from": password, "hash": "bcrypt"}))


def equip_routes(selection: Selection, settings: Settings) -> None:
    """Give the proxy the ports of all streams, and a place for bodies where a route bounds them."""
    entry = selection.entries.get(settings.ingress)
    if entry is None:
        return
    services = [other.service for other in selection.entries.values()]
    entry.service.ports.extend(published_streams(services))
    if any(route.max_body for service in services for route in service.routes):
        entry.service.volumes.append(Volume(name="bodies", target=BUFFER_FOLDER))


def check_tls(selection: Selection, settings: Settings, problems: Problems) -> None:
    """Say what cannot work: HTTP-01 is asked at port 80, and nobody issues for an address."""
    tls = settings.tls
    if tls.mode == "acme_http" and settings.http_port != 80:
        problems.say(
            "kronos_http_port",
            (),
            f"{settings.http_port} with the mode acme_http of kronos_tls",
            "80: an authority asks there alone",
        )
    public = [service for entry in selection.entries.values() if _is_public(service := entry.service)]
    if tls.mode == "acme_http" and settings.web_from == "cloudflare" and public:
        problems.say(
            "kronos_tls",
            ("mode",),
            "acme_http while kronos_web_from is cloudflare",
            "acme_dns: Cloudflare answers at port 80 in place of this host",
        )


def check_stream_target(selection: Selection, settings: Settings, problems: Problems) -> None:
    """A stream needs the proxy here, and a service behind it that the proxy can reach."""
    for entry in selection.entries.values():
        for index, _stream in enumerate(entry.service.streams):
            if settings.ingress not in selection.entries and settings.ingress not in selection.broken:
                found = f"a stream, but the proxy {settings.ingress!r} does not run here"
                problems.say(*entry.locate(("streams", index)), found, f"{settings.ingress} among the services")


def _is_public(service: Service) -> bool:
    return any(route.access_class in OUTWARD for route in service.routes)
