# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in, and as whom."""

from __future__ import annotations

import json
import urllib.parse

import labtest
import pytest
from logintest import PAGE, ask, ask_patiently, log_in, secret, seen


@pytest.fixture(scope="module")
def cookies(host):
    """Cookies of those who logged in once: by their invitation, or by a password that the inventory gives."""
    found = {name: log_in(name, secret(host, "authelia", f"user_{name}")) for name in ("anna", "bert")}
    return {**found, "carl": log_in("carl", "carls-own-password"), "nobody": ""}


def test_invitations_are_easy_to_type_and_the_wrong_password_is_refused(host, cookies):
    assert len(secret(host, "authelia", "user_anna").split("-")) == 6
    assert all(cookies[name] for name in ("anna", "bert", "carl"))
    assert secret(host, "authelia", "hash_anna").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not log_in("anna", "not-her-password")
    assert not log_in("kid", "whatever-it-is")


@pytest.mark.parametrize("path", ["/", "/admin", "/bank", "/some/where?a=b&c=%20d"])
def test_a_browser_is_sent_to_the_login_and_back(path):
    answer = labtest.fetch("house", path, headers=PAGE)
    assert answer.status == 302
    target = urllib.parse.urlsplit(answer.headers["Location"])
    assert f"{target.scheme}://{target.netloc}" == f"https://login.{labtest.HOST}.localhost"
    asked = urllib.parse.parse_qs(target.query)
    assert asked["rd"] == [f"https://house.{labtest.HOST}.localhost{path}"]
    assert asked["rm"] == ["GET"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_a_program_is_told_401(method):
    answer = labtest.fetch("house", "/", headers={"Accept": "application/json"}, method=method)
    assert answer.status == 401
    assert "echo" not in answer.body


WHO = [
    # path, and who gets 200; /administer is not below /admin, and whatever spelling of /admin is /admin
    ("/", {"anna", "bert", "carl"}),
    ("/admin", {"bert"}),
    ("/admin/", {"bert"}),
    ("/admin/users?x=1", {"bert"}),
    ("/admin?x=1", {"bert"}),
    ("/%61dmin", {"bert"}),
    ("/other/../admin", {"bert"}),
    ("//admin", {"bert"}),
    ("/administer", {"anna", "bert", "carl"}),
]


@pytest.mark.parametrize(
    ("path", "allowed"), labtest.rows(WHO, ["/", "/admin", "/%61dmin", "/administer"], lambda row: row[0])
)
def test_groups_decide_by_path(cookies, path, allowed):
    answers = {name: ask(cookies[name], "house", path).status for name in ("anna", "bert", "carl")}
    if path == "//admin" and 200 not in answers.values():
        return  # refused to all: as good
    assert answers == {name: 200 if name in allowed else 403 for name in answers}


def test_who_it_is_reaches_the_service(cookies):
    found = seen(ask(cookies["bert"], "house", "/admin"))
    assert {name: found.get(name) for name in ("remote-user", "remote-name", "remote-email")} == {
        "remote-user": "bert",
        "remote-name": "Bert B.",
        "remote-email": "bert@home.example",
    }
    assert sorted(found["remote-groups"].split(",")) == ["admins", "family"]


def test_the_log_names_who_asked(host, cookies):
    said = {**PAGE, "Cookie": cookies["anna"]}
    assert labtest.fetch("house", "/tea", headers=said, method="BREW").status == 501
    lines = host.check_output("journalctl -o cat CONTAINER_NAME=traefik --no-pager").splitlines()
    (line,) = [json.loads(line) for line in lines if '"BREW"' in line]
    assert (line["ClientUsername"], line["RouterName"]) == ("anna", "house@file")
    assert line["ClientHost"]


def test_one_factor_is_not_two(cookies):
    answer = ask(cookies["bert"], "house", "/bank")
    assert answer.status == 302
    assert answer.headers["Location"].startswith(f"https://login.{labtest.HOST}.localhost/")


FORGED = [
    "Remote-User",
    "remote_user",
    "Remote_User",
    "REMOTE-USER",
    "Remote-Groups",
    "Remote-Name",
    "Remote-Email",
    "X-Remote-User",
    "X-Forwarded-User",
    "X_Forwarded_User",
    "X-Forwarded-Groups",
    "X-Forwarded-Email",
    "X-Forwarded-Preferred-Username",
    "X-Auth-Request-User",
    "X-WEBAUTH-USER",
]


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_identity_never_reaches_a_service(cookies, name):
    for where, cookie in (("open", ""), ("open", cookies["anna"]), ("house", cookies["anna"])):
        answer = ask(cookie, where, "/", **{name: "forged-mallory"})
        assert "forged-mallory" not in answer.body, where
        assert seen(answer).get("remote-user") == ("anna" if where == "house" else None)
    assert labtest.fetch("house", "/", headers={**PAGE, name: "bert"}).status == 302


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Forwarded-Uri", "/"),
        ("X-Forwarded-Host", "open.{host}.localhost"),
        ("X-Forwarded-Method", "OPTIONS"),
        ("X-Original-URL", "https://open.{host}.localhost/"),
        ("X-Forwarded-Prefix", "/"),
    ],
)
def test_a_forged_place_is_no_permission(cookies, header, value):
    said = {header: value.format(host=labtest.HOST)}
    assert ask(cookies["anna"], "house", "/admin", **said).status == 403
    assert ask("", "house", "/admin", **said).status == 302


