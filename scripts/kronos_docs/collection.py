# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from the checkout what the documentation is made of: plugin docs, role specs, records, models."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

NAMESPACE = "kronos.homelab"
PACKAGE = "ansible_collections.kronos.homelab.plugins"
PLUGIN_TYPES = ("module", "filter", "callback")


class DocsError(Exception):
    """The documentation cannot be read at all; the message says why."""


@dataclass(frozen=True)
class Collection:
    """A checkout of the collection, found by its own name through the link that scripts/link.sh makes."""

    root: Path

    @property
    def collections_path(self) -> Path:
        """Where the link is."""
        return self.root / ".ansible" / "collections"

    def ansible_doc(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ansible-doc on this checkout, whatever the user's own configuration says."""
        env = os.environ | {
            "ANSIBLE_CONFIG": str(self.root / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections_path),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        return subprocess.run(
            ["ansible-doc", *words], cwd=self.root, env=env, capture_output=True, text=True, check=False
        )

    @cached_property
    def plugin_docs(self) -> dict[str, dict[str, Any]]:
        """Plugin type -> short name -> {doc, examples, return} or {error}: one call for all of them.

        --metadata-dump is what antsibull-docs reads; unlike --json it goes on after a broken plugin.
        """
        done = self.ansible_doc("--metadata-dump", "--no-fail-on-errors", NAMESPACE)
        if done.returncode:
            raise DocsError(f"ansible-doc --metadata-dump: {done.stderr.strip() or done.stdout.strip()}")
        found = json.loads(done.stdout)["all"]
        prefix = NAMESPACE + "."
        return {
            kind: {
                name.removeprefix(prefix): docs
                for name, docs in sorted(found.get(kind, {}).items())
                if name.startswith(prefix)
            }
            for kind in PLUGIN_TYPES
        }

    def plugin_files(self, folder: str) -> list[str]:
        """Names of the plugins in plugins/<folder>, from its Python files."""
        return sorted(path.stem for path in (self.root / "plugins" / folder).glob("[!_]*.py"))

    @cached_property
    def filters(self) -> dict[str, str]:
        """Filter name -> the file that defines it."""
        found = {}
        for stem in self.plugin_files("filter"):
            module = self.load(f"filter.{stem}")
            found |= dict.fromkeys(module.FilterModule().filters(), stem)
        return dict(sorted(found.items()))

    def load(self, name: str) -> Any:
        """Import plugins.<name>; raises ImportError."""
        path = str(self.collections_path)
        if path not in sys.path:
            sys.path.insert(0, path)
        return importlib.import_module(f"{PACKAGE}.{name}")

    def has_plugin(self, folder: str, name: str) -> bool:
        """Tell whether plugins/<folder>/<name>.py exists."""
        return (self.root / "plugins" / folder / f"{name}.py").is_file()

    @property
    def roles(self) -> list[str]:
        """Names of the roles."""
        return sorted(path.name for path in (self.root / "roles").iterdir() if path.is_dir())

    def role_specs(self, role: str) -> dict[str, Any]:
        """Entry points of a role, from meta/argument_specs.yml; empty without that file."""
        found = read_yaml(self.root / "roles" / role / "meta" / "argument_specs.yml")
        return dict((found or {}).get("argument_specs") or {})

    def role_defaults(self, role: str) -> dict[str, Any]:
        """Variables of defaults/main.yml; empty without that file."""
        return dict(read_yaml(self.root / "roles" / role / "defaults" / "main.yml") or {})

    def records(self, role: str) -> list[dict[str, Any]]:
        """Records of a role's services as written (templates stay text), by name."""
        paths = sorted((self.root / "roles" / role / "services").glob("*.yml"))
        return [record for path in paths if isinstance(record := read_yaml(path), dict)]


def read_yaml(path: Path) -> Any:
    """Data of a YAML file, None where there is none. Raises DocsError with the parser's words."""
    if not path.is_file():
        return None
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise DocsError(f"{path}: {' '.join(str(error).split())}") from error
