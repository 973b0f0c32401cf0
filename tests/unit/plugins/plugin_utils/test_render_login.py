# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the proxy asks who somebody is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_login import forward_auth, serving_address
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_chains import links, middlewares


def test_the_login_is_asked_after_identities_are_taken_away(plans: Any) -> None:
    plan = plans.plan(settings={"login": "authelia"})
    chain = links(plan, "authenticated")
    assert chain.index("strip-identity") < chain.index("login")
    assert "allow-lan" not in chain
    assert middlewares(plan)["login"]["forwardAuth"]["trustForwardHeader"] is False
    assert "login" not in links(plan, "lan")


def test_without_a_login_the_home_network_is_the_limit(plans: Any) -> None:
    assert "allow-lan" in links(plans.plan(), "authenticated")
    assert "login" not in middlewares(plans.plan())


def test_the_login_is_asked_at_its_address(plans: Any) -> None:
    login = plans.service("authelia", addresses={"kronos-in-default": "10.236.8.5"})
    asked = forward_auth(plans.plan(login, settings={"login": "authelia"}))
    assert asked["address"] == "http://10.236.8.5:9091/api/authz/forward-auth"


def test_unknown_login(plans: Any) -> None:
    with pytest.raises(RenderError, match="no way to ask 'other'"):
        forward_auth(plans.plan(settings={"login": "other"}))


def test_a_service_without_an_address_is_known_by_name(plans: Any) -> None:
    assert serving_address(plans.plan(), "waf") == "waf"
