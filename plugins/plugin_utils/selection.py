# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the catalogue and the inventory's layers to the checked records of one host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.catalogue import Catalogue, RawRecord
from ansible_collections.kronos.homelab.plugins.plugin_utils.explain import read_model
from ansible_collections.kronos.homelab.plugins.plugin_utils.merge import Merged, lay_over, layer_names
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import (
    Path,
    Problems,
    a_known_key,
    did_you_mean,
    one_of,
    path_text,
    shown,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Renderer, has_template, here

OWN_STACK = "own"


@dataclass(frozen=True)
class Entry:
    """A checked record, and where each part of it was written."""

    service: Service
    merged: Merged
    source: str
    from_file: bool

    def locate(self, path: Path) -> tuple[str, str]:
        """Source and key path of a part: the variable that wrote it last, else the record's file."""
        return _where(self.service.name, self.merged, self.source, self.from_file, path)


@dataclass
class Selection:
    """What runs on the host, what is switched off, and what else is known by name."""

    entries: dict[str, Entry] = field(default_factory=dict)
    disabled: list[str] = field(default_factory=list)
    unselected: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def known(self) -> list[str]:
        """Every service name that means something on this host."""
        return sorted({*self.entries, *self.disabled, *self.unselected, *self.broken})


def read_layers(
    base: str, variables: Mapping[str, Any], renderer: Renderer, problems: Problems
) -> dict[str, dict[str, Any]]:
    """The layered variable and its suffixes in merge order: {variable: {name: value}}; other shapes are problems."""
    layers: dict[str, dict[str, Any]] = {}
    for variable in layer_names(base, variables):
        value = variables[variable]
        if has_template(value):
            value = renderer.tree(value, here(variable))
        if isinstance(value, Mapping):
            layers[variable] = {str(name): item for name, item in value.items()}
        elif value is not None:
            problems.say(variable, (), shown(value), f"a mapping of names to {base.removeprefix('kronos_')}")
    return layers


def select(
    catalogue: Catalogue,
    layers: Mapping[str, Mapping[str, Any]],
    stacks: list[str],
    renderer: Renderer,
    problems: Problems,
) -> Selection:
    """Merge, render and check the records of the wanted stacks; mistakes go to ``problems``."""
    selection = Selection()
    builder = _Builder(catalogue, layers, {*stacks, OWN_STACK}, renderer, problems)
    for name in sorted({*catalogue.records, *(name for layer in layers.values() for name in layer)}):
        builder.add(name, selection)
    return selection


def _is_whole(value: Any) -> bool:
    """Tell whether a layer's words can stand as a service of their own."""
    return isinstance(value, Mapping) and any(value.get(key) is not None for key in ("image", "external"))


@dataclass
class _Builder:
    catalogue: Catalogue
    layers: Mapping[str, Mapping[str, Any]]
    stacks: set[str]
    renderer: Renderer
    problems: Problems

    def add(self, name: str, selection: Selection) -> None:
        base = self.catalogue.records.get(name)
        parts = self._parts(name)
        if parts is None or (base is None and not self._is_new(name, parts)):
            selection.broken.append(name)
            return
        if any(value is None for value in list(parts.values())[-1:]):
            selection.disabled.append(name)  # null deletes the record: the same as switching it off
            return
        stack = self._peek(name, base, parts, "stack", base.stack if base else OWN_STACK)
        if not isinstance(stack, str) or stack not in self.stacks:
            self._check_unselected(name, base, parts, stack, selection)
            return
        if self._peek(name, base, parts, "enabled", True) in (False, "false", "no", "off", 0, "False"):
            self._check_disabled(name, base, parts, selection)
            return
        entry = self._entry(name, base, parts)
        if entry is None:
            selection.broken.append(name)
        elif not entry.service.enabled:
            selection.disabled.append(name)
        else:
            selection.entries[name] = entry

    def _parts(self, name: str) -> dict[str, Any] | None:
        """What each layer says about the service; None when one of them is no mapping."""
        parts: dict[str, Any] = {}
        for variable, layer in self.layers.items():
            if name not in layer:
                continue
            value = layer[name]
            if has_template(value):
                value = self.renderer.tree(value, here(variable, (name,)))
            if value is not None and not isinstance(value, Mapping):
                self.problems.say(variable, (name,), shown(value), "a mapping: a record, or what differs from it")
                return None
            parts[variable] = value
        return parts

    def _is_new(self, name: str, parts: Mapping[str, Any]) -> bool:
        """Tell whether the layers define a service of their own; else it is an override of nothing."""
        if any(_is_whole(value) for value in parts.values()):
            return True
        own = [other for layer in self.layers.values() for other, value in layer.items() if _is_whole(value)]
        known = [*self.catalogue.records, *own]
        wanted = "a service of the catalogue, or image or external for one of your own"
        self.problems.say(
            next(iter(parts)),
            (name,),
            f"an override for the unknown service {name!r}",
            wanted + did_you_mean(name, known),
        )
        return False

    def _peek(self, name: str, base: RawRecord | None, parts: Mapping[str, Any], key: str, default: Any) -> Any:
        """One value before the merge: what the last layer that names it says."""
        for variable, value in reversed(list(parts.items())):
            if value is not None and value.get(key) is not None:
                return self.renderer.tree(value[key], here(variable, (name, key)))
        if base is not None and key in base.data:
            return self.renderer.tree(base.data[key], here(base.source, (key,)))
        return default

    def _check_unselected(
        self, name: str, base: RawRecord | None, parts: Mapping[str, Any], stack: Any, selection: Selection
    ) -> None:
        if isinstance(stack, str) and stack in self.catalogue.stacks:
            selection.unselected[name] = stack
            self._check_keys(name, parts)
            return
        selection.broken.append(name)
        sources = [variable for variable, value in parts.items() if value and "stack" in value]
        source, path = (sources[-1], path_text((name, "stack"))) if sources else (base.source if base else "", "stack")
        known = {*self.catalogue.stacks, OWN_STACK}
        self.problems.say(source, path, f"the unknown stack {shown(stack)}", one_of(known) + did_you_mean(stack, known))

    def _check_disabled(
        self, name: str, base: RawRecord | None, parts: Mapping[str, Any], selection: Selection
    ) -> None:
        selection.disabled.append(name)
        self._check_keys(name, parts)
        if self._peek(name, base, parts, "purge", False):
            source = [variable for variable, value in parts.items() if value and value.get("purge")]
            refuse_purge(self.problems, source[-1] if source else (base.source if base else ""), (name, "purge"))

    def _check_keys(self, name: str, parts: Mapping[str, Any]) -> None:
        """A record that is not used is not rendered; misspelt keys in its overrides are mistakes all the same."""
        for variable, value in parts.items():
            for key in value or ():
                if key not in Service.model_fields:
                    self.problems.say(
                        variable,
                        (name, key),
                        f"the unknown key {str(key)!r}",
                        a_known_key(key, Service.model_fields),
                    )

    def _entry(self, name: str, base: RawRecord | None, parts: Mapping[str, Any]) -> Entry | None:
        """Merge and check one service. The layers are rendered first, since they may be whole mappings in Jinja."""
        before = len(self.problems)
        merged = Merged(dict(base.data) if base else {})
        for variable, value in parts.items():
            if value is not None:
                rendered = self.renderer.tree(value, here(variable, (name,)))
                merged = lay_over(merged, rendered, variable)
        source = base.source if base else next(iter(parts))
        if base is not None:
            source_of = here(source)
            merged.value = self.renderer.tree(merged.value, source_of, lambda path: merged.writer(path) is not None)
        if merged.value.setdefault("name", name) != name:
            self.problems.say(
                merged.origin(("name",)) or source,
                (name, "name"),
                shown(merged.value["name"]),
                f"{name!r}, the key it stands at",
            )
        merged.value.setdefault("stack", OWN_STACK)
        unrendered = {(problem.source, problem.path) for problem in self.problems[before:]}
        mistakes = Problems()
        service = read_model(Service, merged.value, partial(_where, name, merged, source, base is not None), mistakes)
        # A template that failed left nothing behind; that it is missing need not be said again.
        self.problems += [item for item in mistakes if (item.source, item.path) not in unrendered]
        if service is None or len(self.problems) > before:
            return None
        return Entry(service, merged, source, base is not None)


def _where(name: str, merged: Merged, source: str, from_file: bool, path: Path) -> tuple[str, str]:
    layer = merged.origin(path)
    if layer is None and from_file:
        return source, path_text(path)
    return layer or source, path_text((name, *path))


def refuse_purge(problems: Problems, source: str, path: str | Path) -> None:
    """Deleting data needs a last backup, and backups are not part of the collection yet."""
    problems.say(source, path, "true", "false: purging needs the backups, which are not there yet")
