#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_check
short_description: Take the lease of a host, and tell whether a whole run is due
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - First task of a whole run. Refuses a host on which no run can end well - a distribution that the roles do not know,
    no systemd, no root, a clock that is minutes off - before anything is touched. Where a whole run is due, it also
    refuses file systems that are full or read-only.
  - Takes the lease, so that two runs never mix, and compares the host with what the last
    whole run left. For that it re-reads everything that the receipts of our modules name, which costs a fraction of
    a second.
  - Last task of a whole run, with O(state=converged). Seals the receipts and gives the lease back.
  - A lease of a run that has ended on this controller is taken over at once; one without a sign of life after ten
    minutes, unless a module of that run is still at work on the host. Whoever takes over waits until none is.
extends_documentation_fragment:
  - kronos.homelab.run
attributes:
  check_mode:
    description: Looks at lease and host, takes and writes nothing.
  diff_mode:
    description: There is nothing to show.
    support: none
  action:
    description: Its controller half knows whether the holder of a lease still runs.
    support: full
options:
  state:
    description:
      - V(checked) takes the lease and compares.
      - V(held) only takes the lease, for a playbook that does something else than a whole run. Without O(run), the run
        of ansible-playbook itself is meant, and returned as RV(run).
      - V(converged) remembers that a whole run ended well, and gives the lease back.
      - V(released) only gives the lease back, after a failure.
    type: str
    choices: [checked, held, converged, released]
    default: checked
  digest:
    description: >-
      Digest of the plan and the collection. Another one than that of the last whole run makes a whole run due.
    type: str
    default: ""
  owner:
    description: Who runs, for messages to others. The id of the run by default.
    type: str
    default: ""
  lease_wait:
    description: How many seconds to wait for another run to end before failing.
    type: int
    default: 60
  ended_run:
    description: >-
      Id of a run that is known to have ended without giving its lease back. The controller half fills it in.
    type: str
    default: ""
  controller_time:
    description: >-
      Seconds since 1970 on the machine that Ansible runs on, which the host's clock is compared with; V(0) compares
      nothing. The controller half fills it in.
    type: float
    default: 0
  places:
    description: >-
      Folders that a whole run writes to, beside those that it always writes to. Their file systems must be writable
      and must not be full.
    type: list
    elements: str
    default: []
  given:
    description:
      - The secrets that the inventory gives, by service and name (C(kronos_secrets)). One that the host keeps with
        another value makes a whole run due.
      - The controller half sends no value, but marks (HMAC-SHA-256) keyed with O(salt).
    type: dict
    default: {}
  salt:
    description: Key of the marks in O(given). The controller half fills it in, another one for each task.
    type: str
    default: ""
  release_settled:
    description: With O(state=checked), give the lease back at once where nothing differs, since no task will follow.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Take the lease and compare with what the last run left
  kronos.homelab.host_check:
    digest: "{{ kronos_plan.digest }}"
    run: "{{ kronos_plan.run }}"
  register: kronos_check

- name: Remember what a converged host looks like
  kronos.homelab.host_check:
    state: converged
    digest: "{{ kronos_plan.digest }}"
    run: "{{ kronos_plan.run }}"

- name: Keep whole runs away from what follows
  kronos.homelab.host_check:
    state: held
  register: held
"""

RETURN = r"""
drifted:
  description: Whether a whole run is due.
  returned: when O(state=checked)
  type: bool
reasons:
  description: Why, in words; empty on a host that has settled.
  returned: when O(state=checked)
  type: list
  elements: str
  sample: ["container radarr: exited, was running"]
notices:
  description: What a whole run would not change either, such as a container of others on our network.
  returned: when O(state=checked)
  type: list
  elements: str
stacks_present:
  description: Names of our stacks on the host, wanted or not.
  returned: when O(state=checked)
  type: list
  elements: str
kinds_present:
  description: >-
    Kinds of things that our modules left on the host, wanted or not; so what is no longer wanted can be taken away.
  returned: when O(state=checked)
  type: list
  elements: str
  sample: [daemon, networks, stack, vlan]
fresh:
  description: Whether nothing of ours is on the host.
  returned: when O(state=checked)
  type: bool
settled:
  description:
    - Digests of the calls of our modules that need not be repeated, since everything that they left stands; with each
      what of its result still holds. The controller halves of these modules then answer without going to the host, as
      long as no task of the run has changed anything below the stacks.
  returned: when O(state=checked)
  type: dict
