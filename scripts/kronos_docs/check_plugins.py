# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of plugins: documentation renders, is complete, and agrees with what the code accepts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from unittest.mock import patch

import yaml

from kronos_docs.collection import NAMESPACE, Collection, DocsError

ATTRIBUTES = ("check_mode", "diff_mode", "idempotent")
MISSING = "(none)"


def plugins_problems(collection: Collection) -> Iterator[str]:
    """Everything that is wrong with the documentation of modules, actions, filters and callbacks."""
    docs = collection.plugin_docs
    yield from unlisted(docs["module"], collection.plugin_files("modules"), "plugins/modules/{}.py")
    yield from unlisted(docs["filter"], collection.filters, "plugins/filter/{}.yml")
    yield from unlisted(docs["callback"], collection.plugin_files("callback"), "plugins/callback/{}.py")
    yield from stray_sidecars(collection)
    for name in collection.plugin_files("action"):
        if not collection.has_plugin("modules", name):
            yield f"plugins/action/{name}.py: wanted its documentation in plugins/modules/{name}.py"
    for kind, entries in docs.items():
        for name, entry in entries.items():
            yield from entry_problems(kind, name, entry)
        yield from render_problems(collection, kind, [name for name, entry in entries.items() if entry.get("doc")])
    for name, entry in docs["module"].items():
        if entry.get("doc"):
            yield from module_problems(collection, name, entry["doc"])


def unlisted(documented: Mapping[str, Any], present: Iterable[str], path: str) -> Iterator[str]:
    """Plugins that are there but that ansible-doc does not know."""
    for name in present:
        if name not in documented:
            yield f"{path.format(name)}: ansible-doc does not find its documentation"


def stray_sidecars(collection: Collection) -> Iterator[str]:
    """Documentation of filters that no plugin defines."""
    for path in sorted((collection.root / "plugins" / "filter").glob("*.yml")):
        if path.stem not in collection.filters:
            yield f"plugins/filter/{path.name}: documents a filter that no plugin defines"


def entry_problems(kind: str, name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """What is missing in the documentation of one plugin."""
    where = f"{kind} {name}"
    doc = entry.get("doc")
    if not doc:
        yield f"{where}: {' '.join(str(entry.get('error', 'no documentation')).split())}"
        return
    for key in ("short_description", "description", "author"):
        if not doc.get(key):
            yield f"{where}: DOCUMENTATION has no {key}"
    if kind == "callback":
        return
    yield from example_problems(where, f"{NAMESPACE}.{name}", entry.get("examples"))
    if not entry.get("return"):
        yield f"{where}: no RETURN documentation"
    if kind == "module":
        for attribute in ATTRIBUTES:
            if attribute not in (doc.get("attributes") or {}):
                yield f"{where}: attributes has no {attribute}"


def example_problems(where: str, full_name: str, examples: str | None) -> Iterator[str]:
    """Examples must be YAML and use the plugin by its full name."""
    if not examples or not examples.strip():
        yield f"{where}: no EXAMPLES"
        return
    try:
        yaml.safe_load(examples)
    except yaml.YAMLError as error:
        yield f"{where}: EXAMPLES are no YAML: {' '.join(str(error).split())}"
    if full_name not in examples:
        yield f"{where}: EXAMPLES never use {full_name}"


def render_problems(collection: Collection, kind: str, names: list[str]) -> Iterator[str]:
    """What ansible-doc says when it shows the pages as text, which checks more than its JSON does."""
    if not names:
        return
    done = collection.ansible_doc("--type", kind, *(f"{NAMESPACE}.{name}" for name in names))
    if done.returncode:
        yield f"{kind}: ansible-doc cannot show it: {' '.join(done.stderr.split())}"


def module_problems(collection: Collection, name: str, doc: Mapping[str, Any]) -> Iterator[str]:
    """Differences between the documentation and what the module or its action accepts."""
    where = f"module {name}"
    options = doc.get("options") or {}
    try:
        module = collection.load(f"modules.{name}")
        action = collection.load(f"action.{name}") if collection.has_plugin("action", name) else None
    except ImportError as error:
        yield f"{where}: cannot be imported: {error}"
        return
    accepted = getattr(getattr(action, "ActionModule", None), "_VALID_ARGS", None)
    if hasattr(module, "main"):
        arguments = module_arguments(module)
        yield from spec_problems(where, options, arguments["argument_spec"])
        says = doc.get("attributes", {}).get("check_mode", {}).get("support")
        if (says in ("full", "partial")) != bool(arguments.get("supports_check_mode")):
            yield f"{where}: check_mode support is {says} in the documentation, the code says otherwise"
    elif accepted is not None:
        yield from name_problems(where, "", options, accepted)
    else:
        yield f"{where}: neither main() in the module nor _VALID_ARGS in an action of the same name"


class _Seen(BaseException):
    """Carries the arguments of AnsibleModule out of a module's main(), past its except clauses."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__()
        self.arguments = arguments


def module_arguments(module: Any) -> dict[str, Any]:
    """What a module gives to AnsibleModule: its main() is run up to that point and no further."""

    def seen(_self: Any, argument_spec: dict[str, Any], **others: Any) -> None:
        raise _Seen({"argument_spec": argument_spec, **others})

    with patch("ansible.module_utils.basic.AnsibleModule.__init__", seen):
        try:
            module.main()
        except _Seen as caught:
            return caught.arguments
    raise DocsError(f"{module.__name__}: main() makes no AnsibleModule")


def name_problems(where: str, prefix: str, documented: Iterable[str], accepted: Iterable[str]) -> Iterator[str]:
    """Options known on one side only."""
    for name in sorted(set(documented) - set(accepted)):
        yield f"{where}: option {prefix}{name} is documented but not accepted"
    for name in sorted(set(accepted) - set(documented)):
        yield f"{where}: option {prefix}{name} is accepted but not documented"


def spec_problems(
    where: str, documented: Mapping[str, Any], spec: Mapping[str, Any], prefix: str = ""
) -> Iterator[str]:
    """Differences between documented options and an argument_spec, suboptions included."""
    yield from name_problems(where, prefix, documented, spec)
    for name in sorted(set(documented) & set(spec)):
        doc, option = documented[name], spec[name]
        for key, says, accepts in _facts(doc, option):
            if says != accepts:
                yield f"{where}: option {prefix}{name}: {key} is {says!r} in the documentation, {accepts!r} in the code"
        inner = doc.get("suboptions") or {}
        yield from spec_problems(where, inner, option.get("options") or {}, f"{prefix}{name}.")


def _facts(doc: Mapping[str, Any], option: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Pairs of what documentation and code say, with Ansible's own defaults filled in."""
    for key, default in (("type", "str"), ("elements", MISSING), ("required", False), ("default", MISSING)):
        yield key, _or(doc.get(key), default), _or(option.get(key), default)
    for key in ("choices", "aliases"):
        yield key, list(doc.get(key) or []), list(option.get(key) or [])


def _or(found: Any, default: Any) -> Any:
    return default if found is None else found
