# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge between Jinja and our pure functions: plain data in, Ansible's own error out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.kronos.homelab.plugins.plugin_utils.plain import to_plain
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import shown
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError

SCHEMA = 1


def plan_filter(render: Callable[..., Any]) -> Callable[..., Any]:
    """Return `render` as a filter on what kronos.homelab.plan returned; its other arguments are made plain too."""

    @functools.wraps(render)
    def apply(plan: Any, *arguments: Any, **named: Any) -> Any:
        if not isinstance(plan, Mapping) or "services" not in plan:
            raise AnsibleFilterError(f"input: a plan is wanted, found {shown(plan)}")
        if plan.get("schema") != SCHEMA:
            raise AnsibleFilterError(f"input.schema: {SCHEMA} is wanted, found {shown(plan.get('schema'))}")
        return _call(render, plan, arguments, named)

    return apply


def data_filter(render: Callable[..., Any]) -> Callable[..., Any]:
    """Return `render` as a filter on any data."""

    @functools.wraps(render)
    def apply(data: Any, *arguments: Any, **named: Any) -> Any:
        return _call(render, data, arguments, named)

    return apply


def _call(render: Callable[..., Any], data: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    plain_arguments = [to_plain(argument) for argument in arguments]
    try:
        return render(to_plain(data), *plain_arguments, **to_plain(named))
    except (RenderError, TypeError) as error:
        raise AnsibleFilterError(str(error)) from error
