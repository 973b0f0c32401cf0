# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What settings and other records add to the proxy's own record."""

from __future__ import annotations

from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_chains import middlewares, traefik_users

ACME = {
    "mode": "acme_dns",
    "provider": "cloudflare",
    "secrets": {"CF_DNS_API_TOKEN": "cloudflare_token"},
    "environment": {"CLOUDFLARE_TTL": "120"},
}
GIVEN = {"traefik": {"cloudflare_token": "x"}}


def test_the_token_of_the_provider_is_a_file(planning: Any) -> None:
    plan = planning.plan(kronos_stacks=["traefik"], kronos_tls=ACME, kronos_secrets=GIVEN)
    proxy = plan["services"]["traefik"]
    assert proxy["secret_files"] == {"CF_DNS_API_TOKEN_FILE": "cloudflare_token"}
    assert proxy["environment"]["CLOUDFLARE_TTL"] == "120"
    assert {"service": "traefik", "name": "cloudflare_token"}.items() <= plan["secrets"][0].items()
    assert plan["secrets"][0]["given"]


def test_account_and_certificates_stay(planning: Any) -> None:
    plan = planning.plan(kronos_stacks=["traefik"], kronos_tls={"mode": "acme_http"})
    mounts = {mount["target"]: mount["source"] for mount in plan["services"]["traefik"]["mounts"]}
    assert mounts["/acme"] == "/srv/kronos/traefik/acme"
    assert plan["backups"][0]["paths"] == ["/srv/kronos/traefik/acme"]


def test_the_authority_of_a_directory_of_ones_own(planning: Any) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    plan = planning.plan(kronos_stacks=["traefik"], kronos_tls={"mode": "acme_http", "server_ca": pem})
    assert plan["services"]["traefik"]["environment"]["LEGO_CA_CERTIFICATES"] == "/etc/traefik/config/acme-ca.pem"


def test_a_place_for_bodies_only_where_a_route_bounds_them(planning: Any) -> None:
    def targets(**said: Any) -> set[str]:
        record = {"image": "x/one:1", "routes": [{"host": "one", "port": 80, "access": "lan", **said}]}
        plan = planning.plan(kronos_stacks=["traefik"], kronos_services={"one": record})
        return {mount["target"] for mount in plan["services"]["traefik"]["mounts"]}

    assert targets(max_body="5m") - targets() == {"/tmp"}


def test_a_password_of_the_proxys_own(planning: Any) -> None:
    record = {"image": "x/one:1", "routes": [{"host": "one", "port": 80, "access": "public", "basic_auth": ["anna"]}]}
    given = {"kronos_users": {"anna": {}}, "kronos_services": {"one": record}}
    plan = planning.plan(kronos_stacks=["traefik"], **given)
    secrets = {secret["name"]: secret for secret in plan["secrets"]}
    assert secrets["basic-anna"]["format"] == "passphrase"
    assert secrets["hash_anna"]["derive"] == {"from": "traefik/basic-anna", "hash": "bcrypt"}
    assert traefik_users(plan) == [
        {
            "path": "config/users-one.txt",
            "content": "anna:<kronos-secret:hash_anna>\n",
            "secrets": ["hash_anna"],
        }
    ]
    found = middlewares(plan)
    assert found["basic-one"]["basicAuth"] == {
        "usersFile": "/etc/traefik/config/users-one.txt",
        "realm": "one",
        "removeHeader": True,
    }
    links = found["route-one"]["chain"]["middlewares"]
    assert links.index("basic-one") < links.index("strip-identity")
