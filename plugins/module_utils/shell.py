# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of ours does around its own work: options, lease, one clear line on failure."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kronos.homelab.plugins.module_utils import lease, settled
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, explain
from ansible_collections.kronos.homelab.plugins.module_utils.printable import printable

RUN = {"run": {"type": "str", "default": ""}, "asked": {"type": "str", "default": ""}}
NEEDS_ROOT = "this works on the whole machine, so it must be root: set `become: true`"
Work = Callable[[dict[str, Any], bool], dict[str, Any]]


@dataclass(frozen=True)
class Leaves:
    """The receipt that a module leaves (kind and name by its parameters), and which results hold as long as that."""

    receipt: Callable[[Mapping[str, Any]], tuple[str, str]]
    facts: tuple[str, ...] = ()


def run_module(
    options: Mapping[str, Any], work: Work, *, renew: bool = True, leaves: Leaves | None = None, root: bool = False
) -> None:
    """Run ``work(params, check_mode)`` as an Ansible module and exit with its result.

    With *renew* the module first waits for its turn and renews the lease of the run (never in check mode).
    ``warnings`` in the result become Ansible's. KronosError and OSError fail the task with their one line. *options*
    does not name ``run`` and ``asked``, which all modules have. What is said is fit for a terminal, whatever a
    container or file on the host holds. With *leaves* the call is noted as one that need not be repeated. With *root*
    nobody else gets as far as looking, which would predict something else than root does.
    """
    module = AnsibleModule(argument_spec={**options, **RUN}, supports_check_mode=True)
    try:
        if root and not is_root():
            raise KronosError(NEEDS_ROOT)
        with contextlib.ExitStack() as stack:
            if renew and not module.check_mode:
                _begin(module.params["run"], stack)
            result = work(module.params, module.check_mode)
            if leaves and module.params["asked"] and not module.check_mode:
                facts = {key: result[key] for key in leaves.facts if key in result}
                settled.note(module.params["asked"], leaves.receipt(module.params), facts)
    except (KronosError, OSError) as error:
        module.fail_json(msg=printable(explain(error)), **printable(getattr(error, "details", {})))
    result = printable(result)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)


def is_root() -> bool:
    """Whether we may do everything."""
    return os.geteuid() == 0


def _begin(run: str, stack: contextlib.ExitStack) -> None:
    if not run and os.geteuid():
        return  # neither root nor part of a run: what it may change is its own
    stack.enter_context(lease.turn(run))
    lease.renew(run)
