# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans made from variables, with Ansible's real templating and the collection's own catalogue."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, is_trusted_as_template, trust_as_template
from ansible_collections.kronos.homelab.plugins.plugin_utils.catalogue import Catalogue, load_catalogue
from ansible_collections.kronos.homelab.plugins.plugin_utils.peers import gather_peers
from ansible_collections.kronos.homelab.plugins.plugin_utils.planner import Peers, Request, build_plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import defaults
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import remembered

ROOT = Path(__file__).resolve().parents[4]

USUAL: dict[str, Any] = {
    "kronos_domain": "home.example",
    "kronos_address": "192.0.2.10",
    "kronos_lan": ["192.0.2.0/24"],
    "kronos_stacks": [],
}


def trusted(value: Any) -> Any:
    """Variables as Ansible hands them over: templates in them are rendered."""
    if isinstance(value, Mapping):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


class Planning:
    """Makes plans; ``catalogue`` is the collection's own unless a test brings another."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def request(self, variables: Mapping[str, Any], host: str = "lab1", peers: Peers | None = None) -> Request:
        """What a plan is made from."""
        known = {"inventory_hostname": host, **defaults(), **trusted(variables)}
        templar = Templar(loader=DataLoader(), variables=known)
        return Request(
            host=host,
            variables=known,
            catalogue=self.catalogue,
            template=remembered(templar.template, is_trusted_as_template),
            run="test",
            peers=peers or Peers(),
        )

    def plan(self, hosts: Mapping[str, Mapping[str, Any]] | None = None, **variables: Any) -> dict[str, Any]:
        """The plan of lab1 for the usual settings and these variables; ``hosts`` are the others."""
        return self.exactly({**USUAL, **variables}, hosts)

    def exactly(
        self, variables: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, Any]:
        """The plan for these variables and no others."""
        others = hosts or {}
        peers = gather_peers(others, lambda name: build_plan(self.request(others[name], name)))
        return build_plan(self.request(variables, peers=peers))


@pytest.fixture(scope="session")
def planning() -> Planning:
    """Plans with the collection's own records."""
    return Planning(load_catalogue(ROOT, trust_as_template))


@pytest.fixture
def planning_with(tmp_path: Path) -> Any:
    """Plans with record files beside (or instead of) the collection's own: ``planning_with({path: text})``."""

    def make(files: Mapping[str, str], own: bool = True) -> Planning:
        if own:
            for folder in sorted((ROOT / "roles").glob("*/services")):
                shutil.copytree(folder, tmp_path / folder.relative_to(ROOT), dirs_exist_ok=True)
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Planning(load_catalogue(tmp_path, trust_as_template))

    return make
