# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets that services declare, checked: what is generated, given or derived."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import secret_derive
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
# format: (what length counts, default length, least length)
FORMATS = {
    "hex": ("characters", 32, 8),
    "base64": ("bytes", 32, 8),
    "alphanumeric": ("characters", 32, 8),
    "passphrase": ("words", 8, 5),
    "uuid": ("", 0, 0),
    "rsa_key": ("bits", 2048, 2048),
    "given": ("", 0, 0),
}


@dataclass(frozen=True)
class WantedSecret:
    """A declared secret; ``given`` is its value from the inventory, None where the host generates it.

    ``source`` (service/name) and ``hash``: what it is made from, and how, where it is derived.
    """

    service: str
    name: str
    format: str
    length: int
    given: str | None = field(default=None, repr=False)
    source: str = ""
    hash: str = ""

    @property
    def key(self) -> str:
        """How users name it."""
        return f"{self.service}/{self.name}"


def parse(declared: Iterable[Mapping[str, Any]], given: Mapping[str, Any]) -> list[WantedSecret]:
    """Declared secrets ({service, name, format, length}) with their given values, checked.

    Raises KronosError naming all mistakes.
    """
    wanted, problems, seen = [], [], set()
    for entry in declared:
        try:
            secret = _parse_one(entry, given)
        except KronosError as error:
            problems.append(str(error))
            continue
        if secret.key in seen:
            problems.append(f"{secret.key} is declared twice")
        seen.add(secret.key)
        wanted.append(secret)
    sources = {secret.key for secret in wanted if not secret.source}
    problems += [
        f"{secret.key} is derived from {secret.source}, which is no secret that is generated or given"
        for secret in wanted
        if secret.source and secret.source not in sources and not problems
    ]
    if problems:
        raise KronosError("; ".join(problems))
    return wanted


def describe(secret: WantedSecret) -> str:
    """Its kind in words: ``hex, 32 characters``; ``from the inventory``."""
    if secret.given is not None:
        return "from the inventory"
    if secret.source:
        return f"{secret.hash} of {secret.source}"
    unit = FORMATS[secret.format][0]
    return f"{secret.format}, {secret.length} {unit}" if unit else secret.format


def _parse_one(entry: Mapping[str, Any], given: Mapping[str, Any]) -> WantedSecret:
    service, name, kind = str(entry["service"]), str(entry["name"]), str(entry.get("format") or "hex")
    for part in (service, name):
        if not NAME.fullmatch(part):
            raise KronosError(f"{service}/{name}: {part!r} is no name for a secret or its service (a-z, 0-9, - and _)")
    if entry.get("derive"):
        return _parse_derived(service, name, entry["derive"], given)
    if kind not in FORMATS:
        raise KronosError(f"{service}/{name}: format {kind!r} is unknown; there are {', '.join(FORMATS)}")
    unit, default, least = FORMATS[kind]
    length = int(entry.get("length") or default)
    if length < least or length > 4096:
        raise KronosError(f"{service}/{name}: a length of {length} {unit}; wanted: {least} to 4096")
    return WantedSecret(service, name, kind, length, _given(service, name, kind, given))


def _parse_derived(service: str, name: str, derive: Mapping[str, Any], given: Mapping[str, Any]) -> WantedSecret:
    source, kind = str(derive.get("from") or ""), str(derive.get("hash") or "")
    if "/" not in source:
        source = f"{service}/{source}"
    if kind not in secret_derive.HASHES:
        raise KronosError(
            f"{service}/{name}: the hash {kind!r} is unknown; there are {', '.join(secret_derive.HASHES)}"
        )
    values = given.get(service)
    if isinstance(values, Mapping) and values.get(name) is not None:
        raise KronosError(f"kronos_secrets.{service}.{name} is made from {source}: give that one instead")
    return WantedSecret(service, name, "derived", 0, None, source, kind)


def _given(service: str, name: str, kind: str, given: Mapping[str, Any]) -> str | None:
    where = f"kronos_secrets.{service}.{name}"
    values = given.get(service)
    if values is not None and not isinstance(values, Mapping):
        raise KronosError(f"kronos_secrets.{service} must map names to values")
    value = (values or {}).get(name)
    if value is None:
        if kind == "given":
            raise KronosError(f"{where} has no value: the secret is declared as given, so put it into Ansible Vault")
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise KronosError(f"{where} must be a text")
    if str(value) == "" or "\0" in str(value):
        raise KronosError(f"{where} must be a text that is not empty and holds no NUL")
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise KronosError(f"{where} must be text in Unicode") from None
    return str(value)
