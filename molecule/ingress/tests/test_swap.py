# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate that somebody else renews on the host."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import certificates
from ingresstest import DOMAIN, Clients, converge, put, served
from labtest import FULL, until

FOLDER = "/etc/kronos-test-certificate"
MODE = {"mode": "files", "certificate": f"{FOLDER}/full.pem", "key": f"{FOLDER}/key.pem"}


def write_pair(host: Any, name: str) -> None:
    """Put a self-signed pair on the host, certificate last."""
    now, key = datetime.now(timezone.utc), certificates.new_key()
    names = (DOMAIN, f"*.{DOMAIN}")
    certificate = certificates.build(name, names, key, key, None, now - timedelta(hours=1), now + timedelta(days=9))
    put(host, f"{FOLDER}/key.pem", certificates.key_pem(key))
    put(host, f"{FOLDER}/full.pem", certificates.pem(certificate))


def test_it_is_served_and_followed(host: Any, clients: Clients) -> None:
    if FULL:
        run = converge(MODE)
        assert run.code != 0
        assert "kronos-given-certificate.service" in "\n".join(run.failures)
    write_pair(host, "first")
    run = converge(MODE)
    assert run.code == 0, run.output
    until(lambda: "CN=first" in served("shop")["issuer"], 20)
    copy = host.file("/etc/kronos/tls/given/key.pem")
    assert (copy.mode, copy.uid) == (0o400, 65532)
    write_pair(host, "second")
    until(lambda: "CN=second" in served("shop")["issuer"], 20)
    put(host, f"{FOLDER}/key.pem", certificates.key_pem(certificates.new_key()))
    host.run("systemctl start kronos-given-certificate-changed.service")
    assert "are no pair" in host.check_output("journalctl -u kronos-given-certificate-changed -o cat --no-pager")
    assert "CN=second" in served("shop")["issuer"]


@pytest.mark.skipif(not FULL, reason="KRONOS_FULL: a run more")
def test_it_is_forgotten_with_its_mode(host: Any, clients: Clients) -> None:
    run = converge({"mode": "internal_ca"}, traefik_ban={})
    assert run.code == 0, run.output
    until(lambda: "home authority" in served("shop")["issuer"], 20)
    host.check_output(f"rm -r {FOLDER}")
    assert host.run("systemctl status kronos-given-certificate.path kronos-bans").rc != 0
    assert host.run("nft list table inet kronos_bans").rc != 0
