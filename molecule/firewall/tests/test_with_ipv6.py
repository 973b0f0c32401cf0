# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With IPv6 switched on, the same holds there; docker-proxy carries it, which the input chain guards."""

from __future__ import annotations

from typing import Any

import pytest
from probing.home import VARIABLES, converge
from probing.prober import WAYS, Prober, declared, plan_of

ON = {**VARIABLES, "kronos_ipv6": True}


@pytest.fixture(scope="module")
def open_plan(prober: Prober) -> dict[str, Any]:
    """The home with IPv6."""
    run = converge(kronos_ipv6=True)
    assert run.code == 0, run.output
    return plan_of(ON)


@pytest.mark.parametrize(("source", "family"), [way for way in WAYS if way[1] == 6])
def test_every_port_over_ipv6(prober: Prober, open_plan: dict[str, Any], source: str, family: int) -> None:
    wanted = declared(open_plan, source, family)
    assert wanted > declared(plan_of(VARIABLES), source, family)
    assert prober.tcp(source, family) == wanted
