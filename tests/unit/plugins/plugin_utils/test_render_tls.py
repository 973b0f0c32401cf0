# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in the certificate of the proxy."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_tls import (
    acme_domains,
    acme_names,
    acme_resolver,
    tls_names,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings_tls import Tls

USUAL = ["home.example", "*.home.example"]


@pytest.mark.parametrize(
    ("address", "names", "more"),
    [
        ("192.0.2.10", [], ["192.0.2.10"]),
        ("2001:db8:0::1", [], ["2001:db8::1"]),
        ("server.lan", [], []),
        ("server.lan", ["a.home.example", "home.example"], []),
        ("server.lan", ["b.other.example", "a.b.home.example"], ["a.b.home.example", "b.other.example"]),
        ("server.lan", ["x.other.example", "x.other.example"], ["x.other.example"]),
        ("server.lan", ["nothome.example"], ["nothome.example"]),
    ],
)
def test_names(address: str, names: list[str], more: list[str], plans: Any) -> None:
    routes = [plans.route(f"r{index}", fqdn=name) for index, name in enumerate(names)]
    assert tls_names(plans.plan(routes=routes, settings={"address": address})) == [*USUAL, *more]


def acme(mode: str, **said: Any) -> dict[str, Any]:
    return {"tls": Tls(mode=mode, **said).model_dump()}  # type: ignore[arg-type]


def mixed(plans: Any, settings: dict[str, Any]) -> Any:
    terminated = {"name": "mail", "tls": "terminate", "hosts": ["mail.home.example"], "reach": "public"}
    inner = {**terminated, "name": "books", "hosts": ["books.home.example"], "reach": "lan"}
    routes = [
        plans.route("in", access="lan"),
        plans.route("out", access="public", names=["out.home.example", "shop.example"]),
        plans.route("deep", access="authenticated", fqdn="a.b.home.example"),
    ]
    return plans.plan(
        routes=routes, streams=[terminated, inner, {**terminated, "name": "own", "tls": "pass"}], settings=settings
    )


def test_over_dns_one_certificate_for_the_domain_and_one_for_each_name_beside_it(plans: Any) -> None:
    plan = mixed(plans, acme("acme_dns", provider="cloudflare"))
    assert set(acme_names(plan)) == {"in", "out", "deep", "mail", "books"}
    domain = {"main": "home.example", "sans": ["*.home.example"]}
    assert acme_domains(plan, ["in.home.example"]) == [domain]
    assert acme_domains(plan, acme_names(plan)["out"]) == [domain, {"main": "shop.example"}]
    assert acme_domains(plan, acme_names(plan)["deep"]) == [{"main": "a.b.home.example"}]


def test_over_http_one_certificate_for_each_name_that_is_reached_from_outside(plans: Any) -> None:
    plan = mixed(plans, acme("acme_http"))
    assert set(acme_names(plan)) == {"out", "deep", "mail"}
    assert acme_domains(plan, acme_names(plan)["out"]) == [{"main": "out.home.example"}, {"main": "shop.example"}]
    assert "books.home.example" in tls_names(plan)  # nobody could ask it over HTTP: the home's own authority does


@pytest.mark.parametrize("mode", ["acme_dns", "acme_http", "files"])
def test_the_home_authority_issues_nothing_that_another_one_does(mode: str, plans: Any) -> None:
    """Traefik asks for no certificate whose names one of its own has, the one for everybody else included."""
    said: dict[str, Any] = {"acme_dns": {"provider": "x"}, "files": {"certificate": "/c", "key": "/k"}}.get(mode, {})
    plan = mixed(plans, acme(mode, **said))
    own = set(tls_names(plan))
    inside = {"in.home.example", "books.home.example"}
    assert own == ({"192.0.2.10", *inside} if mode == "acme_http" else {"192.0.2.10"})
    plan["settings"]["address"] = "server.lan"
    assert tls_names(plan) == (sorted(inside) if mode == "acme_http" else ["unnamed.home.example"])


def test_how_the_authority_is_asked(plans: Any) -> None:
    found = acme_resolver(plans.plan(settings=acme("acme_http", email="a@b.example")))
    assert found["httpChallenge"] == {"entryPoint": "web"}
    assert (found["email"], found["certificatesDuration"]) == ("a@b.example", 2160)
    staging = acme("acme_http", server="https://staging.example/directory")
    others = {acme_resolver(plans.plan(settings=each))["storage"] for each in (staging, acme("acme_dns", provider="x"))}
    assert len({found["storage"], *others}) == 3
    assert found["storage"].startswith("/acme/acme_http-")
    dns = acme("acme_dns", provider="x", resolvers=["192.0.2.1:53"], check_propagation=False, duration=48)
    found = acme_resolver(plans.plan(settings=dns))
    wanted = {"provider": "x", "resolvers": ["192.0.2.1:53"], "propagation": {"disableChecks": True}}
    assert (found["dnsChallenge"], found["certificatesDuration"], "email" in found) == (wanted, 48, False)
