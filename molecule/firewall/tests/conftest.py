# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine of the scenario, its prober, and what both start from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import testinfra
from labtest import HOST, Run
from probing.home import ECHO, VARIABLES, converge, listen_again
from probing.prober import Prober, plan_of


@pytest.fixture(scope="session")
def host() -> Any:
    """The host, for the whole session, and not over the network: that is what is tested here."""
    return testinfra.get_host(f"docker://kronos-lab-host-{HOST}")


@pytest.fixture(scope="session")
def first(host: Any) -> Run:
    """The first run. Before it: a machine on which somebody's program listens."""
    return converge()


@pytest.fixture(scope="session")
def plan() -> dict[str, Any]:
    """What the host is to be."""
    return plan_of(VARIABLES)


@pytest.fixture(scope="session")
def busy(host: Any, first: Run) -> None:
    """Programs listen where something is declared, and where nothing is: others' containers, a forgotten server."""
    assert first.code == 0, first.output
    listen_again(host)
    host.check_output(f"docker run -d --restart unless-stopped --name stranger -p 7777:8080 {ECHO}")
    host.check_output(
        f"docker network create others && docker run -d --restart unless-stopped --name stranger2 --network others "
        f"-p 7778:8080 {ECHO}"
    )


@pytest.fixture(scope="session")
def prober(host: Any, busy: None) -> Iterator[Prober]:
    """A machine that has an address in every network."""
    one = Prober(host)
    one.start()
    yield one
    one.stop()
