# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.cookie_domains import PUBLIC, refused_domain


@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        ("home.example", ""),
        ("mine.home.arpa", ""),
        ("mine.duckdns.org", ""),
        ("home.mine.co.uk", ""),
        ("login.localhost", ""),
        ("home.arpa", "public suffix"),
        ("co.uk", "public suffix"),
        ("duckdns.org", "public suffix"),
        ("home", "single label"),
        ("192.0.2.10", "bare address"),
        ("2001:db8::1", "bare address"),
    ],
)
def test_domains(domain, reason):
    assert reason in refused_domain(domain)
    assert bool(reason) is bool(refused_domain(domain))


def test_the_list_holds_names_alone():
    assert all("." in name and name == name.lower() for name in PUBLIC)
