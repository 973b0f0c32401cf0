# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja in values: every template is rendered by itself, so that a failure names its own key path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.plain import to_plain
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import (
    Path,
    Problems,
    did_you_mean,
    path_text,
    shown,
)

Locate = Callable[[Path], tuple[str, str]]

_UNDEFINED = re.compile(r"'([A-Za-z_][A-Za-z0-9_]*)' is undefined")


class FromVault(Exception):
    """A value that the vault protects stands where it would become readable."""


def has_template(value: Any) -> bool:
    """Tell whether a text holds a Jinja expression, statement or comment."""
    return isinstance(value, str) and "{" in value and any(mark in value for mark in ("{{", "{%", "{#"))


def here(source: str, prefix: Path = ()) -> Locate:
    """A locator for values that all stand in one source, below ``prefix``."""
    return lambda path: (source, path_text((*prefix, *path)))


class Renderer:
    """Renders templates with one host's variables; failures become problems, the failed value None."""

    def __init__(self, template: Callable[[Any], Any], problems: Problems, known: Iterable[str] = ()) -> None:
        self._template = template
        self._problems = problems
        self._known = known

    def tree(self, value: Any, locate: Locate, skip: Callable[[Path], bool] = lambda path: False) -> Any:
        """Return the value as plain data with every template rendered, except below paths that ``skip`` names."""
        return self._walk(value, (), locate, skip)

    def _walk(self, value: Any, path: Path, locate: Locate, skip: Callable[[Path], bool]) -> Any:
        if isinstance(value, Mapping):
            return {str(key): self._walk(item, (*path, str(key)), locate, skip) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._walk(item, (*path, index), locate, skip) for index, item in enumerate(value)]
        if has_template(value) or not isinstance(value, (str, int, float, bool, type(None))):
            return value if skip(path) else self._leaf(value, path, locate)
        return to_plain(value)

    def _leaf(self, value: Any, path: Path, locate: Locate) -> Any:
        try:
            return to_plain(self._template(value))
        except FromVault:
            found, wanted = "a value from the vault", "{secret: <name>}, and the value in kronos_secrets"
        except Exception as error:  # templates call lookups and filters, which raise what they like
            found, wanted = self._reason(value, error)
        self._problems.say(*locate(path), found, wanted)
        return None

    def _reason(self, value: Any, error: Exception) -> tuple[str, str]:
        text = " ".join(str(getattr(error, "message", None) or error).split())
        undefined = _UNDEFINED.search(text)
        if undefined:
            name = undefined.group(1)
            return f"{shown(value)}, where {name!r} is undefined", "a defined variable" + did_you_mean(
                name, self._known
            )
        return f"{shown(value)} ({text[:200]})", "a template that renders"
