# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authelia's configuration and its users, from the plan.

https://www.authelia.com/configuration/prologue/introduction/, for 4.39
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import secret_slots
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, RenderError, merged
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_login import ISSUER_HMAC, ISSUER_KEY
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_stack import slot
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_yaml import yaml_text

PORT = 9091
CONFIG, DATA = "/config", "/data"
USERS_FILE = "users.yml"
OFFLINE = "offline_access"
FACTORS = {"one": "one_factor", "two": "two_factor"}


def authelia_files(plan: Plan) -> list[Data]:
    """Return the rendered files of the service, as the filter stack_services takes them."""
    # here, since the check needs pydantic, which ansible-doc does without
    from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_authelia import check_authelia
    from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems

    wrong = Problems()
    check_authelia(plan, wrong)
    if wrong:
        raise RenderError("; ".join(str(problem) for problem in wrong))
    users = authelia_users(plan)
    return [
        _file("configuration.yml", authelia_config(plan), False),
        # The program watches this one: whoever is logged in stays so when somebody else comes or goes.
        _file(USERS_FILE, users, True),
    ]


def _file(name: str, data: Data, reload: bool) -> Data:
    content = yaml_text(data)
    secrets = sorted(secret_slots.names(content))
    return {"path": f"config/{name}", "content": content, "reload": reload, "mode": "0400", "secrets": secrets}


def authelia_users(plan: Plan) -> Data:
    """Return users.yml: those who may log in, each with the hash that the host makes."""
    people = {name: person for name, person in plan["users"].items() if person["login"]}
    return {"users": {name: _person(name, person) for name, person in people.items()}}


def _person(name: str, person: Mapping[str, Any]) -> Data:
    email: Data = {"email": person["email"]} if person["email"] else {}
    return {
        "displayname": person["name"] or name,
        "password": slot(f"hash_{name}"),
        **email,
        "groups": sorted(set(person["groups"])),
    }


def authelia_config(plan: Plan) -> Data:
    """Return configuration.yml; what authelia_config says is laid over it."""
    login = plan["login"]
    if login is None:
        raise RenderError("login: kronos_login is none")
    domain = plan["settings"]["domain"]
    oidc: Data = {"identity_providers": {"oidc": _oidc(login)}} if login["clients"] else {}
    rendered = {
        "theme": "auto",
        # Not the usual 4 KiB: a request is asked about with all of its cookies.
        "server": {
            "address": f"tcp://0.0.0.0:{PORT}/",
            "disable_healthcheck": True,  # it would write to the image's root; the stack module asks /api/health
            "buffers": {"read": 32768, "write": 32768},
        },
        "log": {"level": "info", "format": "json"},
        "totp": {"issuer": domain},
        "webauthn": {"display_name": domain},
        "ntp": {"disable_startup_check": True},  # the host keeps the time
        "authentication_backend": {
            # The hashes are made from secrets of the host: what somebody changed here, the next run would undo.
            "password_reset": {"disable": True},
            "password_change": {"disable": True},
            "refresh_interval": "always",
            "file": {"path": f"{CONFIG}/{USERS_FILE}", "watch": True, "password": {"algorithm": "argon2"}},
        },
        "access_control": {"default_policy": "deny", "rules": _rules(plan, login)},
        "session": {"name": "authelia_session", "same_site": "lax", **login["session"], "cookies": [_cookie(plan)]},
        "regulation": {"max_retries": 5, "find_time": "2m", "ban_time": "5m"},
        "storage": {"local": {"path": f"{DATA}/db.sqlite3"}},
        "notifier": _notifier(login["smtp"]),
        **oidc,
    }
    result: Data = merged(rendered, login["config"])
    return result


def _cookie(plan: Plan) -> Data:
    login = plan["login"]
    home: Data = {"default_redirection_url": login["home"]} if login["home"] else {}
    return {"domain": plan["settings"]["domain"], "authelia_url": login["url"], **home}


def _notifier(smtp: Mapping[str, Any] | None) -> Data:
    if smtp is None:
        return {"filesystem": {"filename": f"{DATA}/notification.txt"}}
    known: Data = {"username": smtp["username"], "password": slot("smtp_password")} if smtp["username"] else {}
    return {"smtp": {**{key: smtp[key] for key in ("address", "sender", "subject")}, **known}}


def _rules(plan: Plan, login: Mapping[str, Any]) -> list[Data]:
    """Return the rules: the first that fits decides, so the longest path comes first.

    One rule always stands: Authelia does not start with deny alone.
    """
    guarded = [route for route in plan["routes"] if route["access"] == "authenticated"]
    found: list[Data] = [{"domain": [login["host"]], "policy": "bypass"}]
    for route in sorted(guarded, key=lambda one: (-len(one["path"].rstrip("/")), one["name"])):
        where: Data = {"domain": route["names"], **_resources(route["path"])}
        policy, subject = _policy(route, login), _subjects(route)
        if subject:
            # Whoever else it is must not fall through to the rule of a shorter path.
            found += [{**where, "subject": subject, "policy": policy}, {**where, "policy": "deny"}]
        else:
            found.append({**where, "policy": policy})
    return found


def _resources(path: str) -> Data:
    """Return the path itself and what lies below it; /apple is not below /app.

    What follows is not looked at: Authelia compares decoded paths, and in a dot there is room for all but a line end.
    """
    prefix = path.rstrip("/")
    return {"resources": [f"^{re.escape(prefix)}([/?]|$)"]} if prefix else {}


def _policy(rule: Mapping[str, Any], login: Mapping[str, Any]) -> str:
    return str(FACTORS[rule["factor"]] if rule["factor"] else login["factor"])


def _subjects(rule: Mapping[str, Any]) -> list[str]:
    return [*(f"group:{name}" for name in rule["groups"]), *(f"user:{name}" for name in rule["users"])]


def _oidc(login: Mapping[str, Any]) -> Data:
    restricted = [client for client in login["clients"] if _subjects(client)]
    policies: Data = {
        client["service"]: {
            "default_policy": "deny",
            "rules": [{"policy": _policy(client, login), "subject": _subjects(client)}],
        }
        for client in restricted
    }
    # Since 4.39 the ID token proves that somebody logged in, and says no more of him without a policy.
    claims: Data = {each["service"]: {"id_token": each["id_token"]} for each in login["clients"] if each["id_token"]}
    return {
        "hmac_secret": slot(ISSUER_HMAC),
        "jwks": [{"algorithm": "RS256", "use": "sig", "key": slot(ISSUER_KEY)}],
        **({"authorization_policies": policies} if policies else {}),
        **({"claims_policies": claims} if claims else {}),
        "clients": [_client(client, login) for client in login["clients"]],
    }


def _client(client: Mapping[str, Any], login: Mapping[str, Any]) -> Data:
    name = client["service"]
    # To stay logged in without the person is a grant of its own.
    lasting: Data = {"grant_types": ["authorization_code", "refresh_token"]} if OFFLINE in client["scopes"] else {}
    proof: Data = {"require_pkce": True, "pkce_challenge_method": "S256"} if client["pkce"] else {}
    return {
        "client_id": name,
        "client_name": name,
        "client_secret": slot(f"oidc_{name}"),
        "authorization_policy": name if _subjects(client) else _policy(client, login),
        "redirect_uris": client["redirect_uris"],
        "scopes": client["scopes"],
        "consent_mode": client["consent"],
        "token_endpoint_auth_method": client["auth"],
        **({"claims_policy": name} if client["id_token"] else {}),
        **lasting,
        **proof,
    }
