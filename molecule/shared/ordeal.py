# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A condition under which a run cannot do its work, and what must be true before, under and after it."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import docker
import labtest

# one small stack beside the proxy: what a run does with more of them is tried elsewhere
BASE: dict[str, Any] = {"kronos_stacks": ["traefik"]}
OURS = ("/etc/kronos", "/opt/kronos", "/var/lib/kronos", "/srv/kronos")
WATCHED = (*OURS, "/etc/docker", "/usr/local/lib/kronos", "/etc/systemd/system")
# The firewall comes before the stacks: what it opens for a service that then cannot be had leads nowhere. And the
# receipt of the machine is about /etc/hosts, which a condition edits itself.
OPENED = "/etc/kronos/firewall/ruleset.nft|receipts/(asked--)?(firewall|machine)--|pending/firewall.ended"
SNAPSHOT = (
    f"find {' '.join(WATCHED)} -not -type s -printf '%p %y %m %U:%G\\n' | sort;"
    f"find {' '.join(WATCHED)} -type f -not -path '/srv/*' -exec sha256sum {{}} + | grep -vE '{OPENED}' | sort;"
    "docker inspect -f '{{.Name}} {{.Id}} {{.Image}} {{.State.Status}} {{.State.StartedAt}}' $(docker ps -aq) | sort;"
    "docker network ls --no-trunc --format '{{.Name}} {{.ID}}' | sort"
)


def inside(command: str, *, check: bool = True) -> str:
    """Run a shell command as root on the scenario's host, past SSH (which a condition may be about)."""
    code, output = _container().exec_run(["bash", "-c", command])
    text: str = output.decode("utf-8", "replace").strip()
    assert code == 0 or not check, f"{command}: exit code {code}: {text}"
    return text


@functools.cache
def _container() -> Any:
    return docker.from_env(version="auto").containers.get(f"kronos-lab-host-{labtest.HOST}")


def put(path: str, content: str, mode: str = "0644") -> None:
    """Write a file on the host, whatever signs it has."""
    data = base64.b64encode(content.encode()).decode()
    inside(f"echo {data} | base64 -d > {path} && chmod {mode} {path}")


def snapshot() -> list[str]:
    """Every file, owner and mode of ours, every container and when it was started, every network."""
    return inside(SNAPSHOT).splitlines()


def greeting(value: str) -> dict[str, Any]:
    """Variables that want one service changed."""
    return {"kronos_services_zz": {"hello": {"environment": {"GREETING": value}}}}


@dataclass(frozen=True)
class Condition:
    """One row.

    *hold* brings the condition about and takes it away; *says* are parts of the one line that the run must end with;
    *variables* are what is wanted, *under* further variables of the runs under the condition alone; *known_in_check*:
    whether check mode has to say it as well; *serving*: whether the service must answer all the while; *before* is
    done on the host first, and counts as how it was found; *does* is what the run after the condition has to do;
    *undo*: what was wanted is taken back at the end, since it would change another stack in the next row.
    """

    name: str
    hold: Callable[[], AbstractContextManager[Any]] = nullcontext
    says: Sequence[str] = ()
    variables: dict[str, Any] = field(default_factory=dict)
    under: dict[str, Any] = field(default_factory=dict)
    known_in_check: bool = True
    serving: bool = True
    before: str = ""
    does: dict[str, str] = field(default_factory=lambda: {"hello": "recreated"})
    undo: bool = False


def endure(row: Condition) -> None:
    """Run under the condition, then without it."""
    wanted = {**BASE, **(row.variables or greeting(row.name))}
    if row.before:
        inside(row.before)
    found = snapshot()
    with row.hold():
        if row.known_in_check:
            assert_one_line(labtest.site("--check", **wanted, **row.under), row)
        assert_one_line(labtest.site(**wanted, **row.under), row)
        if row.serving:
            assert labtest.answers("hello")
    assert_untouched(found)
    recover(wanted, row.does)
    if row.undo:
        assert labtest.site(**BASE).code == 0


def assert_untouched(found: list[str]) -> None:
    """What *found*, an earlier snapshot, shows is still all there is."""
    now = snapshot()
    gone, new = sorted(set(found) - set(now)), sorted(set(now) - set(found))
    assert (gone, new) == ([], []), f"gone: {gone}, new: {new}"


def assert_one_line(run: labtest.Run, row: Condition) -> None:
    """The run failed once, in one line that has all that *row* asks for."""
    assert run.code != 0, run.output
    assert "Traceback" not in run.output, run.output
    assert len(run.failures) == 1, run.output
    (line,) = run.failures
    print(f"{row.name}: {line}")
    assert "\n" not in line.strip(), line
    assert len(line) < 600, line
    lacking = [part for part in row.says if part not in line]
    assert not lacking, line


def recover(wanted: dict[str, Any], does: dict[str, str]) -> None:
    """One plain run converges, and the next has nothing to do."""
    after = labtest.site(**wanted)
    assert after.code == 0, after.output
    assert after.actions() == does, after.output
    assert labtest.answers("hello")
    quiet = labtest.site(**wanted)
    assert (quiet.code, quiet.changed) == (0, []), quiet.output
