# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.authelia_shape import Configuration
from ansible_collections.kronos.homelab.plugins.plugin_utils.checks_authelia import check_authelia
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_authelia import (
    authelia_config,
    authelia_files,
    authelia_users,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from hypothesis import example, given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[4]
SESSION = {"inactivity": "1h", "expiration": "12h", "remember_me": "1M"}
CLIENT = {
    "service": "grafana",
    "redirect_uris": ["https://grafana.home.example/login"],
    "scopes": ["openid"],
    "id_token": [],
    "auth": "client_secret_basic",
    "consent": "implicit",
    "pkce": True,
    "groups": [],
    "users": [],
    "factor": None,
}
SMTP = {"address": "submission://mail.example.com:587", "sender": "a@b", "subject": "{title}", "username": None}


SECRETLESS = {"client_id": "a", "redirect_uris": ["https://a.example/b"]}


def login(**said: Any) -> dict[str, Any]:
    usual = {
        "host": "login.home.example",
        "url": "https://login.home.example",
        "home": None,
        "factor": "one_factor",
        "smtp": None,
        "session": SESSION,
        "config": {},
        "clients": [],
    }
    return {**usual, **said}


def person(**said: Any) -> dict[str, Any]:
    return {"name": None, "email": None, "groups": [], "login": True, **said}


def plan_of(plans: Any, *routes: Any, users: Any = None, secrets: Any = (), **said: Any) -> Any:
    return plans.plan(
        settings={"login": "authelia"},
        routes=list(routes),
        users=users or {"anna": person()},
        login=login(**said),
        secrets=list(secrets),
    )


@pytest.fixture(scope="module")
def real() -> ModuleType:
    """What the lab's stand-in knows of Authelia's configuration, written down apart from the renderer."""
    path = ROOT / "molecule" / "lab" / "images" / "authelia" / "settings.py"
    spec = importlib.util.spec_from_file_location("authelia_settings", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["authelia_settings"] = module
    spec.loader.exec_module(module)
    return module


def guarded(plans: Any, name: str, **said: Any) -> Any:
    return plans.route(name, access="authenticated", **said)


BYPASS = {"domain": ["login.home.example"], "policy": "bypass"}


def test_without_a_guarded_route_one_rule_stands(plans: Any) -> None:
    assert authelia_config(plan_of(plans, plans.route("open", access="public")))["access_control"] == {
        "default_policy": "deny",
        "rules": [BYPASS],
    }


def test_the_longest_path_comes_first_and_nobody_falls_through(plans: Any) -> None:
    routes = [
        guarded(plans, "house", names=["house.home.example", "home.example"]),
        guarded(plans, "house-2", path="/admin", groups=["admins"], users=["bert"], names=["house.home.example"]),
        guarded(plans, "house-3", path="/admin/keys/", factor="two", names=["house.home.example"]),
    ]
    rules = authelia_config(plan_of(plans, *routes))["access_control"]["rules"]
    admin = {"domain": ["house.home.example"], "resources": ["^/admin([/?]|$)"]}
    assert rules == [
        BYPASS,
        {"domain": ["house.home.example"], "resources": ["^/admin/keys([/?]|$)"], "policy": "two_factor"},
        {**admin, "subject": ["group:admins", "user:bert"], "policy": "one_factor"},
        {**admin, "policy": "deny"},
        {"domain": ["house.home.example", "home.example"], "policy": "one_factor"},
    ]


@pytest.mark.parametrize(
    ("factor", "usual", "policy"),
    [(None, "one_factor", "one_factor"), (None, "two_factor", "two_factor"), ("one", "two_factor", "one_factor")],
)
def test_a_route_may_say_its_factors(plans: Any, factor: str | None, usual: str, policy: str) -> None:
    plan = plan_of(plans, guarded(plans, "house", factor=factor), factor=usual)
    assert authelia_config(plan)["access_control"]["rules"][-1]["policy"] == policy


PATHS = st.lists(st.text(alphabet="abz09._~-", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join)


@example("admin", "/\nkeys")
@given(PATHS, st.text(alphabet="ab/?._-\r\n\x00", max_size=6))
def test_a_rule_holds_for_its_path_and_what_is_below(plans: Any, path: str, rest: str) -> None:
    plan = plan_of(plans, guarded(plans, "house", path=f"/{path}"))
    pattern = authelia_config(plan)["access_control"]["rules"][-1]["resources"][0]
    # as Go reads it: there the end is the end, here also what stands before a last line end
    expression = pattern.replace("$", r"\Z")
    assert bool(re.search(expression, f"/{path}{rest}")) is (rest == "" or rest[0] in "/?")


FULL = {
    "home": "https://home.home.example",
    "clients": [
        CLIENT,
        {**CLIENT, "service": "immich", "groups": ["family"], "pkce": False, "factor": "two", "id_token": ["email"]},
    ],
    "smtp": {**SMTP, "username": "me"},
}


@pytest.mark.parametrize("said", [{}, FULL, {"smtp": SMTP}, {"clients": [CLIENT]}])
def test_authelia_knows_every_key(plans: Any, real: ModuleType, said: Any) -> None:
    plan = plan_of(plans, guarded(plans, "house", path="/x", groups=["a"]), **said)
    config = authelia_config(plan)
    assert real.strange(config, real.KEYS) == []
    Configuration.model_validate(config)


def test_the_shape_knows_no_key_that_authelia_does_not(real: ModuleType) -> None:
    def keys(schema: Any, definitions: Any) -> Any:
        schema = next((one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"), schema)
        if "$ref" in schema:
            return keys(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        if "items" in schema:
            return [keys(schema["items"], definitions)]
        if isinstance(schema.get("additionalProperties"), dict):
            return {"any": keys(schema["additionalProperties"], definitions)}
        return {name: keys(one, definitions) for name, one in schema.get("properties", {}).items()} or None

    schema = Configuration.model_json_schema()
    assert real.strange(keys(schema, schema["$defs"]), real.KEYS) == []


def test_clients(plans: Any) -> None:
    oidc = authelia_config(plan_of(plans, **FULL))["identity_providers"]["oidc"]
    first, second = oidc["clients"]
    assert first["client_secret"] == "<kronos-secret:oidc_grafana|quoted>"
    assert (first["authorization_policy"], first["require_pkce"], first["pkce_challenge_method"]) == (
        "one_factor",
        True,
        "S256",
    )
    assert (second["authorization_policy"], "require_pkce" in second) == ("immich", False)
    assert ("claims_policy" in first, second["claims_policy"]) == (False, "immich")
    assert oidc["claims_policies"] == {"immich": {"id_token": ["email"]}}
    rules = [{"policy": "two_factor", "subject": ["group:family"]}]
    assert oidc["authorization_policies"] == {"immich": {"default_policy": "deny", "rules": rules}}
    assert "identity_providers" not in authelia_config(plan_of(plans))


@pytest.mark.parametrize(
    ("scopes", "grants"),
    [(["openid"], None), (["openid", "offline_access"], ["authorization_code", "refresh_token"])],
)
def test_who_may_stay_without_the_person_may_ask_for_it(plans: Any, scopes: list[str], grants: Any) -> None:
    plan = plan_of(plans, clients=[{**CLIENT, "scopes": scopes}])
    (client,) = authelia_config(plan)["identity_providers"]["oidc"]["clients"]
    assert client.get("grant_types") == grants


def test_mail_or_a_file(plans: Any) -> None:
    assert authelia_config(plan_of(plans))["notifier"] == {"filesystem": {"filename": "/data/notification.txt"}}
    told = {"address": SMTP["address"], "sender": "a@b", "subject": "{title}"}
    assert authelia_config(plan_of(plans, smtp=SMTP))["notifier"] == {"smtp": told}
    password = {"username": "me", "password": "<kronos-secret:smtp_password|quoted>"}
    assert authelia_config(plan_of(plans, **FULL))["notifier"] == {"smtp": {**told, **password}}


def test_users(plans: Any) -> None:
    users = {
        "anna": person(name='Anna: "A."', email="anna@home.example", groups=["b", "a", "b"]),
        "bert": person(),
        "kid": person(login=False),
    }
    assert authelia_users(plan_of(plans, users=users)) == {
        "users": {
            "anna": {
                "displayname": 'Anna: "A."',
                "password": "<kronos-secret:hash_anna|quoted>",
                "email": "anna@home.example",
                "groups": ["a", "b"],
            },
            "bert": {"displayname": "bert", "password": "<kronos-secret:hash_bert|quoted>", "groups": []},
        }
    }


def test_files_say_which_secrets_they_hold(plans: Any) -> None:
    config, users = authelia_files(plan_of(plans, **FULL))
    assert (config["path"], config["reload"]) == ("config/configuration.yml", False)
    assert config["secrets"] == ["issuer_hmac", "issuer_key", "oidc_grafana", "oidc_immich", "smtp_password"]
    assert (users["path"], users["reload"], users["secrets"]) == ("config/users.yml", True, ["hash_anna"])
    # every slot stands within double quotes, so that a quoted value is read as it is
    for file in (config, users):
        slots = re.findall(r"(.?)<kronos-secret:[a-z_-]+\|quoted>(.?)", file["content"])
        assert slots
        assert set(slots) == {('"', '"')}
        assert yaml.safe_load(file["content"])


def test_nothing_is_changed(plans: Any) -> None:
    plan = plan_of(plans, guarded(plans, "house", groups=["a"]), **FULL)
    before = copy.deepcopy(plan)
    assert authelia_files(plan) == authelia_files(plan)
    assert plan == before


def test_the_inventorys_own_words(plans: Any) -> None:
    said = {"regulation": {"max_retries": 9}, "log": {"level": "debug"}, "theme": None}
    config = authelia_config(plan_of(plans, config=said))
    assert config["regulation"] == {"max_retries": 9, "find_time": "2m", "ban_time": "5m"}
    assert "theme" not in config


@pytest.mark.parametrize(
    "config",
    [
        {"default_2fa_method": "webauthn", "certificates_directory": "/config/certificates"},
        {"telemetry": {"metrics": {"enabled": True}}, "server": {"endpoints": {"enable_pprof": True}}},
        {"session": {"expiration": 3600, "inactivity": "2 hours", "redis": {"host": "redis", "tls": {}}}},
        {"regulation": {"find_time": "1h30m", "ban_time": 0, "modes": ["user", "ip"]}},
        {"storage": {"local": None, "postgres": {"address": "tcp://db", "username": "a", "password": "b"}}},
        {"authentication_backend": {"file": None, "ldap": {"address": "ldap://ldap", "base_dn": "dc=x"}}},
        {"authentication_backend": {"file": {"search": {"email": True}}}},
        {"access_control": {"rules": [{"domain": "*.home.example", "policy": "one_factor", "subject": "group:a"}]}},
        {"identity_validation": {"elevated_session": {"skip_second_factor": True}}},
        {"notifier": {"disable_startup_check": True}, "password_policy": {"zxcvbn": {"enabled": True}}},
        {"definitions": {"network": {"lan": ["192.168.1.0/24"]}}, "totp": {"allowed_digits": [6, 8]}},
        {"identity_providers": {"oidc": {"lifespans": {"id_token": "2h"}, "cors": {"endpoints": ["token"]}}}},
    ],
)
def test_what_authelia_knows_may_be_said(plans: Any, real: ModuleType, config: Any) -> None:
    plan = plan_of(plans, config=config, **FULL)
    problems = Problems()
    check_authelia(plan, problems)
    assert [str(one) for one in problems] == []
    assert real.strange(authelia_config(plan), real.KEYS) == []


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"session": {"inactivity": "soon"}}, "found 'soon'; wanted a duration such as 30m, 12h or 1M (a month)"),
        ({"session": {"redis": {"hots": "x"}}}, "found the unknown key 'hots'"),
        (
            {"storage": {"postgres": {"address": "x", "username": "a", "password": "b"}}},
            "wanted one of local, postgres and mysql",
        ),
        ({"authentication_backend": {"file": None}}, "wanted one of file and ldap"),
        (
            {"identity_providers": {"oidc": {"hmac_secret": "x", "jwks": [{"key": "x"}], "clients": [SECRETLESS]}}},
            "found nothing; wanted the key 'client_secret'",
        ),
        ({"access_control": {"rules": [{"policy": "deny"}]}}, "wanted domain or domain_regex"),
        ({"regulaton": {}}, "authelia_config: regulaton: found the unknown key 'regulaton'"),
        ({"access_control": {"rules": []}}, "authelia_config: access_control: found no rule; wanted a rule"),
        ({"session": None}, "authelia_config: session: found nothing"),
        (
            {"notifier": {"smtp": {"address": "smtp://x", "sender": "a@b"}}},
            "authelia_config: notifier: found a mapping; wanted one of filesystem and smtp",
        ),
        ({"log": {"level": "loud"}}, "authelia_config: log.level: found 'loud'"),
    ],
)
def test_what_authelia_would_not_start_on(plans: Any, config: Any, says: str) -> None:
    problems = Problems()
    plan = plan_of(plans, config=config)
    check_authelia(plan, problems)
    assert [str(one) for one in problems if says in str(one)], problems
    with pytest.raises(RenderError, match="authelia_config"):
        authelia_files(plan)


def test_without_a_login_there_is_nothing_to_render(plans: Any) -> None:
    with pytest.raises(RenderError, match="kronos_login is none"):
        authelia_config(plans.plan(login=None))
