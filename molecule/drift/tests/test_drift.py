# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody did by hand is noticed, predicted exactly, healed exactly as predicted, and then there is peace.

Drifts that have nothing to do with each other happen at once: that is one prediction and one run for many of them.
"""

from __future__ import annotations

from typing import Any

import labtest
import pytest
from drifts import TABLE
from drifts.batch import batches, cleaning, harm, unhealed
from drifts.row import Drift, actions, happened, notices, reasons, shown, site

FEW = (
    "container removed",
    "container stopped",
    "container given other limits",
    "container taken off a network",
    "proxy's dynamic file edited",
    "stray file in a mounted folder",
    "configuration's owner",
    "secret's mounted copy edited",
    "master copy of a plain secret deleted",
    "data directory's mode",
    "certificate about to expire",
    "timer disabled",
    "mirror's authority removed",
    "foreign container on our network",
    "Docker stopped and a stack's folder deleted",
)
ROWS = labtest.rows(TABLE, FEW, lambda row: row.name)
# whether the host is as the last run left it; a batch that fails leaves it anywhere
SETTLED: list[bool] = []


@pytest.fixture
def settled(host: Any) -> None:
    """A converged host with the services of the table, and nothing done to it."""
    if not SETTLED:
        host.check_output(cleaning(TABLE))
        run = site()
        assert run.code == 0, run.output
        assert_quiet(site())
    SETTLED.clear()


def assert_quiet(run: labtest.Run) -> None:
    assert run.code == 0, run.output
    assert (happened(run), reasons(run)) == ([], []), run.output


def secrets(host: Any) -> set[str]:
    """Every secret value that the host has now, and the bodies of its private keys."""
    keys = "cat /etc/kronos/fingerprint.key; grep -hv -- ----- /etc/kronos/ca/root.key /etc/kronos/tls/*/key.pem"
    values = host.run(f"find /etc/kronos/secrets -type f -exec sh -c 'cat {{}}; echo' \\; ; {keys}").stdout.split()
    return {value for value in values if len(value) > 7}


def complaints(batch: list[Drift], predicted: labtest.Run, real: labtest.Run) -> list[str]:
    """What the runs did not say or do of what each row wants."""
    told, done = (reasons(predicted), notices(predicted)), (actions(real), shown(real))
    found = []
    for row in batch:
        if row.reason and not any(row.reason in one for one in told[0]):
            found.append(f"{row.name}: no reason {row.reason}")
        if row.notice and not any(row.notice in one for one in told[1]):
            found.append(f"{row.name}: no notice {row.notice}")
        if not row.actions.items() <= done[0].items():
            found.append(f"{row.name}: {row.actions} was not done")
        if not set(row.shown) <= set(done[1]):
            found.append(f"{row.name}: no difference shown of {sorted(set(row.shown) - set(done[1]))}")
    wanted = {name: action for row in batch for name, action in row.actions.items()}
    if done[0] != wanted:
        found.append(f"actions {done[0]}, wanted {wanted}")
    headers = sorted({header for row in batch for header in row.shown})
    if done[1] != headers:
        found.append(f"differences shown of {done[1]}, wanted {headers}")
    return found


@pytest.mark.parametrize("batch", batches(ROWS), ids=lambda batch: f"{batch[0].name} and {len(batch) - 1} more")
@pytest.mark.usefixtures("settled")
def test_drifts_are_noticed_predicted_and_healed(host: Any, batch: list[Drift]) -> None:
    hidden = secrets(host)
    host.check_output(harm(batch))
    predicted, real = site("--check"), site()
    outputs = predicted.output + real.output
    assert (predicted.code, real.code) == ((2, 2) if batch[0].fails else (0, 0)), outputs
    if batch[0].fails:
        assert predicted.failures == real.failures
        assert batch[0].fails in " ".join(real.failures)
        host.check_output(f"D=/run/drift/0; {batch[0].mended}")
        real = site()
        outputs += real.output
        assert real.code == 0, real.output
    else:
        assert happened(predicted) == happened(real), outputs
        assert reasons(predicted) == reasons(real)
        assert bool(reasons(real)) is bool(batch[0].reason)
    wrong = complaints(batch, predicted, real)
    third = site(**({"kronos_fast": False} if any(row.thorough for row in batch) else {}))
    wrong += [f"{name}: is not healed" for name in host.check_output(unhealed(batch)).splitlines()]
    assert not wrong, "\n".join([*wrong, outputs])
    assert_quiet(third)
    hidden |= secrets(host)
    leaked = [f"{value[:3]}..." for value in sorted(hidden) if value in outputs + third.output]
    assert leaked == []
    host.check_output(" && ".join([row.after for row in batch if row.after] or ["true"]))
    SETTLED.append(True)


def test_the_table_is_long_enough() -> None:
    assert len(TABLE) >= 60
    assert len([row for row in TABLE if row.actions]) >= 30
    assert sum(len(batch) for batch in batches(TABLE)) == len(TABLE)
