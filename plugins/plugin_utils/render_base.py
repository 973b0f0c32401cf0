# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every renderer shares: the error, looking things up in a plan, fingerprints of rendered data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.merge import Merged, lay_over
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import did_you_mean

Plan = Mapping[str, Any]
Data = dict[str, Any]


class RenderError(ValueError):
    """A plan or argument that cannot be rendered; the text starts with the path of the offender."""


def services_of(plan: Plan, stack: str) -> dict[str, Any]:
    """Return the stack's services by name, in start order; an unknown stack is an error."""
    stacks = plan["stacks"]
    if stack not in stacks:
        raise RenderError(f'stacks: no stack "{stack}" in the plan{did_you_mean(stack, stacks)}')
    return {name: plan["services"][name] for name in stacks[stack]["services"]}


def revision(data: Any) -> str:
    """Return 12 hex digits that change with the content of plain data, but not with key order."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def merged(base: Any, extra: Any) -> Any:
    """Return `base` with `extra` laid over it: mappings merge by key, None deletes a key, the rest replaces."""
    return lay_over(Merged(base), extra, "").value
