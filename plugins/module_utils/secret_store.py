# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of services, kept on the host below ``/etc/kronos/secrets/<service>/<name>``.

Values are generated here and never leave the host; given ones come in from Ansible Vault. Nothing that this
module returns, shows or raises holds a value. A value is never replaced unless that was asked for: losing
one can lock a service out of its own database.
"""

from __future__ import annotations

import base64
import difflib
import glob
import os
import secrets
import stat
import string
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import (
    atomic,
    fingerprint_key,
    receipts,
    secret_derive,
    secret_spare,
)
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.secret_wanted import WantedSecret, describe
from ansible_collections.kronos.homelab.plugins.module_utils.secret_words import WORDS

ROOT = "/etc/kronos/secrets"
STACKS = "/opt/kronos/stacks"
# Actions after which the value is another one.
_NEW = ("created", "given", "rotated", "derived")


@dataclass(frozen=True)
class Stored:
    """A secret as it is kept; ``spare`` is a value found only where its service has it."""

    value: str | None = field(default=None, repr=False)
    spare: str | None = field(default=None, repr=False)
    private: bool = True


@dataclass(frozen=True)
class SecretsChange:
    """What has to happen.

    ``actions`` maps service/name to created, restored, given, rotated, derived (anew, since its source is another one)
    or repaired (mode or owner); ``kept`` are those
    that have a value already; ``key`` is what happens to the key of the fingerprints: created, repaired or nothing;
    ``returning`` are those that get the value again that their services use.
    """

    wanted: tuple[WantedSecret, ...]
    actions: Mapping[str, str]
    folders: tuple[str, ...]
    unused: tuple[str, ...]
    kept: frozenset[str] = frozenset()
    key: str = ""
    key_path: str = ""
    returning: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.actions or self.folders or self.key)

    @property
    def renewed(self) -> list[str]:
        """Those that get a value that no service uses yet."""
        return [key for key, action in self.actions.items() if action in _NEW and key not in self.returning]

    @property
    def diff(self) -> list[dict[str, str]]:
        """One entry per secret, without values."""
        entries = []
        for secret in self.wanted:
            action = self.actions.get(secret.key)
            if action:
                before = "(kept value, hidden)\n" if secret.key in self.kept else ""
                entries.append(_entry(f"secret {secret.key}", before, f"({action}: {describe(secret)})\n"))
        entries += [_entry(folder, "", "directory\nmode: 0700\n") for folder in self.folders]
        if self.key:
            before = "(key, hidden)\n" if self.key == "repaired" else ""
            entries.append(_entry(self.key_path, before, f"(key of fingerprints: {self.key})\n"))
        return entries


def read(wanted: Iterable[WantedSecret], *, root: str | None = None, stacks: str | None = None) -> dict[str, Stored]:
    """How each wanted secret is kept now, by service/name."""
    present = {}
    for secret in wanted:
        value, private = _read_kept(_path(secret, root or ROOT))
        gone = not value or (secret.given is not None and value != secret.given)
        spare = None
        if gone and not secret.source:
            spare = secret_spare.find(secret.service, secret.name, stacks or STACKS)
        present[secret.key] = Stored(value, spare, private)
    return present


def kept_values(root: str | None = None) -> list[str]:
    """Every value that is kept, whoever declares it: what must not be shown."""
    paths = sorted(glob.glob(os.path.join(glob.escape(root or ROOT), "*", "*")))
    values = [_read_kept(path)[0] for path in paths if stat.S_ISREG(os.lstat(path).st_mode)]
    return [value for value in values if value]


def read_folders(wanted: Iterable[WantedSecret], *, root: str | None = None) -> list[str]:
    """The folders of secrets that are missing or open to others, parents first."""
    root = root or ROOT
    needed = [os.path.dirname(root), root, *sorted({os.path.join(root, secret.service) for secret in wanted})]
    private = {"mode": 0o700, "uid": os.geteuid(), "gid": os.getegid()}
    return [folder for folder in needed if receipts.directory_state(folder) != private]


def read_key(*, root: str | None = None) -> str:
    """What is to be done with the key of the fingerprints: created, repaired (mode or owner) or nothing."""
    path = _key_path(root or ROOT)
    if fingerprint_key.read(path) is None:
        return "created"
    return "" if _read_kept(path)[1] else "repaired"


def plan(
    wanted: Sequence[WantedSecret],
    present: Mapping[str, Stored],
    folders: Sequence[str],
    rotate: Sequence[str],
    given: Mapping[str, Any],
    key: str = "",
) -> SecretsChange:
    """The change that makes every secret exist, given ones equal and those in *rotate* new.

    Pure; generates nothing.
    """
    _check_rotation(wanted, rotate)
    actions: dict[str, str] = {}
    for secret in _sources_first(wanted):
        if secret.source:
            action = _derived_action(secret, present, actions, secret.key in rotate)
        else:
            action = _action(secret, present[secret.key], secret.key in rotate)
        if action:
            actions[secret.key] = action
    declared = {secret.key for secret in wanted}
    named = {f"{service}/{name}" for service, values in given.items() for name in values}
    kept = frozenset(key for key in declared if present[key].value)
    unused = tuple(sorted(named - declared))
    returning = tuple(
        secret.key
        for secret in wanted
        if actions.get(secret.key) == "restored"
        or (actions.get(secret.key) == "given" and present[secret.key].spare == secret.given)
    )
    return SecretsChange(tuple(wanted), actions, tuple(folders), unused, kept, key, _key_path(ROOT), returning)


def apply(change: SecretsChange, present: Mapping[str, Stored], *, root: str | None = None) -> None:
    """Carry out *change*; each secret appears in one step."""
    root = root or ROOT
    mine = {"uid": os.geteuid(), "gid": os.getegid()}
    for folder in change.folders:
        atomic.ensure_dir(folder, mode=0o700, **mine)
    if change.key:
        path = _key_path(root)
        fingerprint_key.write(path, fingerprint_key.read(path) or fingerprint_key.fresh(), **mine)
    for secret in _sources_first(change.wanted):
        action = change.actions.get(secret.key)
        if action:
            value = _derived_value(action, secret, present, root) if secret.source else None
            value = value or _value_for(action, secret, present[secret.key])
            atomic.write_file(_path(secret, root), value.encode(), mode=0o600, **mine)


def left(wanted: Iterable[WantedSecret], *, root: str | None = None) -> dict[str, Any]:
    """What the receipt says of secrets that stand."""
    root = root or ROOT
    paths = [*(_path(secret, root) for secret in wanted), _key_path(root)]
    folders = sorted({root, *(os.path.dirname(path) for path in paths)})
    return {
        "files": {path: receipts.file_state(path) for path in paths},
        "directories": {folder: receipts.directory_state(folder) for folder in folders},
    }


def generate(kind: str, length: int) -> str:
    """A new value from the operating system's source of chance."""
    if kind == "hex":
        return secrets.token_hex((length + 1) // 2)[:length]
    if kind == "base64":
        return base64.b64encode(secrets.token_bytes(length)).decode()
    if kind == "alphanumeric":
        return "".join(secrets.choice(string.ascii_letters + string.digits) for _index in range(length))
    if kind == "passphrase":
        return "-".join(secrets.choice(WORDS) for _index in range(length))
    if kind == "uuid":
        return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
    if kind == "rsa_key":
        return secret_derive.rsa_key(length)
    raise ValueError(f"nothing to generate for format {kind}")


def _check_rotation(wanted: Sequence[WantedSecret], rotate: Sequence[str]) -> None:
    known = {secret.key: secret for secret in wanted}
    for key in rotate:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise KronosError(f"rotate: no service declares a secret {key!r} (wanted: service/name){hint}")
        if known[key].given is not None:
            where = f"kronos_secrets.{key.replace('/', '.')}"
            raise KronosError(f"rotate: {key} comes from the inventory; change {where} instead")


def _action(secret: WantedSecret, stored: Stored, rotate: bool) -> str:
    if secret.given is not None:
        if stored.value != secret.given:
            return "given"
    elif not stored.value:
        return "restored" if stored.spare and not rotate else "created"
    elif rotate:
        return "rotated"
    return "" if stored.private else "repaired"


def _sources_first(wanted: Iterable[WantedSecret]) -> list[WantedSecret]:
    return sorted(wanted, key=lambda secret: bool(secret.source))


def _derived_action(
    secret: WantedSecret, present: Mapping[str, Stored], actions: Mapping[str, str], rotate: bool
) -> str:
    """What happens to a derived secret, once it is known what happens to its source."""
    stored, before = present[secret.key], present[secret.source]
    if not stored.value:
        return "created"
    if rotate:
        return "rotated"
    done = actions.get(secret.source, "")
    known = None if done in _NEW else before.spare if done == "restored" else before.value
    if known is None or not secret_derive.verifies(secret.hash, stored.value, known):
        return "derived"
    return "" if stored.private else "repaired"


def _derived_value(action: str, secret: WantedSecret, present: Mapping[str, Stored], root: str) -> str | None:
    """A new hash of what its source is by now; None where the kept one stays."""
    if action == "repaired" and present[secret.key].value:
        return None
    source = _read_kept(os.path.join(root, *secret.source.split("/")))[0]
    return secret_derive.make(secret.hash, source or "")


def _value_for(action: str, secret: WantedSecret, stored: Stored) -> str:
    if secret.given is not None:
        return secret.given
    kept = stored.spare if action == "restored" else stored.value if action == "repaired" else None
    return kept or generate(secret.format, secret.length)


def _path(secret: WantedSecret, root: str) -> str:
    return os.path.join(root, secret.service, secret.name)


def _key_path(root: str) -> str:
    return os.path.join(os.path.dirname(root), fingerprint_key.NAME)


def _read_kept(path: str) -> tuple[str | None, bool]:
    """The value at *path*, and whether only its owner, the caller, can read it.

    Raises KronosError where it is no file: a link, say, is no secret of ours.
    """
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
        what = "link" if os.path.islink(path) else "directory" if os.path.isdir(path) else "special file"
        raise KronosError(f"{path} is a {what}: a file is wanted there; move it away first")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None, True
    with open(handle, "rb") as stream:
        found = os.fstat(handle)
        value = stream.read().decode("utf-8", "surrogateescape")
    owner = (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())
    return value, owner and stat.S_IMODE(found.st_mode) == 0o600


def _entry(header: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": header, "after_header": header, "before": before, "after": after}
