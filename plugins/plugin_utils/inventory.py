# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain settings of one host and the names of the secrets given to it, read from its variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.catalogue import Catalogue
from ansible_collections.kronos.homelab.plugins.plugin_utils.explain import read_model
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import (
    Path,
    Problems,
    did_you_mean,
    kind_of,
    one_of,
    path_text,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import OWN_STACK, Selection
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import PREFIX, SECRETS_VARIABLE, Settings
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Renderer, has_template, here

# Written in the singular or the plural by mistake, such a variable would silently say nothing.
MISSPELT = {
    "kronos_service": "kronos_services",
    "kronos_zone": "kronos_zones",
    "kronos_user": "kronos_users",
    "kronos_stack": "kronos_stacks",
    "kronos_secret": "kronos_secrets",
    "kronos_storages": "kronos_storage",
    "kronos_time_zone": "kronos_timezone",
    "kronos_lans": "kronos_lan",
    "kronos_vpns": "kronos_vpn",
    "kronos_mirror": "kronos_image_mirror",
    "kronos_data": "kronos_data_dir",
}


def read_settings(
    variables: Mapping[str, Any], catalogue: Catalogue, renderer: Renderer, problems: Problems
) -> tuple[Settings | None, list[str]]:
    """The settings (None when one is wrong) and the wanted stacks."""
    for wrong, right in MISSPELT.items():
        if wrong in variables:
            problems.say(wrong, (), "an unknown variable", f"the variable {right!r}")
    before = len(problems)
    data: dict[str, Any] = {}
    for key in Settings.model_fields:
        name = _variable(key, variables)
        if name in variables:
            value = renderer.tree(variables[name], here(name))
            if value is not None:
                data[key] = value
    unrendered = {problem.source for problem in problems[before:]}
    mistakes = Problems()
    settings = read_model(Settings, data, _locate, mistakes)
    for item in mistakes:
        if item.source in unrendered:
            continue
        wanted = item.wanted
        if item.found == "nothing" and not item.path:
            described = Settings.model_fields[item.source.removeprefix(PREFIX)].description or ""
            unknown = {name for name in variables if name.removeprefix(PREFIX) not in Settings.model_fields}
            wanted = f"a value: {described.rstrip('.')}" + did_you_mean(item.source, unknown, cutoff=0.8)
        problems.say(item.source, item.path, item.found, wanted)
    stacks = settings.stacks if settings else _listed(data.get("stacks"))
    _check_stacks(stacks, catalogue, problems)
    return settings, list(dict.fromkeys(stacks))


def _variable(key: str, variables: Mapping[str, Any]) -> str:
    """The variable that says this setting. The port through which we come is most likely where sshd listens."""
    name = PREFIX + key
    return "ansible_port" if key == "ssh_port" and name not in variables else name


def _locate(path: Path) -> tuple[str, str]:
    return PREFIX + str(path[0]), path_text(path[1:])


def _listed(value: Any) -> list[str]:
    """The stacks, as far as they can be read, when some other setting is wrong."""
    if value is None:
        return list(Settings.model_fields["stacks"].get_default(call_default_factory=True))
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _check_stacks(stacks: list[str], catalogue: Catalogue, problems: Problems) -> None:
    known = {*catalogue.stacks, OWN_STACK}
    for index, stack in enumerate(stacks):
        if stack not in known:
            wanted = one_of(known) + did_you_mean(stack, known)
            problems.say("kronos_stacks", (index,), f"the unknown stack {stack!r}", wanted)


def read_secret_names(
    variables: Mapping[str, Any], selection: Selection, renderer: Renderer, problems: Problems
) -> dict[str, frozenset[str]]:
    """The names below kronos_secrets; values are neither rendered nor kept. Missing given ones are mistakes."""
    value = variables.get(SECRETS_VARIABLE)
    if has_template(value):
        value = renderer.tree(value, here(SECRETS_VARIABLE), secret=True)
    given: dict[str, frozenset[str]] = {}
    if isinstance(value, Mapping):
        for service, named in value.items():
            if has_template(named):
                named = renderer.tree(named, here(SECRETS_VARIABLE, (str(service),)), secret=True)
            if isinstance(named, Mapping):
                given[str(service)] = frozenset(str(name) for name, item in named.items() if item is not None)
            elif named is not None:
                # What stands here may be a secret: its kind is enough.
                problems.say(SECRETS_VARIABLE, (service,), kind_of(named), "a mapping of secret names to values")
    elif value is not None:
        problems.say(SECRETS_VARIABLE, (), kind_of(value), "a mapping of services to their secrets")
    _check_given(given, selection, problems)
    return given


def _check_given(given: Mapping[str, frozenset[str]], selection: Selection, problems: Problems) -> None:
    for name, entry in selection.entries.items():
        declared = entry.service.secrets
        for secret, model in declared.items():
            if model.format == "given" and secret not in given.get(name, frozenset()):
                source, path = entry.locate(("secrets", secret))
                wanted = f"its value, since {source}: {path} has the format given"
                problems.say(SECRETS_VARIABLE, (name, secret), "nothing", wanted)
        for secret in sorted(given.get(name, frozenset()) - set(declared)):
            wanted = f"a secret that {name} declares, {one_of(declared)}" + did_you_mean(secret, declared)
            problems.say(SECRETS_VARIABLE, (name, secret), f"the unknown secret {secret!r}", wanted)
