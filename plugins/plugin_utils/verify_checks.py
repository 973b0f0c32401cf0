# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What verify looks at, derived from the plan: pure, so that the list can be tested without a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The service that answers names, and where.
DNS, DNS_PORT = "pihole", 53
GUARDED = ("authenticated", "lan", "vpn")

# Several rules speak of it, so that one that a record leaves out does not let it through.
ATTACK = "kronos=1'+UNION+SELECT+password+FROM+information_schema.tables+WHERE+'1'%3D'1"


@dataclass(frozen=True)
class Check:
    """One thing to look at from outside.

    kind is certificate, route, login (a stranger is refused), waf (an attack is refused), dns (a name is answered),
    redirect, open (a declared port answers) or closed (an undeclared one does not); subject is what a reader knows it
    by; port is where to connect on the host's address; guarded: who asks may be refused.
    """

    kind: str
    subject: str
    port: int
    fqdn: str = ""
    path: str = "/"
    guarded: bool = False


@dataclass(frozen=True)
class Row:
    """The outcome of a check, as shown in the table."""

    kind: str
    subject: str
    ok: bool
    detail: str


def health_path(service: Mapping[str, Any] | None, route: Mapping[str, Any]) -> str:
    """Return the path that proves a route: the service's health path if it is served on the routed port."""
    http = ((service or {}).get("health") or {}).get("http")
    prefix = str(route["path"])
    if http and str(route["upstream"]).endswith(f":{http['port']}") and str(http["path"]).startswith(prefix):
        return str(http["path"])
    return prefix


def route_checks(plan: Mapping[str, Any]) -> list[Check]:
    """Return certificate, route and redirect checks for every route of the plan."""
    settings = plan["settings"]
    https, http = int(settings["https_port"]), int(settings["http_port"])
    checks = []
    seen = set()
    for route in plan["routes"]:
        fqdn = str(route["fqdn"])
        basic = bool(route.get("basic_auth"))
        guarded = route["access"] in GUARDED or basic
        path = health_path(plan["services"].get(route["service"]), route)
        for name in (str(name) for name in route["names"] if name not in seen):
            seen.add(name)
            checks.append(Check("certificate", name, https, name))
            checks.append(Check("redirect", name, http, name))
        checks.append(Check("route", str(route["name"]), https, fqdn, path, guarded))
        if route["access"] == "authenticated" and settings["login"] != "none":
            checks += [Check("login", name, https, host, str(route["path"]), basic) for name, host in _names(route)]
    return checks


def _names(route: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return every address of a route, with how a reader tells it."""
    first, *others = route["names"]
    return [(str(route["name"]), str(first)), *((f"{route['name']} ({other})", str(other)) for other in others)]


def judge_login(status: int, location: str, login_url: str, basic: bool = False) -> tuple[bool, str]:
    """Judge what a stranger's browser got at a route that asks for a login: sent there.

    *basic*: the proxy asks for a password of its own first. Any other refusal is the service's, which was reached.
    """
    if status in (302, 303):
        sent = location == login_url or location.startswith((f"{login_url}/", f"{login_url}?"))
        return sent, f"HTTP {status} to " + ("the login" if sent else location or "nowhere")
    if status in (401, 403):
        asked = basic and status == 401
        return asked, f"HTTP {status}: " + ("the proxy asks for a password" if asked else "not by the login")
    if status < 400:
        return False, f"HTTP {status}: open to everybody"
    # Whoever cannot ask the login lets nobody in; that the login is down is told by its own rows.
    return status >= 500, f"HTTP {status}: nobody gets in"


def waf_checks(plan: Mapping[str, Any]) -> list[Check]:
    """Return a check for every route whose firewall refuses: an SQL injection in the query must get no further."""
    https = int(plan["settings"]["https_port"])
    return [
        Check(
            "waf",
            str(route["name"]),
            https,
            str(route["fqdn"]),
            f"{route['path']}?{ATTACK}",
            route["access"] in GUARDED,
        )
        for route in plan["routes"]
        if route["waf"] and not route["waf"]["detect_only"]
    ]


def dns_checks(plan: Mapping[str, Any], at_home: bool) -> list[Check]:
    """Return a check for every name of a route, where this host answers names: with its own address.

    *at_home*: verify looks from the home or the VPN, to which the names are answered; from elsewhere silence is right.
    """
    if DNS not in plan["services"]:
        return []
    names = dict.fromkeys(str(name) for route in plan["routes"] for name in route["names"])
    return [Check("dns", name, DNS_PORT, name, guarded=not at_home) for name in names]


def port_checks(plan: Mapping[str, Any], listening: Sequence[int], ssh_port: int) -> list[Check]:
    """Return a check for every declared TCP port, and one for every other port the host listens on.

    listening holds the TCP ports that something on the host accepts on an address other than loopback.
    """
    settings = plan["settings"]
    declared = {int(port["port"]): port for port in plan["published"] if port["protocol"] == "tcp"}
    own = {int(port["port"]) for port in settings["open_ports"] if port["protocol"] == "tcp"}
    allowed = {ssh_port, int(settings["ssh_port"]), *own, *[int(port) for port in settings["allowed_ports"]]}
    anywhere = "public" if settings["web_from"] == "anywhere" else ""
    checks = [
        Check("open", f"{number}/tcp {port['service']}", number, guarded=port["reach"] != anywhere)
        for number, port in sorted(declared.items())
    ]
    undeclared = sorted(set(listening) - set(declared) - allowed)
    return checks + [Check("closed", f"{port}/tcp", port) for port in undeclared]


def health_probes(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return service -> what its record says a healthy one answers, for services that have an HTTP health check."""
    found = {name: (service.get("health") or {}).get("http") for name, service in plan["services"].items()}
    return {str(name): http for name, http in found.items() if http}


def container_rows(
    plan: Mapping[str, Any], containers: Sequence[Mapping[str, Any]], answers: Mapping[str, Mapping[str, str]]
) -> list[Row]:
    """Return one row per service of the plan: its container runs and is healthy; a job has exited 0.

    answers maps a service to what it answered to its health check: {answer, wanted}, wanted empty where all is well.
    """
    found = {str(container["service"]): container for container in containers}
    services = sorted(plan["services"].items())
    return [container_row(service, found.get(name), answers.get(name)) for name, service in services]


def container_row(
    service: Mapping[str, Any], container: Mapping[str, Any] | None, answer: Mapping[str, str] | None = None
) -> Row:
    """Judge one container; None stands for a container that does not exist, or one that was not asked."""
    name = str(service["name"])
    if container is None:
        return Row("container", name, False, "does not exist")
    state, health = str(container["state"]), str(container.get("health") or "")
    if service["kind"] == "job":
        code = container.get("exit_code")
        return Row("container", name, state == "exited" and code == 0, f"{state}, exit code {code}")
    if state == "running" and answer and answer["wanted"]:
        return Row("container", name, False, f"running, but {answer['answer']}; wanted {answer['wanted']}")
    detail = f"{state}, {health}" if health else f"{state}, healthy" if answer else state
    return Row("container", name, state == "running" and health in ("", "healthy", "none"), detail)
