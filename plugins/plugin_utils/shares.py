# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shares of one host (kronos_storage): read, and checked by themselves, together and against who uses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems, did_you_mean, one_of
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Selection
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import SECRETS_VARIABLE, Settings
from ansible_collections.kronos.homelab.plugins.plugin_utils.share import (
    SECRETS_OF_SHARES,
    Share,
    doubles,
    mistakes,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Renderer
from ansible_collections.kronos.homelab.plugins.plugin_utils.zones import Named, read_named

Data = dict[str, Any]


def read_shares(layers: Mapping[str, Mapping[str, Any]], renderer: Renderer, problems: Problems) -> Named:
    """The shares, checked by themselves and against each other."""
    named = read_named(Share, "kronos_storage", layers, renderer, problems)
    for name, share in named.models.items():
        for path, found, wanted in mistakes(name, share):
            problems.say(*named.locate((name, *path)), found, wanted)
    for name, path, found, wanted in doubles(dict(named.models)):
        problems.say(*named.locate((name, *path)), found, wanted)
    return named


def entries_of(storage: Named, settings: Settings) -> dict[str, Data]:
    """The plan's part: {name: entry}."""
    return {name: share.entry(name, settings.uid, settings.gid) for name, share in sorted(storage.models.items())}


def check_users(storage: Named, selection: Selection, problems: Problems) -> None:
    """A guarded share is used below a folder of its own: the mount point itself is there without the share too."""
    users: dict[str, list[str]] = {}
    for entry in selection.entries.values():
        for volume in entry.service.volumes:
            if volume.storage is not None and volume.path is None:
                users.setdefault(volume.storage, []).append(entry.service.name)
    for name, share in sorted(storage.models.items()):
        if name in users and share.folder is None and share.guard and share.mounted(name):
            wanted = (
                f"a folder of the share, since {', '.join(sorted(set(users[name])))} would else start on an empty "
                f"mount point when the share is away (or guard: false)"
            )
            problems.say(*named_key(storage, name, "folder"), "nothing", wanted)


def check_secrets(
    storage: Named, selection: Selection, given: Mapping[str, frozenset[str]], problems: Problems
) -> None:
    """Each cifs login has its password in kronos_secrets.storage, and nothing else lies there."""
    wanted = {
        share.credentials.secret: name
        for name, share in sorted(storage.models.items())
        if share.credentials is not None
    }
    there = given.get(SECRETS_OF_SHARES, frozenset())
    if SECRETS_OF_SHARES in selection.entries:
        if wanted:
            entry = selection.entries[SECRETS_OF_SHARES]
            found = f"a service {SECRETS_OF_SHARES!r} beside shares with credentials"
            problems.say(*entry.locate(()), found, "another name: the passwords of shares are kept under this one")
        return
    for secret, name in wanted.items():
        if secret not in there:
            source, path = named_key(storage, name, "credentials.secret")
            problems.say(SECRETS_VARIABLE, (SECRETS_OF_SHARES, secret), "nothing", f"its value, for {source}: {path}")
    for secret in sorted(there - set(wanted)):
        said = f"a secret that a share names, {one_of(wanted)}" + did_you_mean(secret, wanted)
        problems.say(SECRETS_VARIABLE, (SECRETS_OF_SHARES, secret), f"the unknown secret {secret!r}", said)


def secrets_of(shares: Mapping[str, Mapping[str, Any]]) -> list[Data]:
    """The passwords of shares, as the plan lists secrets: names, never a value."""
    names = {share["credentials"]["secret"] for share in shares.values() if share["credentials"]}
    return [
        {"service": SECRETS_OF_SHARES, "name": name, "format": "given", "length": 0, "given": True}
        for name in sorted(names)
    ]


def named_key(storage: Named, name: str, key: str) -> tuple[str, str]:
    """Variable and key path of one key of a share, written or not."""
    return storage.locate((name, *key.split(".")))