def test_without_the_login_everything_guarded_is_closed(host, cookies):
    host.check_output("docker stop -t 1 authelia")
    try:
        for cookie in (cookies["bert"], ""):
            answer = ask_patiently(cookie, "house")
            assert answer.status >= 500
            assert "echo" not in answer.body
        assert ask("", "open").status == 200
    finally:
        host.check_output("docker start authelia")
    labtest.until(lambda: labtest.fetch("login", "/api/health").status == 200, 60, "the login is back")


CLIENT = """
import base64, json, os, ssl, sys, urllib.error, urllib.request
root, base = sys.argv[1:]
context = ssl.create_default_context(cadata=root)
found = json.load(urllib.request.urlopen(base + "/.well-known/openid-configuration", context=context, timeout=10))
def ask(password):
    proof = base64.b64encode(("stats:" + password).encode()).decode()
    headers = {"Authorization": "Basic " + proof}
    question = urllib.request.Request(found["token_endpoint"], b"grant_type=authorization_code&code=x", headers)
    try:
        urllib.request.urlopen(question, context=context, timeout=10)
    except urllib.error.HTTPError as error:
        return json.load(error)["error"]
print(json.dumps([found["issuer"], ask(open(os.environ["CLIENT_SECRET_FILE"]).read()), ask("wrong")]))
"""


def test_a_client_in_a_zone_reaches_the_login_by_its_name_and_proves_itself(host):
    root = host.check_output("cat /etc/kronos/ca/root.crt")
    base = f"https://login.{labtest.HOST}.localhost"
    said = host.check_output("docker exec stats python3 -c %s %s %s", CLIENT, root, base)
    # the right password gets as far as its code, which nobody gave out
    assert json.loads(said) == [base, "invalid_grant", "invalid_client"]


def test_no_secret_is_seen(host, cookies):
    kept = host.check_output("cat /etc/kronos/secrets/authelia/* /etc/kronos/secrets/stats/*; echo")
    kept = "\n".join([kept, *(secret(host, "authelia", name) for name in ("user_anna", "hash_anna", "issuer_hmac"))])
    values = {line for line in kept.splitlines() if len(line) >= 12 and "-----" not in line}
    assert len(values) > 15
    shown = {
        "docker inspect": json.dumps(labtest.inspect(host)),
        "the runs": "".join(path.read_text() for path in labtest.RECORDS.glob("*.json")),
        "compose.yml": host.check_output("cat /opt/kronos/stacks/authelia/compose.yml"),
        "its log": host.check_output("docker logs authelia 2>&1"),
    }
    assert [(where, value[:4]) for where, text in shown.items() for value in values if value in text] == []
    modes = host.check_output("stat -c '%a %u' /opt/kronos/stacks/authelia/files/authelia/config/*").splitlines()
    assert modes == ["400 9091"] * 2
