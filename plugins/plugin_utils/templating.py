# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja in values: every template is rendered by itself, so that a failure names its own key path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.kronos.homelab.plugins.plugin_utils.plain import flaw_of, to_plain
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import (
    Path,
    Problems,
    did_you_mean,
    path_text,
    shown,
)

Locate = Callable[[Path], tuple[str, str]]

_UNDEFINED = re.compile(r"'([A-Za-z_][A-Za-z0-9_]*)' is undefined")


def has_template(value: Any) -> bool:
    """Tell whether a text holds a Jinja expression, statement or comment."""
    return isinstance(value, str) and "{" in value and any(mark in value for mark in ("{{", "{%", "{#"))


def here(source: str, prefix: Path = ()) -> Locate:
    """A locator for values that all stand in one source, below ``prefix``."""
    return lambda path: (source, path_text((*prefix, *path)))


def remembered(template: Callable[[Any], Any], trusted: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """The same rendering, done once for each text: hundreds of records hold the same few templates.

    Only for one host and one plan, and only trusted texts, since trust is no part of a text's equality.
    """
    known: dict[str, Any] = {}

    def render(value: Any) -> Any:
        if not isinstance(value, str) or not trusted(value):
            return template(value)
        text = str(value)
        if text not in known:
            known[text] = template(value)
        return known[text]

    return render


class _Walk(NamedTuple):
    locate: Locate
    skip: Callable[[Path], bool]
    secret: bool


class Renderer:
    """Renders templates with one host's variables; failures become problems, the failed value None.

    `vaulted` tells whether a value, before or after rendering, is one that the vault protects.
    """

    def __init__(
        self,
        template: Callable[[Any], Any],
        problems: Problems,
        known: Iterable[str] = (),
        vaulted: Callable[[Any], bool] = lambda value: False,
    ) -> None:
        self._template = template
        self._problems = problems
        self._known = known
        self._vaulted = vaulted

    def tree(
        self,
        value: Any,
        locate: Locate,
        skip: Callable[[Path], bool] = lambda path: False,
        secret: bool = False,
    ) -> Any:
        """Return the value as plain data with every template rendered, except below paths that `skip` names.

        Unless the value is `secret` as a whole, one from the vault in it is a problem: a plan is readable.
        """
        return self._walk(value, (), _Walk(locate, skip, secret))

    def _walk(self, value: Any, path: Path, walk: _Walk) -> Any:
        if isinstance(value, Mapping):
            return {
                self._sound(str(key), (*path, str(key)), walk): self._walk(item, (*path, str(key)), walk)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._walk(item, (*path, index), walk) for index, item in enumerate(value)]
        if has_template(value) or not isinstance(value, (str, int, float, bool, type(None))):
            return value if walk.skip(path) else self._leaf(value, path, walk)
        return self._sound(to_plain(value), path, walk)

    def _sound(self, value: Any, path: Path, walk: _Walk) -> Any:
        """The plain value; what no file, variable or argument can hold is a problem, and None."""
        if isinstance(value, dict):
            return {
                self._sound(key, (*path, key), walk): self._sound(item, (*path, key), walk)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._sound(item, (*path, index), walk) for index, item in enumerate(value)]
        flaw = flaw_of(value)
        if not flaw:
            return value
        self._problems.say(*walk.locate(path), flaw, "text in Unicode without a NUL, or a finite number")
        return None

    def _leaf(self, value: Any, path: Path, walk: _Walk) -> Any:
        try:
            rendered = self._template(value)
            if walk.secret or not (self._vaulted(value) or self._any_vaulted(rendered)):
                return self._sound(to_plain(rendered), path, walk)
            found, wanted = "a value from the vault", "a readable one: secrets belong in kronos_secrets"
        except Exception as error:  # templates call lookups and filters, which raise what they like
            found, wanted = self._reason(value, error)
        self._problems.say(*walk.locate(path), found, wanted)
        return None

    def _any_vaulted(self, value: Any) -> bool:
        if isinstance(value, Mapping):
            return any(self._any_vaulted(item) for item in value.values())
        if isinstance(value, (list, tuple)):
            return any(self._any_vaulted(item) for item in value)
        return self._vaulted(value)

    def _reason(self, value: Any, error: Exception) -> tuple[str, str]:
        text = " ".join(str(getattr(error, "message", None) or error).split())
        undefined = _UNDEFINED.search(text)
        if undefined:
            name = undefined.group(1)
            return f"{shown(value)}, where {name!r} is undefined", "a defined variable" + did_you_mean(
                name, self._known
            )
        return f"{shown(value)} ({text[:200]})", "a template that renders"
