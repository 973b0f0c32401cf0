# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Computes the plan of one host on the controller; documented in the module of the same name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible.parsing.vault import EncryptedString, VaultHelper
from ansible.plugins.action import ActionBase
from ansible.template import is_trusted_as_template, trust_as_template
from ansible_collections.kronos.homelab.plugins.plugin_utils.catalogue import Catalogue, load_catalogue
from ansible_collections.kronos.homelab.plugins.plugin_utils.collection import collection_digest, collection_root
from ansible_collections.kronos.homelab.plugins.plugin_utils.peers import gather_peers
from ansible_collections.kronos.homelab.plugins.plugin_utils.planner import Peers, Request, build_plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError
from ansible_collections.kronos.homelab.plugins.plugin_utils.role_variables import (
    declared_variables,
    digest_of_variables,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.run_id import run_id
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import defaults
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import remembered

GROUP = "kronos"


class ActionModule(ActionBase):
    """Return the plan; no connection is made, nothing is asked of the host."""

    _VALID_ARGS: frozenset[str] = frozenset()
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the keys of the plan beside changed: false, or one message with every mistake."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        catalogue = load_catalogue(collection_root(), trust_as_template)
        host = str(variables["inventory_hostname"])
        try:
            peers = gather_peers(peer_names(host, variables), self._planner_of_peers(variables, catalogue))
            plan = build_plan(self._request(host, variables, catalogue, peers))
        except PlanError as error:
            result.update(failed=True, changed=False, msg=error.message())
            return result
        return {**result, "changed": False, **plan}

    def _planner_of_peers(self, variables: Mapping[str, Any], catalogue: Catalogue) -> Callable[[str], dict[str, Any]]:
        def plan(host: str) -> dict[str, Any]:
            return build_plan(self._request(host, variables["hostvars"].raw_get(host), catalogue, Peers()))

        return plan

    def _request(self, host: str, variables: Mapping[str, Any], catalogue: Catalogue, peers: Peers) -> Request:
        seen = visible(variables)
        templar = self._templar.copy_with_new_env(available_variables=seen)
        tuned = digest_of_variables(declared_variables(collection_root()), seen, templar.template)
        return Request(
            host=host,
            variables=seen,
            catalogue=catalogue,
            template=remembered(templar.template, is_trusted_as_template),
            vaulted=is_vaulted,
            run=run_id(os.getppid()),
            collection=collection_digest(collection_root()),
            role_variables=tuned,
            peers=peers,
        )


def peer_names(host: str, variables: Mapping[str, Any]) -> list[str]:
    """The other hosts of the group kronos."""
    return [name for name in (variables.get("groups") or {}).get(GROUP, ()) if name != host]


def visible(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that records may use: our defaults below the host's own, and no facts.

    Facts come and go with gathering and caches; a plan that used them would change without a cause.
    """
    facts = variables.get("ansible_facts") or {}
    hidden = {"ansible_facts", "ansible_local", *(f"ansible_{name}" for name in facts)}
    kept = {name: value for name, value in variables.items() if name not in hidden}
    return {**defaults(), **kept}


def is_vaulted(value: Any) -> bool:
    """Tell whether the vault protects this very value: encrypted still, or just decrypted."""
    return isinstance(value, EncryptedString) or VaultHelper.get_ciphertext(value, with_tags=False) is not None
