# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be seen beforehand: the disk fills up, or the connection is cut, in the middle of a change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import faults
import labtest
import ordeal
import pytest
from faults import Fault
from ordeal import Condition, inside

BALLAST = "/opt/kronos/.ballast"
FILL = f"dd if=/dev/zero of={BALLAST} bs=4k"
CUT = "pkill -9 sshd-session"
UP = "docker compose .* up "


@dataclass(frozen=True)
class Blow:
    """Where it strikes, what the run says, and which version of the service is there afterwards."""

    name: str
    fault: Fault
    says: tuple[str, ...]
    new: bool = False


TABLE = [
    Blow(
        "the disk fills up before the first change",
        Fault("stack:own", find="journal.json", command=FILL),
        ("/opt/kronos/stacks/own/journal.json", "no space is left", "df -h"),
    ),
    Blow(
        "the disk fills up before the definition is written",
        Fault("stack:own", find="compose.yml", command=FILL),
        ("/opt/kronos/stacks/own/compose.yml", "no space is left", "cannot be put back", "run again"),
    ),
    Blow(
        "the disk fills up before the container is made",
        Fault("stack:own", find=UP, command=FILL),
        ("the new version is up and healthy, but cannot be written down", "no space is left", "run again"),
        new=True,
    ),
    Blow("the connection is cut", Fault("stack:own", find=UP, command=CUT), ("ssh",)),
]
FEW = ["the disk fills up before the definition is written"]


@pytest.fixture(autouse=True)
def _room_again() -> Iterator[None]:
    yield
    inside(f"rm -f {BALLAST}")


@pytest.mark.parametrize("blow", labtest.rows(TABLE, FEW, lambda one: one.name), ids=lambda one: one.name)
def test_a_blow_in_the_middle(blow: Blow) -> None:
    faults.install()
    wanted = {**ordeal.BASE, **ordeal.greeting(blow.name)}
    run = labtest.site(**wanted, **faults.arm(blow.fault))
    assert faults.struck(), run.output
    ordeal.assert_one_line(run, Condition(blow.name, says=blow.says))
    if blow.fault.command == CUT:
        assert run.tasks[-1]["outcome"] == "unreachable", run.output
        # what was begun goes on without us: the next run waits for it
    else:
        assert labtest.answers("hello")
        assert (blow.name in greeting()) is blow.new
        inside(f"rm {BALLAST}")
    after = labtest.site(**wanted)
    assert after.code == 0, after.output
    assert set(after.actions()) <= {"hello"}
    assert labtest.answers("hello")
    assert blow.name in greeting()
    quiet = labtest.site(**wanted)
    assert (quiet.code, quiet.changed) == (0, []), quiet.output


def greeting() -> str:
    return inside("docker exec hello printenv GREETING", check=False)
