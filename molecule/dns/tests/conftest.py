# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this scenario share: a client with dig, and an internet with a server that answers in every way."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import dnstest
import labtest
from dnstest import INTERNET, LIST

MIRROR = "registry.kronos-lab:5000/docker.io"
PIHOLE = f"{MIRROR}/pihole/pihole:2025.11.0"
UNBOUND = f"{MIRROR}/klutchell/unbound:1.24.1"
ANSWERS = f"""server:
  interface: {INTERNET}@53
  interface: {INTERNET}@853
  interface: {INTERNET}@8443
  tls-port: 853
  https-port: 8443
  tls-service-key: /test/key.pem
  tls-service-pem: /test/cert.pem
  access-control: 0.0.0.0/0 allow
  chroot: ""
  username: ""
  directory: "/"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  local-zone: "." static
  local-zone: "localhost." static
  local-data: "www.example.net. A 198.51.100.7"
  local-data: "new.example.net. A 198.51.100.8"
  local-data: "hello.{labtest.HOST}.localhost. AAAA 2001:db8::1"
  local-data: "hello.{labtest.HOST}.localhost. HTTPS 0 ."
remote-control:
  control-enable: no
"""
COUNTERS = """table inet dnstest {
  chain seen {
    type filter hook forward priority -300;
    meta l4proto { tcp, udp } th dport 53 counter comment "plain"
    tcp dport 853 counter comment "tls"
    tcp dport 8443 counter comment "https"
  }
}
"""


@pytest.fixture(scope="module", autouse=True)
def surroundings(host: Any) -> None:
    """What stands around the host goes when the host goes."""
    make(host)
    # a run of the tests that broke off may have left it off
    dnstest.api(host, ("POST", "dns/blocking", {"blocking": True}))


def make(host: Any) -> None:
    """A client, and a namespace behind the host with a server; a list that Pi-hole can fetch without the internet."""
    if host.run("docker inspect upstream asker").rc == 0:
        return
    host.check_output(
        f"docker rm -f asker upstream; docker run -d --name asker --network host --entrypoint sleep {PIHOLE} infinity"
    )
    host.check_output("mkdir -p /test")
    host.check_output(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=dns.test "
        "-addext subjectAltName=DNS:dns.test -keyout /test/key.pem -out /test/cert.pem 2>&1; chmod 644 /test/key.pem"
    )
    host.check_output("printf '%s' '{}' > /test/unbound.conf".format(ANSWERS.replace("'", "'\\''")))
    host.check_output(
        f"docker run -d --name upstream --network none -v /test:/test --entrypoint sh {UNBOUND} "
        f"-c 'until grep -q {INTERNET} /proc/net/fib_trie; do sleep 0.1; done; exec unbound -d -c /test/unbound.conf'"
    )
    host.check_output(
        "pid=$(docker inspect -f '{{.State.Pid}}' upstream); ip link del up0 2>/dev/null; "
        "ip link add up0 type veth peer name up1 netns $pid && ip addr add 192.0.2.254/24 dev up0 "
        f"&& ip link set up0 up && nsenter -t $pid -n sh -c 'ip link set lo up; ip addr add {INTERNET}/24 dev up1; "
        "ip link set up1 up; ip route add default via 192.0.2.254'"
    )
    host.check_output(f"printf '%s' '{COUNTERS}' | nft -f -")
    host.check_output(f"printf '0.0.0.0 listed.example.org\\n' > {LIST}")
