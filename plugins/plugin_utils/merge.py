# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of variables merged into one value, remembering which layer wrote what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Path


@dataclass
class Merged:
    """A value with its provenance: ``origins`` holds the key paths that a layer wrote last, and that layer's name."""

    value: Any
    origins: dict[Path, str] = field(default_factory=dict)

    def writer(self, path: Path) -> str | None:
        """Name of the layer that wrote ``path`` or something around it; None: it stands as it was."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return None

    def origin(self, path: Path) -> str | None:
        """Name of the layer to blame for a mistake at ``path``: its writer, else the last one that wrote in it."""
        inside = [layer for known, layer in self.origins.items() if known[: len(path)] == path]
        return self.writer(path) or (max(inside) if inside else None)


def layer_names(base: str, variables: Mapping[str, Any]) -> list[str]:
    """The variables ``base`` and ``base_<suffix>``, in the order in which they are merged: base first, then by name."""
    pattern = re.compile(re.escape(base) + r"(_[A-Za-z0-9_]+)?")
    return sorted(name for name in variables if pattern.fullmatch(str(name)))


def lay_over(below: Merged, above: Any, layer: str) -> Merged:
    """Return ``below`` with ``above`` laid over it: mappings merge, lists and scalars replace, None deletes a key."""
    origins = dict(below.origins)
    value = _lay(below.value, above, (), layer, origins)
    return Merged(value, origins)


def _lay(below: Any, above: Any, path: Path, layer: str, origins: dict[Path, str]) -> Any:
    if not isinstance(above, Mapping):
        _claim(path, layer, origins)
        return above
    if not isinstance(below, Mapping):
        _claim(path, layer, origins)
        return without_nulls(above)
    result = dict(below)
    for key, item in above.items():
        if item is None:
            result.pop(key, None)
            _claim((*path, key), layer, origins)
        elif key in result:
            result[key] = _lay(result[key], item, (*path, key), layer, origins)
        else:
            result[key] = without_nulls(item)
            _claim((*path, key), layer, origins)
    return result


def _claim(path: Path, layer: str, origins: dict[Path, str]) -> None:
    """From here on everything below ``path`` is this layer's."""
    for deeper in [known for known in origins if known[: len(path)] == path]:
        del origins[deeper]
    origins[path] = layer


def without_nulls(value: Any) -> Any:
    """The value without the keys that are None, in mappings at any depth (lists are left alone)."""
    if not isinstance(value, Mapping):
        return value
    return {key: without_nulls(item) for key, item in value.items() if item is not None}
