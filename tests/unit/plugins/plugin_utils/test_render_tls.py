# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in the certificate of the proxy."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_tls import tls_names

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
