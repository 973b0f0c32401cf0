# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the internet over TLS and HTTPS, through the real unbound and dnsdist, and not a packet in plain."""

from __future__ import annotations

import re
from typing import Any

import labtest
import pytest
from dnstest import INTERNET, dig, site

MODES = {
    "dot": ("tls", {"pihole_tls_upstreams": [{"address": INTERNET, "name": "dns.test"}]}),
    "doh": (
        "https",
        {"pihole_https_upstreams": [{"url": "https://dns.test:8443/dns-query", "addresses": [INTERNET]}]},
    ),
}


def packets(host: Any) -> dict[str, int]:
    """Packets to the internet so far, by the way in which it is asked."""
    text = host.check_output("nft list table inet dnstest")
    return {name: int(count) for count, name in re.findall(r'packets (\d+) bytes \d+ comment "(\w+)"', text)}


@pytest.mark.parametrize("mode", labtest.rows(list(MODES), ["dot"], str))
def test_the_internet_is_asked_over(host: Any, mode: str) -> None:
    way, variables = MODES[mode]
    ca = host.check_output("cat /test/cert.pem")
    said = {"pihole_upstream_mode": mode, "pihole_upstream_ca": f"{ca}\n", **variables}
    run = site(**said)
    assert run.code == 0, run.output
    before = packets(host)
    assert labtest.until(lambda: dig(host, "www.example.net"), 20) == ["198.51.100.7"]
    assert dig(host, "nothing.example.net") == []
    after = packets(host)
    assert after["plain"] == before["plain"]
    assert after[way] > before[way]
    if labtest.FULL:
        # another name in the certificate than the one that was asked for: no answer, and no way around, for a name
        # that nobody has remembered
        other = {"pihole_tls_upstreams": [{"address": INTERNET, "name": "else.test"}]}
        other["pihole_https_upstreams"] = [{"url": "https://else.test:8443/dns-query", "addresses": [INTERNET]}]
        assert site(**{**said, **other}).code == 0
        labtest.until(lambda: dig(host, "new.example.net") == [], 20, "the answer is that there is none")
        assert packets(host)["plain"] == before["plain"]


def test_back_in_plain(host: Any) -> None:
    before = packets(host)
    run = site()
    assert run.code == 0, run.output
    assert dig(host, "www.example.net") == ["198.51.100.7"]
    assert dig(host, "new.example.net") == ["198.51.100.8"]
    assert packets(host)["plain"] > before["plain"]
    assert host.run("docker inspect unbound").rc != 0
