# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resolvers beside Pi-hole that ask the internet over TLS (unbound) and HTTPS (dnsdist).

https://unbound.docs.nlnetlabs.nl/en/latest/manpages/unbound.conf.html
https://www.dnsdist.org/reference/config.html#newServer
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Plan

# Ports that need no right of root.
UNBOUND_PORT = 5335
DNSDIST_PORT = 5353
DNSDIST_METRICS = 8083
UNBOUND_FOLDER = "/etc/unbound/kronos"
DNSDIST_FOLDER = "/etc/dnsdist/kronos"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def unbound_config(plan: Plan, upstreams: Iterable[Mapping[str, Any]], own_ca: bool = False) -> str:
    """Return ``unbound.conf``: everything goes to these servers over TLS, to names that are checked, or nowhere."""
    ipv6 = "yes" if plan["settings"]["ipv6"] else "no"
    lines = [
        "server:",
        f"  interface: 0.0.0.0@{UNBOUND_PORT}",
        "  access-control: 0.0.0.0/0 allow",
        "  do-daemonize: no",
        '  chroot: ""',
        '  username: ""',
        '  directory: "/"',
        '  pidfile: ""',
        "  use-syslog: no",
        '  logfile: ""',
        f"  do-ip6: {ipv6}",
        "  num-threads: 1",
        # the servers validate; a trust anchor here would need a folder to renew it in
        '  module-config: "iterator"',
        f'  tls-cert-bundle: "{UNBOUND_FOLDER + "/ca.pem" if own_ca else BUNDLE}"',
        "  prefetch: yes",
        "remote-control:",
        # inside the container alone: its health check asks there
        "  control-enable: yes",
        "  control-interface: 127.0.0.1",
        "  control-use-cert: no",
        "forward-zone:",
        '  name: "."',
        "  forward-tls-upstream: yes",
        *(f"  forward-addr: {each['address']}@{each.get('port', 853)}#{each['name']}" for each in upstreams),
    ]
    return "\n".join(lines) + "\n"


def dnsdist_config(plan: Plan, upstreams: Iterable[Mapping[str, Any]], own_ca: bool = False) -> str:
    """Return ``dnsdist.conf`` (Lua): everything goes to these servers over HTTPS, the first that answers."""
    lines = [
        f'setLocal("0.0.0.0:{DNSDIST_PORT}")',
        'setACL({"0.0.0.0/0"})',
        'setSecurityPollSuffix("")  -- it would ask for news of itself in plain',
        "setServerPolicy(firstAvailable)",
        "setServFailWhenNoServer(true)  -- else it is silent, and who asks waits for nothing",
        f'webserver("0.0.0.0:{DNSDIST_METRICS}")',
        'setWebserverConfig({acl="0.0.0.0/0", statsRequireAuthentication=false})',
    ]
    for order, (url, address) in enumerate((each["url"], one) for each in upstreams for one in each["addresses"]):
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port or 443
        server = {
            "address": f"[{address}]:{port}" if ":" in address else f"{address}:{port}",
            "name": f"{name}-{order + 1}",
            "order": order + 1,
            "tls": "openssl",
            "subjectName": name,
            "dohPath": parts.path or "/dns-query",
            "validateCertificates": True,
            "caStore": f"{DNSDIST_FOLDER}/ca.pem" if own_ca else BUNDLE,
        }
        lines.append(f"newServer({{{', '.join(f'{key}={_lua(value)}' for key, value in server.items())}}})")
    return "\n".join(lines) + "\n"


def _lua(value: Any) -> str:
    """A value in Lua's spelling, which for these kinds is JSON's."""
    return json.dumps(value)
