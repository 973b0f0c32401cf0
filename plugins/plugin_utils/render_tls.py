# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in the proxy's certificate, and how the proxy speaks TLS."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, revision

# The proxy's certificate lies in <folder of certificates>/proxy/{cert.pem,key.pem}.
LEAF = "proxy"
# Where the mode is files: a copy of what lies on the host, beside it.
GIVEN = "given"


# Inside the proxy's container: account and certificates of the ACME client, and who vouches for its directory.
ACME_FOLDER = "/acme"
ACME_CA_FILE = "/etc/traefik/config/acme-ca.pem"
RESOLVER = "acme"

# Reached from the internet, which is where an authority that asks over HTTP stands.
OUTWARD = ("public", "authenticated")


def tls_names(plan: Plan) -> list[str]:
    """Return the names in the home authority's certificate: domain, wildcard, routes beside it, the host's address.

    A wildcard stands for one label only (RFC 6125 6.4.3): `a.b.home.example` needs its own name.
    Where another authority issues, only what that one does not: Traefik asks for no certificate that it has already.
    """
    settings = plan["settings"]
    domain: str = settings["domain"]
    mode = settings["tls"]["mode"]
    address = _address(settings["address"])
    if mode == "internal_ca":
        others = {name for name in routed_names(plan) if not _covered(name, domain)}
        return [domain, f"*.{domain}", *sorted(others | address - {domain})]
    issued = {name for names in acme_names(plan).values() for name in names} if mode != "files" else set()
    rest = sorted({*routed_names(plan), *address} - issued) if mode == "acme_http" else sorted(address)
    return rest or [f"unnamed.{domain}"]


def routed_names(plan: Plan) -> list[str]:
    """Return every name that TLS clients ask the proxy for."""
    names = {name for route in plan["routes"] for name in route["names"]}
    return sorted(names | {host for stream in _terminated(plan) for host in stream["hosts"]})


def acme_names(plan: Plan) -> dict[str, list[str]]:
    """Return router or stream -> the names that the ACME authority certifies; those of one list in one certificate.

    Over DNS: the domain with its wildcard, and each name beside it. Over HTTP: the names that are reached from outside.
    """
    settings = plan["settings"]
    mode, domain = settings["tls"]["mode"], settings["domain"]
    if mode not in ("acme_dns", "acme_http"):
        return {}
    found = {
        route["name"]: route["names"] for route in plan["routes"] if mode == "acme_dns" or route["access"] in OUTWARD
    }
    found |= {
        stream["name"]: stream["hosts"]
        for stream in _terminated(plan)
        if mode == "acme_dns" or stream["reach"] == "public"
    }
    return {name: list(names) for name, names in found.items() if domain and names}


def acme_domains(plan: Plan, names: Sequence[str]) -> list[Data]:
    """Return Traefik's `domains` for these names: what is asked for together, main name first."""
    domain: str = plan["settings"]["domain"]
    if plan["settings"]["tls"]["mode"] == "acme_http":
        return [{"main": name} for name in names]
    wildcard = [{"main": domain, "sans": [f"*.{domain}"]}] if any(_covered(name, domain) for name in names) else []
    return [*wildcard, *({"main": name} for name in names if not _covered(name, domain))]


def acme_resolver(plan: Plan) -> Data:
    """Return the static part: how Traefik's ACME client asks.

    https://doc.traefik.io/traefik/v3.7/reference/install-configuration/tls/certificate-resolvers/acme/
    """
    tls = plan["settings"]["tls"]
    challenge: Data = {"httpChallenge": {"entryPoint": "web"}}
    if tls["mode"] == "acme_dns":
        dns: Data = {"provider": tls["provider"]}
        if tls["resolvers"]:
            dns["resolvers"] = list(tls["resolvers"])
        if not tls["check_propagation"]:
            dns["propagation"] = {"disableChecks": True}
        challenge = {"dnsChallenge": dns}
    usual = {
        # One for each way to ask and each authority: those of a test authority are not served in place of true ones.
        "storage": f"{ACME_FOLDER}/{tls['mode']}-{revision(tls['server'])[:6]}.json",
        "caServer": tls["server"],
        "certificatesDuration": tls["duration"],
        "keyType": "EC256",
    }
    return {**usual, **({"email": tls["email"]} if tls["email"] else {}), **challenge}


def _terminated(plan: Plan) -> list[Data]:
    return [stream for stream in plan["streams"] if stream["tls"] == "terminate"]


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
