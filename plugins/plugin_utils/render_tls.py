# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in the proxy's certificate, and how the proxy speaks TLS."""

from __future__ import annotations

import ipaddress

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan

# The proxy's certificate lies in <folder of certificates>/proxy/{cert.pem,key.pem}.
LEAF = "proxy"


def tls_names(plan: Plan) -> list[str]:
    """Return the names of the proxy's certificate: domain, wildcard, routes beside it, the host's address.

    A wildcard stands for one label only (RFC 6125 6.4.3): `a.b.home.example` needs its own name.
    """
    settings = plan["settings"]
    domain: str = settings["domain"]
    others = {route["fqdn"] for route in plan["routes"] if not _covered(route["fqdn"], domain)}
    return [domain, f"*.{domain}", *sorted(others | _address(settings["address"]) - {domain})]


def _covered(fqdn: str, domain: str) -> bool:
    return fqdn == domain or fqdn.partition(".")[2] == domain


def _address(address: str) -> set[str]:
    """Return the host's address if it is an IP address: as a name it is not ours to certify."""
    try:
        return {str(ipaddress.ip_address(address))}
    except ValueError:
        return set()


def tls_options() -> Data:
    """Return what Traefik offers: TLS 1.2 with forward secrecy and AEAD ciphers only, and TLS 1.3."""
    return {
        "minVersion": "VersionTLS12",
        "cipherSuites": [
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ],
        "curvePreferences": ["X25519MLKEM768", "X25519", "CurveP256", "CurveP384"],
        "sniStrict": False,
    }
