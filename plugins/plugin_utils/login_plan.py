# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login in the plan: the secrets that follow from users and clients, what must hold, and what renderers learn."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_plan import fqdn
from ansible_collections.kronos.homelab.plugins.plugin_utils.cookie_domains import refused_domain
from ansible_collections.kronos.homelab.plugins.plugin_utils.login_model import Login
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.record_parts import Derived, Secret
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_login import ISSUER_HMAC, ISSUER_KEY
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Selection
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import Settings
from ansible_collections.kronos.homelab.plugins.plugin_utils.zones import Named

Data = dict[str, Any]

CLIENT_SECRET = "oidc"  # the name of a client's secret
DASHBOARD = "homer"
PROVIDERS = ("authelia",)
# Of secrets: below 63 signs, and each for one thing alone, whatever people and services are called.
PERSON_LONGEST, CLIENT_LONGEST = 48, 58
WORDS = 30  # six words: typed once, guessed never (regulation stops after five attempts)


def add_secrets(selection: Selection, people: Named, settings: Settings | None, login: Login | None) -> None:
    """Give each client its secret, and the login those that follow from users, clients and mail."""
    for name, entry in list(selection.entries.items()):
        service = entry.service
        if service.oidc is not None and CLIENT_SECRET not in service.secrets:
            secret = Secret(format="alphanumeric", length=48)
            _add(selection, name, {CLIENT_SECRET: secret})
    if settings is None or login is None or settings.login not in selection.entries:
        return
    found: dict[str, Secret] = {}
    for name, person in people.models.items():
        if person.login:
            found[f"user_{name}"] = Secret(format="passphrase", length=WORDS)
            found[f"hash_{name}"] = _derived(f"user_{name}", "argon2id")
    clients = [name for name, entry in selection.entries.items() if entry.service.oidc is not None]
    if clients:
        found |= {ISSUER_KEY: Secret(format="rsa_key"), ISSUER_HMAC: Secret(format="hex", length=64)}
    found |= {f"oidc_{name}": _derived(f"{name}/{CLIENT_SECRET}", "pbkdf2_sha512") for name in clients}
    if login.smtp and login.smtp.username:
        found["smtp_password"] = Secret(format="given")
    _add(selection, settings.login, found)


def _derived(source: str, kind: str) -> Secret:
    return Secret(derive=Derived.model_validate({"from": source, "hash": kind}))


def _add(selection: Selection, name: str, secrets: Mapping[str, Secret]) -> None:
    entry = selection.entries[name]
    service = entry.service.model_copy(update={"secrets": {**secrets, **entry.service.secrets}})
    selection.entries[name] = replace(entry, service=service)


def check_names(selection: Selection, people: Named, problems: Problems) -> None:
    """Names of people and of clients of the login leave room for what their secrets are called."""
    for name in people.models:
        if len(name) > PERSON_LONGEST:
            found = f"a name of {len(name)} characters"
            problems.say(*people.locate((name,)), found, f"at most {PERSON_LONGEST}: secrets are called by it")
    for name, entry in selection.entries.items():
        if entry.service.oidc is not None and len(name) > CLIENT_LONGEST:
            found = f"a name of {len(name)} characters"
            wanted = f"at most {CLIENT_LONGEST} for a service with oidc: a secret of the login is called by it"
            problems.say(*entry.locate(("oidc",)), found, wanted)


def check_login(selection: Selection, people: Named, settings: Settings, problems: Problems) -> None:
    """Where there is a login: it runs, somebody can log in, and its cookie reaches every route that asks for it."""
    check_names(selection, people, problems)
    for name, entry in selection.entries.items():
        oidc = entry.service.oidc
        for index, target in enumerate(oidc.redirect if oidc else ()):
            if target.startswith("/") and not entry.service.routes:
                found = f"{target!r}, but {name} has no route"
                problems.say(*entry.locate(("oidc", "redirect", index)), found, "a whole URL, or a route")
    if settings.login == "none":
        for name in {*PROVIDERS} & set(selection.entries):
            problems.say("kronos_stacks", (), f"the stack {name}, but kronos_login: none", f"kronos_login: {name}")
        return
    if settings.login not in selection.entries and settings.login not in selection.broken:
        wanted = f"the stack {settings.login} in kronos_stacks: without it nobody gets in"
        problems.say("kronos_login", (), f"{settings.login!r}, which does not run here", wanted)
    if not any(person.login for person in people.models.values()) and not (
        set(people.merged.value) - set(people.models)
    ):
        problems.say("kronos_users", (), "nobody who may log in", "at least one person, since kronos_login is on")
    reason = refused_domain(settings.domain)
    if reason:
        wanted = f"a domain of one's own below it, such as my.{settings.domain}, for the login's cookie"
        wanted = "a domain such as home.example.com, for the login's cookie" if _is_bare(settings.domain) else wanted
        problems.say("kronos_domain", (), f"{settings.domain!r}, {reason}", wanted)
    if not _is_within(fqdn(settings.login_host, settings), settings.domain):
        found = f"{settings.login_host!r}, which is not below {settings.domain}"
        problems.say("kronos_login_host", (), found, "one label, or a name below kronos_domain")
    _check_routes(selection, people, settings, problems)


