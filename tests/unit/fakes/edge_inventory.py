# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sound inventory that says something of every part of the edge: routes, TLS, Cloudflare, login, WAF, DNS, VPN."""

from __future__ import annotations

from typing import Any

APP = {"image": "x/app:1", "user": {"uid": 1000, "gid": 1000}, "health": {"http": {"port": 8080}}}
EDGE: dict[str, Any] = {
    "kronos_domain": "home.example",
    "kronos_address": "192.0.2.10",
    "kronos_lan": ["192.0.2.0/24"],
    "kronos_stacks": ["waf", "traefik", "authelia", "dashboard", "pihole"],
    "kronos_login": "authelia",
    "kronos_login_host": "login",
    "kronos_web_from": "cloudflare",
    "kronos_cloudflare": True,
    "kronos_cloudflare_ranges": ["198.51.100.0/24"],
    "kronos_tls": {
        "mode": "acme_dns",
        "email": "me@home.example",
        "provider": "cloudflare",
        "secrets": {"CF_DNS_API_TOKEN_FILE": "dns_token"},
        "environment": {"CLOUDFLARE_TTL": "120"},
    },
    "kronos_secrets": {"traefik": {"dns_token": "x" * 20}, "cloudflare": {"token": "y" * 20}},
    "kronos_vpn": ["10.9.0.0/24"],
    "kronos_vpn_endpoint": "vpn.home.example",
    "kronos_vpn_port": 51820,
    "kronos_vpn_forward": ["192.0.2.0/24"],
    "kronos_users": {
        "anna": {"name": "Anna", "email": "anna@home.example", "groups": ["family"], "devices": ["phone"]},
        "bert": {"groups": ["admins"], "login": True},
    },
    "kronos_services": {
        "maintenance": {"enabled": True},
        "shop": {
            **APP,
            "routes": [
                {
                    "host": "shop",
                    "also": ["market", "shop.example"],
                    "port": 8080,
                    "access": "public",
                    "proxied": True,
                    "rate": {"average": 10, "period": "1s", "burst": 20},
                    "max_body": "10m",
                    "headers": {"request": {"X-From": "edge"}, "response": {"X-To": "you"}},
                    "waf": {"paranoia": 2, "detect_only": False, "exclude_rules": [942100], "max_body": "1m"},
                },
                {"host": "shop", "port": 8080, "path": "/admin", "strip_path": True, "access": "lan", "name": "back"},
            ],
        },
        "notes": {
            **APP,
            "routes": [
                {
                    "host": "notes",
                    "port": 8080,
                    "access": {"groups": ["family"], "users": ["bert"], "factor": "two"},
                    "scheme": "https",
                },
                {"host": "papers", "port": 8080, "access": "vpn", "basic_auth": ["anna"]},
            ],
            "oidc": {
                "redirect": ["/back"],
                "scopes": ["openid", "offline_access"],
                "id_token": ["groups"],
                "auth": "client_secret_post",
                "consent": "explicit",
                "pkce": False,
            },
        },
        "mail": {
            **APP,
            "streams": [{"name": "imap", "port": 8143, "hosts": ["mail"], "tls": "terminate", "reach": "public"}],
        },
        "nas": {"external": {"url": "http://192.0.2.5:5000"}, "routes": [{"host": "nas", "access": "lan"}]},
    },
    "authelia_factor": "one_factor",
    "authelia_smtp": {"address": "submission://mail.home.example:587", "sender": "me@home.example", "username": None},
    "authelia_session": {"inactivity": "1h", "expiration": "12h", "remember_me": "1M"},
    "authelia_config": {"regulation": {"max_retries": 3}, "access_control": {"default_policy": "deny"}},
    "traefik_ban": {"failures": 30, "within": "10m", "for": "1h"},
    "pihole_upstream_mode": "dot",
    "pihole_upstreams": ["192.0.2.53"],
    "pihole_tls_upstreams": [{"address": "192.0.2.53", "port": 853, "name": "dns.example"}],
    "pihole_https_upstreams": [{"addresses": ["192.0.2.53"], "url": "https://dns.example/dns-query"}],
    "pihole_hosts": [{"address": "192.0.2.1", "names": ["router.home.example"]}],
    "pihole_cnames": [{"alias": "gate.home.example", "target": "router.home.example", "ttl": 60}],
    "pihole_conditional": [{"network": "192.0.2.0/24", "server": "192.0.2.1", "domain": "lan.example"}],
    "pihole_lists": [{"address": "https://lists.example/a", "type": "block", "groups": ["kids"], "comment": "loud"}],
    "pihole_domains": [{"domain": "ads.example", "type": "deny", "kind": "exact", "enabled": True}],
    "pihole_groups": [{"name": "kids", "comment": "small ones", "enabled": True}],
    "pihole_clients": [{"client": "192.0.2.77", "groups": ["kids"], "comment": "tablet"}],
    "pihole_dnsmasq_lines": ["local=/intern.example/"],
    "pihole_config": {"dns": {"queryLogging": False}},
    "pihole_sections": {"lists": "additive"},
    "pihole_blocking": True,
}