release:
  description: The distribution, in the words of C(/etc/os-release).
  returned: when O(state=checked)
  type: dict
  sample: {id: debian, version: "13", codename: trixie}
lease:
  description: How the lease was got, one of taken, renewed, taken over; empty in check mode and without O(run).
  returned: when O(state=checked) or O(state=held)
  type: str
run:
  description: Id of the run that has the lease.
  returned: when O(state=held)
  type: str
holder:
  description: The lease of the other run that holds the host.
  returned: when the host is held by another run
  type: dict
"""

import sys

OLDEST_PYTHON = (3, 9)
if sys.version_info < OLDEST_PYTHON:  # before the imports, which an older one stumbles over
    raise SystemExit(f"Python 3.9 or later is wanted on the host; {sys.executable} is {sys.version.split()[0]}")

from dataclasses import replace

from ansible_collections.kronos.homelab.plugins.module_utils import (
    conditions,
    host_state,
    lease,
    leftovers,
    secret_marks,
)
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import Engine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner
from ansible_collections.kronos.homelab.plugins.module_utils.shell import run_module

OPTIONS = {
    "state": {"type": "str", "default": "checked", "choices": ["checked", "held", "converged", "released"]},
    "digest": {"type": "str", "default": ""},
    "owner": {"type": "str", "default": ""},
    "lease_wait": {"type": "int", "default": 60},
    "ended_run": {"type": "str", "default": ""},
    "controller_time": {"type": "float", "default": 0.0},
    "places": {"type": "list", "elements": "str", "default": []},
    "given": {"type": "dict", "default": {}, "no_log": True},
    "salt": {"type": "str", "default": "", "no_log": True},
    "release_settled": {"type": "bool", "default": False},
}


def converge(params: dict, check_mode: bool) -> dict:
    """Do what the state asks for; see the documentation."""
    if params["state"] == "checked":
        return check(params, check_mode)
    if params["state"] == "held":
        return hold(params, check_mode)
    if not check_mode:
        if params["state"] == "converged":
            with lease.turn(params["run"]):
                lease.renew(params["run"])
                host_state.seal(params["digest"])
        lease.release(params["run"])
    return {"changed": False}


def hold(params: dict, check_mode: bool) -> dict:
    """Take the lease and wait until nobody else is at work; remove what a killed one left."""
    if check_mode:
        return {"changed": False, "lease": "", "run": params["run"]}
    taken = lease.take(params["run"], params["owner"], params["lease_wait"], gone=params["ended_run"])
    try:
        with lease.turn(params["run"]):
            leftovers.sweep()
    except (KronosError, OSError):
        lease.release(params["run"])
        raise
    return {"changed": False, "lease": taken, "run": params["run"]}


def check(params: dict, check_mode: bool) -> dict:
    """Refuse a host that is in no state for a run, take the lease (in check mode: look at it), then compare."""
    conditions.refuse(HostRunner(), params["controller_time"])
    taken, notices = "", []
    if check_mode:
        holder = lease.look(params["run"])
        notices = [f"another run holds this host: {holder['owner']}"] if holder else []
    else:
        taken = hold(params, check_mode)["lease"]
    try:
        verdict, problems = compare(params)
    except (KronosError, OSError):
        # Refused before the first change: the next run need not wait for us.
        if taken:
            lease.release(params["run"])
        raise
    if taken and params["release_settled"] and not verdict.drifted:
        lease.release(params["run"])
    return {
        "changed": False,
        "drifted": verdict.drifted,
        "reasons": list(verdict.reasons),
        "notices": [*notices, *problems, *verdict.notices],
        "stacks_present": list(verdict.stacks),
        "kinds_present": list(verdict.kinds),
        "fresh": verdict.fresh,
        "settled": dict(verdict.settled),
        "release": dict(conditions.distribution()),
        "lease": taken,
    }


def compare(params: dict) -> tuple[host_state.Verdict, list[str]]:
    """The verdict, and what keeps the host from being written to; raises where a whole run would have to."""
    verdict = host_state.judge(params["digest"], Engine(), HostRunner())
    given = secret_marks.differing(params["given"], params["salt"])
    verdict = replace(verdict, reasons=(*verdict.reasons, *given))
    problems = conditions.unusable([*conditions.PLACES, *params["places"]])
    if problems and verdict.drifted:
        raise KronosError(f"{'; '.join(problems)}. {conditions.NOTHING}")
    return verdict, problems


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, converge, renew=False)


if __name__ == "__main__":
    main()
