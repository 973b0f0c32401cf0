# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError

ECHO = {"image": "x/echo:1", "health": {"http": {"port": 8080}}}
LOGIN = {
    "kronos_login": "authelia",
    "kronos_stacks": ["traefik", "authelia", "dashboard"],
    "kronos_users": {
        "anna": {"name": "Anna A.", "email": "anna@home.example", "groups": ["family"]},
        "bert": {"groups": ["admins"]},
        "child": {"login": False, "groups": ["family"]},
    },
    "kronos_services": {
        "notes": {**ECHO, "routes": [{"host": "notes", "port": 8080, "access": "authenticated"}]},
        "grafana": {
            **ECHO,
            "routes": [{"host": "grafana", "also": ["stats"], "port": 8080, "access": {"groups": ["admins"]}}],
            "oidc": {
                "redirect": ["/login/generic_oauth", "app.grafana:/back"],
                "auth": "client_secret_post",
                "id_token": ["groups"],
            },
            "environment": {"CLIENT_SECRET_FILE": {"secret": "oidc"}},
        },
    },
}


@pytest.fixture(scope="module")
def plan(planning):
    return planning.plan(**LOGIN)


def test_what_renderers_learn(plan):
    login = plan["login"]
    assert (login["host"], login["url"]) == ("login.home.example", "https://login.home.example")
    assert login["factor"] == "one_factor"
    assert login["session"] == {"inactivity": "1h", "expiration": "12h", "remember_me": "1M"}
    assert login["clients"] == [
        {
            "service": "grafana",
            "redirect_uris": [
                "https://grafana.home.example/login/generic_oauth",
                "https://stats.home.example/login/generic_oauth",
                "app.grafana:/back",
            ],
            "scopes": ["openid", "profile", "email", "groups"],
            "auth": "client_secret_post",
            "consent": "implicit",
            "id_token": ["groups"],
            "pkce": True,
            "groups": ["admins"],
            "users": [],
            "factor": None,
        }
    ]


def test_secrets_follow_from_people_and_clients(plan):
    found = {f"{one['service']}/{one['name']}": one for one in plan["secrets"]}
    assert found["authelia/user_anna"] | {"given": False} == {
        "service": "authelia",
        "name": "user_anna",
        "format": "passphrase",
        "length": 6,
        "given": False,
    }
    assert found["authelia/hash_anna"]["derive"] == {"from": "authelia/user_anna", "hash": "argon2id"}
    assert found["authelia/oidc_grafana"]["derive"] == {"from": "grafana/oidc", "hash": "pbkdf2_sha512"}
    assert (found["grafana/oidc"]["format"], found["grafana/oidc"]["length"]) == ("alphanumeric", 48)
    assert found["authelia/issuer_key"]["format"] == "rsa_key"
    assert "authelia/user_child" not in found
    assert "authelia/smtp_password" not in found


def test_without_a_login_nothing_follows_but_a_clients_own_secret(planning):
    plan = planning.plan(
        **LOGIN
        | {
            "kronos_login": "none",
            "kronos_stacks": ["traefik"],
            "kronos_services": {"grafana": {**ECHO, "oidc": {"redirect": ["app.grafana:/back"]}}},
        }
    )
    assert plan["login"] is None
    assert [one["name"] for one in plan["secrets"]] == ["oidc"]


def test_another_port_is_in_every_address_and_told(planning):
    plan = planning.plan(**LOGIN, kronos_https_port=8443)
    assert plan["login"]["url"] == "https://login.home.example:8443"
    assert plan["login"]["clients"][0]["redirect_uris"][0] == "https://grafana.home.example:8443/login/generic_oauth"
    assert any("services do not reach the login at its address: grafana" in one for one in plan["cautions"])


def test_given_passwords_and_mail(planning):
    plan = planning.plan(
        **LOGIN,
        authelia_smtp={
            "address": "submission://mail.example.com:587",
            "sender": "login@home.example",
            "username": "me",
        },
        kronos_secrets={"authelia": {"user_anna": "x", "smtp_password": "y"}},
    )
    found = {one["name"]: one for one in plan["secrets"] if one["service"] == "authelia"}
    assert found["user_anna"]["given"]
    assert found["smtp_password"]["format"] == "given"


@pytest.mark.parametrize(
    ("access", "factor", "told"),
    [
        ("authenticated", "one_factor", False),
        ({"factor": "two"}, "one_factor", True),
        ("authenticated", "two_factor", True),
        ({"factor": "one"}, "two_factor", False),
        ("public", "two_factor", False),
    ],
)
def test_who_cannot_register_a_second_factor_is_told(planning, access, factor, told):
    notes = {**ECHO, "routes": [{"host": "notes", "port": 8080, "access": access}]}
    plan = planning.plan(**LOGIN | {"kronos_services": {"notes": notes}}, authelia_factor=factor)
    found = [one for one in plan["cautions"] if "second factor" in one]
    assert [one.rpartition(": ")[2] for one in found] == (["bert"] if told else [])


def test_names_of_people_and_clients_leave_room_for_their_secrets(planning):
    long, grafana = "p" * 48, LOGIN["kronos_services"]["grafana"]
    plan = planning.plan(**{**LOGIN, "kronos_users": {long: {"groups": ["admins"]}}})
    assert f"hash_{long}" in {one["name"] for one in plan["secrets"]}
    with pytest.raises(PlanError) as caught:
        planning.plan(**{**LOGIN, "kronos_users": {f"{long}p": {"groups": ["admins"]}}})
    assert f"kronos_users: {long}p: found a name of 49 characters; wanted at most 48" in str(caught.value)
    with pytest.raises(PlanError) as caught:
        planning.plan(**{**LOGIN, "kronos_services": {"g" * 59: grafana}})
    assert "oidc: found a name of 59 characters; wanted at most 58" in str(caught.value)


def test_no_name_makes_two_secrets_one(planning):
    people = ("anna", "anna-hash", "hash-anna", "key", "hmac")
    grafana = LOGIN["kronos_services"]["grafana"]
    clients = {
        name: {**grafana, "routes": [{**grafana["routes"][0], "host": name, "also": []}]} for name in ("key", "hmac")
    }
    door = {**ECHO, "routes": [{"host": "door", "port": 8080, "access": "public", "basic_auth": list(people)}]}
    said = {"kronos_users": {name: {"groups": ["admins"]} for name in people}}
    plan = planning.plan(**{**LOGIN, **said, "kronos_services": {**clients, "door": door}})
    found = {(one["service"], one["name"]): one for one in plan["secrets"]}
    assert found["authelia", "issuer_key"]["format"] == "rsa_key"
    for name in people:
        assert found["traefik", f"hash_{name}"]["derive"]["from"] == f"traefik/basic-{name}"
        assert found["traefik", f"basic-{name}"]["format"] == "passphrase"
    assert {found["authelia", f"oidc_{name}"]["derive"]["from"] for name in clients} == {"key/oidc", "hmac/oidc"}
