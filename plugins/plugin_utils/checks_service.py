# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold inside one record beyond the types of its keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.hardening import (
    OWN_KEYS,
    is_compose_key,
    is_file_variable,
    labels_of,
    needed_reasons,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import (
    Problems,
    did_you_mean,
    one_of,
    path_text,
    shown,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.record import Service
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Entry, refuse_purge

# What an env file can name; compose passes other variables too, but not from there.
_SECRET_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_service(entry: Entry, problems: Problems) -> None:
    """Add every mistake inside one record to ``problems``."""
    for check in (_check_kind, _check_network, _check_secrets, _check_mounts, _check_compose, _check_reasons):
        check(entry, problems)


def _check_kind(entry: Entry, problems: Problems) -> None:
    service = entry.service
    if (service.image is None) == (service.external is None):
        both = service.image is not None
        wanted = "one of image and external" + (" (null deletes the other)" if both else "")
        problems.say(*entry.locate(("external",) if both else ("image",)), "both" if both else "neither", wanted)
    if service.external is not None and service.kind == "job":
        problems.say(*entry.locate(("kind",)), "an external job", "kind: service for what runs elsewhere")
    if service.kind == "job" and service.routes:
        problems.say(*entry.locate(("routes",)), "routes of a job", "none: a job ends")
    for index, route in enumerate(service.routes):
        if route.port is None and service.external is None:
            problems.say(*entry.locate(("routes", index, "port")), "nothing", "the key 'port' (port in the container)")
    if service.purge:
        refuse_purge(problems, *entry.locate(("purge",)))


def _check_network(entry: Entry, problems: Problems) -> None:
    service = entry.service
    if service.network == "host":
        for index, port in enumerate(service.ports):
            if port.target not in (None, port.port):
                found = f"target {port.target} with network: host"
                problems.say(
                    *entry.locate(("ports", index, "target")), found, f"no target, or {port.port}: nothing is mapped"
                )
    if "network_mode" in service.compose:
        for key in ("routes", "metrics", "ports"):
            if getattr(service, key):
                wanted = "none: state them at the service whose network it uses"
                problems.say(*entry.locate((key,)), f"{key} beside compose.network_mode", wanted)
    if service.zone == "data" and service.network == "zone" and service.external is None:
        for key in ("routes", "metrics", "ports"):
            if getattr(service, key):
                found = f"{key} of a service in zone data"
                problems.say(
                    *entry.locate((key,)), found, "none, or another zone: only those that need it reach zone data"
                )
    if service.joins_zones and service.zone == "data":
        problems.say(*entry.locate(("joins_zones",)), "true in zone data", "another zone")


def _check_secrets(entry: Entry, problems: Problems) -> None:
    service = entry.service
    for variable, name in service.secret_environment().items():
        path = ("environment", variable, "secret")
        secret = service.secrets.get(name)
        if secret is None:
            wanted = f"a name in its secrets, {one_of(service.secrets)}" + did_you_mean(name, service.secrets)
            problems.say(*entry.locate(path), f"the unknown secret {name!r}", wanted)
        elif not _SECRET_VARIABLE.fullmatch(variable):
            problems.say(
                *entry.locate(path[:2]), repr(variable), "letters, digits and '_' alone, where the value is a secret"
            )
        elif not is_file_variable(variable) and not secret.plain_env:
            found = f"a secret in the plain environment, as {variable}"
            wanted = f"{variable}_FILE, or secrets.{name}.plain_env with the reason why it must be so"
            problems.say(*entry.locate(path[:2]), found, wanted)
    dump = service.backup.dump if service.backup else None
    if dump and dump.secret and dump.secret not in service.secrets:
        wanted = f"a name in its secrets, {one_of(service.secrets)}" + did_you_mean(dump.secret, service.secrets)
        problems.say(*entry.locate(("backup", "dump", "secret")), f"the unknown secret {dump.secret!r}", wanted)


def _check_mounts(entry: Entry, problems: Problems) -> None:
    service = entry.service
    targets: dict[str, int] = {}
    for index, volume in enumerate(service.volumes):
        if volume.target in targets:
            found = f"{volume.target!r}, as volumes[{targets[volume.target]}] has"
            problems.say(*entry.locate(("volumes", index, "target")), found, "a target of its own")
        targets.setdefault(volume.target, index)
        if volume.target == "/" or volume.target == "/run/secrets":
            problems.say(*entry.locate(("volumes", index, "target")), repr(volume.target), "a folder that is not taken")
    _check_twice(entry, "routes", ((route.host, route.path) for route in service.routes), "host and path", problems)
    _check_twice(entry, "ports", ((port.port, port.protocol) for port in service.ports), "port and protocol", problems)
    _check_twice(
        entry, "metrics", ((item.port, item.path, item.address) for item in service.metrics), "address", problems
    )
    _check_twice(entry, "alerts", (item.alert for item in service.alerts), "name", problems)


def _check_twice(entry: Entry, key: str, values: Iterable[Any], what: str, problems: Problems) -> None:
    seen: dict[Any, int] = {}
    for index, value in enumerate(values):
        if value in seen:
            found = f"the {what} of {path_text((key, seen[value]))} again"
            problems.say(*entry.locate((key, index)), found, f"a {what} of its own")
        seen.setdefault(value, index)


def _check_compose(entry: Entry, problems: Problems) -> None:
    for key in entry.service.compose:
        if not is_compose_key(key):
            problems.say(*entry.locate(("compose",)), f"the key {key!r}", "a key of compose, such as dns or x-note")
        if key in OWN_KEYS:
            problems.say(
                *entry.locate(("compose", key)), f"compose.{key}", f"the record's own key for it: {OWN_KEYS[key]}"
            )
    labels = labels_of(entry.service.compose)
    if labels is None:
        wanted = "a mapping of names to plain values, or a list of name=value"
        problems.say(*entry.locate(("compose", "labels")), shown(entry.service.compose["labels"]), wanted)
    for label in labels or ():
        if label.startswith(("kronos.", "com.docker.compose.")):
            problems.say(*entry.locate(("compose", "labels")), f"the label {label!r}", "no labels that the engine uses")


def _check_reasons(entry: Entry, problems: Problems) -> None:
    service: Service = entry.service
    told: set[str] = set()
    for key, path, found in needed_reasons(service):
        if not service.reason(key) and key not in told:
            told.add(key)
            near = did_you_mean(key, [name for name in service.reasons if name != key])
            problems.say(
                *entry.locate(path), f"{found} without a reason", f"the reason in {path_text(('reasons', key))}{near}"
            )
