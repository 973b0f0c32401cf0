# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The value in use of a secret whose master copy is gone: better than a new one that the data does not know.

It is in the copy that the service has mounted, or in the env file of its stack. Which variable stands for which secret
is in the live generation.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import compose
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_state import load_state, read_json


def find(service: str, name: str, stacks: str) -> str | None:
    """The value in use in any stack below *stacks*; None where none is known."""
    try:
        names = sorted(os.listdir(stacks))
    except OSError:
        return None
    for stack in names:
        layout = Layout(stack, stacks=stacks)
        value = _text(f"{layout.secrets(service)}/{name}") or _from_environment(service, name, layout)
        if value:
            return value
    return None


def _from_environment(service: str, name: str, layout: Layout) -> str | None:
    found = compose.env_pairs(_text(layout.env(service)) or "")
    if not found:
        return None
    state = load_state(layout)
    meta = read_json(layout.note(state.generation)) if state else None
    variables = _variables(meta or {}, service)
    return next((found[one] for one, secret in sorted(variables.items()) if secret == name and found.get(one)), None)


def _variables(meta: Mapping[str, Any], service: str) -> dict[str, str]:
    """Variable → secret of a service, as its live generation has it."""
    try:
        return dict(meta["source"]["services"][service]["secret_environment"])
    except (KeyError, TypeError, ValueError):
        return {}


def _text(path: str) -> str | None:
    """A regular file's text; a link is no copy of ours."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            return stream.read().decode("utf-8", "surrogateescape")
    except OSError:
        return None
