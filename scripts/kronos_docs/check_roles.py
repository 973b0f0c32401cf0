# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of roles: every variable described, described variables exist, defaults agree, names carry their prefix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kronos_docs.collection import NAMESPACE, Collection

# Variables that the playbooks hand over; they are no settings, so no role has a default for them.
HANDED_OVER = frozenset({"kronos_plan", "kronos_secrets"})
COMMON = "kronos_"


def roles_problems(collection: Collection) -> Iterator[str]:
    """Everything that is wrong with the argument specs of the roles."""
    known = known_settings(collection)
    for role in collection.roles:
        specs = collection.role_specs(role)
        if not (specs.get("main") or {}).get("short_description"):
            yield f"roles/{role}: meta/argument_specs.yml has no entry point main with a short_description"
            continue
        options = {name: option for spec in specs.values() for name, option in (spec.get("options") or {}).items()}
        yield from role_problems(role, options, collection.role_defaults(role), known)
        for name, spec in specs.items():
            yield from described(f"roles/{role}: {name}", spec.get("options") or {})
    yield from render_problems(collection)


def render_problems(collection: Collection) -> Iterator[str]:
    """What ansible-doc says about roles; a broken spec makes it skip the role with a warning."""
    done = collection.ansible_doc("--type", "role", *(f"{NAMESPACE}.{role}" for role in collection.roles))
    for line in done.stderr.splitlines():
        if line.strip():
            yield f"roles: ansible-doc says: {line.strip()}"


def known_settings(collection: Collection) -> frozenset[str]:
    """Names of all collection-wide variables."""
    settings = collection.load("plugin_utils.settings")
    return (
        frozenset(settings.PREFIX + name for name in (*settings.Settings.model_fields, *settings.LAYERED)) | HANDED_OVER
    )


def role_problems(
    role: str, options: Mapping[str, Any], defaults: Mapping[str, Any], settings: frozenset[str]
) -> Iterator[str]:
    """Disagreements between a role's described options and its defaults/main.yml."""
    where, prefix = f"roles/{role}", f"{role.replace('-', '_')}_"
    for name in sorted(defaults):
        if not name.startswith(prefix):
            yield f"{where}: {name} in defaults/main.yml does not start with {prefix}"
        if name not in options:
            yield f"{where}: {name} is in defaults/main.yml but not in meta/argument_specs.yml"
    for name, option in sorted(options.items()):
        if name.startswith(COMMON):
            if name not in settings:
                yield f"{where}: {name} is no collection-wide setting"
        elif not name.startswith(prefix):
            yield f"{where}: option {name} starts with neither {prefix} nor {COMMON}"
        elif name in defaults:
            yield from _default_problems(where, name, option, defaults[name])
        elif not option.get("required"):
            yield f"{where}: option {name} is described, but has no default in defaults/main.yml and is not required"


def _default_problems(where: str, name: str, option: Mapping[str, Any], default: Any) -> Iterator[str]:
    if option.get("required"):
        yield f"{where}: option {name} is required, yet defaults/main.yml gives it a value"
    # a template's value is known at run time only; the spec then says in words what it becomes
    elif not is_template(default) and option.get("default") != default:
        yield f"{where}: option {name}: default {option.get('default')!r} in the spec, {default!r} in defaults/main.yml"


def is_template(data: Any) -> bool:
    """Tell whether there is Jinja anywhere in this default."""
    if isinstance(data, Mapping):
        return any(is_template(item) for item in data.values())
    if isinstance(data, list):
        return any(map(is_template, data))
    return isinstance(data, str) and ("{{" in data or "{%" in data)


def described(where: str, options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Options, suboptions included, without type or description."""
    for name, option in options.items():
        for key in ("type", "description"):
            if not option.get(key):
                yield f"{where}: option {prefix}{name} has no {key}"
        if option.get("type") == "list" and not option.get("elements"):
            yield f"{where}: option {prefix}{name} is a list without elements"
        yield from described(where, option.get("options") or {}, f"{prefix}{name}.")
