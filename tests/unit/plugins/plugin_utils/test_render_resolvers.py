# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resolvers that ask the internet over TLS and HTTPS."""

from __future__ import annotations

from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_resolvers import dnsdist_config, unbound_config


def test_unbound_asks_over_tls_alone(plans: Any) -> None:
    servers = [{"address": "9.9.9.9", "name": "dns.quad9.net"}, {"address": "2620:fe::fe", "name": "q", "port": 8853}]
    text = unbound_config(plans.plan(), servers)
    assert text.split("forward-zone:\n")[1].splitlines() == [
        '  name: "."',
        "  forward-tls-upstream: yes",
        "  forward-addr: 9.9.9.9@853#dns.quad9.net",
        "  forward-addr: 2620:fe::fe@8853#q",
    ]
    assert 'tls-cert-bundle: "/etc/ssl/certs/ca-certificates.crt"' in text
    assert "do-ip6: no" in text
    own = unbound_config(plans.plan(settings={"ipv6": True}), servers, True)
    assert 'tls-cert-bundle: "/etc/unbound/kronos/ca.pem"' in own
    assert "do-ip6: yes" in own


def test_dnsdist_asks_over_https_alone(plans: Any) -> None:
    servers = [{"url": "https://dns.quad9.net/dns-query", "addresses": ["9.9.9.9", "2620:fe::fe"]}]
    servers += [{"url": "https://doh.example:8443", "addresses": ["192.0.2.1"]}]
    lines = [line for line in dnsdist_config(plans.plan(), servers).splitlines() if line.startswith("newServer")]
    assert lines[0] == (
        'newServer({address="9.9.9.9:443", name="dns.quad9.net-1", order=1, tls="openssl", subjectName="dns.quad9.net"'
        ', dohPath="/dns-query", validateCertificates=true, caStore="/etc/ssl/certs/ca-certificates.crt"})'
    )
    assert 'address="[2620:fe::fe]:443", name="dns.quad9.net-2", order=2' in lines[1]
    assert 'address="192.0.2.1:8443", name="doh.example-3"' in lines[2]
    text = dnsdist_config(plans.plan(), servers, True)
    assert 'caStore="/etc/dnsdist/kronos/ca.pem"' in text
    assert "setServFailWhenNoServer(true)" in text
    assert 'setSecurityPollSuffix("")' in text  # else it asks for news of itself, in plain
