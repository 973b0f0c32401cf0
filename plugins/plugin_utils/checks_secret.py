# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of secrets that are made from others."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems, did_you_mean
from ansible_collections.kronos.homelab.plugins.plugin_utils.selection import Selection
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import SECRETS_VARIABLE


def check_derived(selection: Selection, given: Mapping[str, frozenset[str]], problems: Problems) -> None:
    """Each derived secret has a source that is not derived itself, and no value of its own is given."""
    known = {
        f"{service}/{name}": secret
        for service, entry in selection.entries.items()
        for name, secret in entry.service.secrets.items()
    }
    for service, entry in selection.entries.items():
        for name, secret in entry.service.secrets.items():
            if secret.derive is None:
                continue
            source = secret.derive.from_ if "/" in secret.derive.from_ else f"{service}/{secret.derive.from_}"
            where = entry.locate(("secrets", name, "derive", "from"))
            if source not in known:
                plain = [key for key, other in known.items() if other.derive is None]
                found = f"the unknown secret {source!r}"
                problems.say(*where, found, "a secret of a service that runs here" + did_you_mean(source, plain))
            elif known[source].derive is not None or known[source].format == "rsa_key":
                problems.say(*where, f"{source!r}, which is no password", "one that is generated or given")
            if name in given.get(service, frozenset()):
                wanted = f"a value for {source}, from which it is made"
                problems.say(SECRETS_VARIABLE, (service, name), "a value for a derived secret", wanted)
