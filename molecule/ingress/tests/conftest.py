# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes what the tests of this scenario share importable; the host, and clients beside it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra

sys.path.insert(0, str(Path(__file__).parent))

from ingresstest import HOST, Clients, acme, converge, prepare
from labtest import Run


@pytest.fixture(scope="session")
def host() -> Any:
    """The host, for the whole session, and not over the network: bans are tested here."""
    return testinfra.get_host(f"docker://kronos-lab-host-{HOST}")


@pytest.fixture(scope="session")
def first(host: Any) -> Run:
    """The first run: certificates over DNS, behind Cloudflare."""
    prepare(host)
    return converge(acme(), kronos_web_from="cloudflare")


@pytest.fixture(scope="session")
def clients(host: Any, first: Run) -> Iterator[Clients]:
    """Clients in the internet, at Cloudflare, and at home."""
    assert first.code == 0, first.output
    one = Clients(host)
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def second(host: Any, clients: Clients) -> Run:
    """The second run: certificates over HTTP, open to the internet."""
    return converge(acme("acme_http"))
