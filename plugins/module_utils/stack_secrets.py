# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets that a stack uses, and their fingerprints."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping

from ansible_collections.kronos.homelab.plugins.module_utils import fingerprint_key as key_file
from ansible_collections.kronos.homelab.plugins.module_utils import secret_spare
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import Stack


def read_secrets(stack: Stack, layout: Layout) -> dict[str, dict[str, str | None]]:
    """service → name → value of every secret that *stack* uses; None where the host has none yet."""
    return {
        service.name: {name: _read(layout.master(service.name, name)) for name in service.secrets}
        for service in stack.services.values()
        if service.secrets
    }


def foreseen(
    values: Mapping[str, Mapping[str, str | None]], awaited: Iterable[str], returning: Iterable[str], layout: Layout
) -> dict[str, dict[str, str | None]]:
    """*values* as the real run will find them, for a prediction.

    Those *awaited* (``service/name``) get a new value before it, hence None; those *returning*, or lost, get the one
    again that the service uses.
    """
    renewed, back = set(awaited), set(returning)

    def value_of(service: str, name: str, value: str | None) -> str | None:
        if f"{service}/{name}" in renewed:
            return None
        if value is not None and f"{service}/{name}" not in back:
            return value
        return secret_spare.find(service, name, layout.stacks)

    return {
        service: {name: value_of(service, name, value) for name, value in found.items()}
        for service, found in values.items()
    }


def missing(values: Mapping[str, Mapping[str, str | None]], layout: Layout) -> list[str]:
    """The files of the secrets that are not there."""
    return [
        layout.master(service, name)
        for service, found in values.items()
        for name, value in found.items()
        if value is None
    ]


def fingerprint_key(layout: Layout, *, create: bool) -> bytes:
    """The host's key for fingerprints, made when it is missing and *create* allows it.

    Without one (check mode on a fresh host) a passing key serves: nothing can equal its fingerprints.
    """
    known = key_file.read(layout.fingerprint_key)
    if known is not None:
        return known
    fresh = key_file.fresh()
    if create:
        key_file.write(layout.fingerprint_key, fresh, uid=layout.uid, gid=layout.gid)
    return fresh


def fingerprint(key: bytes, service: str, name: str, value: str) -> str:
    """What a label may show of a secret: equal for equal values, useless without the host's key."""
    text = json.dumps([service, name, value]).encode("utf-8", "surrogateescape")
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:32]


def _read(path: str) -> str | None:
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise KronosError(f"{path}: the secret is not text in UTF-8") from error
    if "\0" in text:
        raise KronosError(f"{path}: the secret holds a NUL, which no variable can")
    return text
