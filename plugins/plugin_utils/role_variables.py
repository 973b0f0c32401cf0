# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles' own variables: what the inventory says of them decides over a host beside the plan."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.plain import to_plain

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The plan itself; what is compared on the host; what a single run is told to do.
APART = ("kronos_plan", "kronos_secrets", "secrets_rotate")


@functools.lru_cache(maxsize=4)
def declared_variables(root: Path) -> tuple[str, ...]:
    """Names of all variables that the roles declare in their argument specs."""
    names: set[str] = set()
    for path in sorted(root.glob("roles/*/meta/argument_specs.yml")):
        specs = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)["argument_specs"]
        names.update(name for spec in specs.values() for name in spec.get("options") or {})
    return tuple(sorted(names.difference(APART)))


def digest_of_variables(names: Iterable[str], variables: Mapping[str, Any], template: Callable[[Any], Any]) -> str:
    """SHA-256 (hex) over the values that *variables* has for these names.

    Defaults of roles are no part of it: they are files of the collection. A value that cannot be rendered before the
    roles run (it may use the plan) counts as its text.
    """
    found = {name: _value(variables[name], template) for name in names if name in variables}
    text = json.dumps(found, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _value(value: Any, template: Callable[[Any], Any]) -> Any:
    try:
        return to_plain(template(value))
    except Exception:
        return to_plain(value)