def _check_routes(selection: Selection, people: Named, settings: Settings, problems: Problems) -> None:
    for name, entry in selection.entries.items():
        for index, route in enumerate(entry.service.routes):
            if route.access_class != "authenticated":
                continue
            at = ("routes", index)
            if name == settings.login:
                found = "authenticated, for the login itself"
                problems.say(*entry.locate((*at, "access")), found, "public: people must reach it to log in")
            for number, host in enumerate((route.host, *route.also)):
                if not _is_within(fqdn(host, settings), settings.domain):
                    path = (*at, *(("also", number - 1) if number else ("host",)))
                    found = f"{host!r}, an authenticated name outside {settings.domain}"
                    problems.say(
                        *entry.locate(path), found, "a name below kronos_domain, where the login's cookie holds"
                    )
            for number, user in enumerate(route.rule.users if route.rule else []):
                if user in people.models and not people.models[user].login:
                    found = f"{user!r}, who may not log in"
                    problems.say(*entry.locate((*at, "access", "users", number)), found, "somebody with login: true")


def _is_within(name: str, domain: str) -> bool:
    return name.endswith(f".{domain}")


def _is_bare(domain: str) -> bool:
    try:
        ipaddress.ip_address(domain)
    except ValueError:
        return "." not in domain
    return True


def login_entry(settings: Settings, login: Login, plan: Data, selection: Selection) -> Data | None:
    """What renderers learn of the login; None where there is none."""
    if settings.login == "none":
        return None
    port = "" if settings.https_port == 443 else f":{settings.https_port}"
    host = fqdn(settings.login_host, settings)
    clients = [_client(name, selection, plan) for name in sorted(selection.entries)]
    return {
        "host": host,
        "url": f"https://{host}{port}",
        "home": _home(settings, plan),
        **login.model_dump(),
        "clients": [client for client in clients if client],
    }


def _home(settings: Settings, plan: Data) -> str | None:
    """Where people land who asked for no page: the dashboard, if the cookie reaches it."""
    routes = [route for route in plan["routes"] if route["service"] == DASHBOARD]
    return next((str(route["url"]) for route in routes if _is_within(route["fqdn"], settings.domain)), None)


def _client(name: str, selection: Selection, plan: Data) -> Data | None:
    oidc = selection.entries[name].service.oidc
    if oidc is None:
        return None
    own = [route for route in plan["routes"] if route["service"] == name]
    first: Data = own[0] if own else {"groups": [], "users": [], "factor": None}
    bases = [_base(first["url"], host) for host in first["names"]] if own else []
    redirects = [
        target
        for stated in oidc.redirect
        for target in ([base + stated for base in bases] if stated.startswith("/") else [stated])
    ]
    return {
        "service": name,
        "redirect_uris": redirects,
        **oidc.model_dump(include={"scopes", "id_token", "auth", "consent", "pkce"}),
        **{key: first[key] for key in ("groups", "users", "factor")},
    }


def _base(url: str, host: str) -> str:
    port = urlsplit(url).port
    return f"https://{host}" + (f":{port}" if port else "")


def login_cautions(settings: Settings, plan: Data) -> list[str]:
    """What the user should know of the login, though it is no mistake."""
    entry, cautions = plan["login"], []
    if entry is None:
        return []
    if entry["clients"] and settings.https_port != 443:
        names = ", ".join(client["service"] for client in entry["clients"])
        cautions.append(f"kronos_https_port is not 443, so services do not reach the login at its address: {names}")
    guarded = [route for route in plan["routes"] if route["access"] == "authenticated"]
    asked = any(
        route["factor"] == "two" or (entry["factor"] == "two_factor" and not route["factor"]) for route in guarded
    )
    unreached = [name for name, person in plan["users"].items() if person["login"] and not person["email"]]
    if asked and unreached:
        said = "these people of kronos_users have no email, so they cannot register a second factor: "
        cautions.append(said + ", ".join(unreached))
    return cautions
