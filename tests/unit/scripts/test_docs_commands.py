# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README and docs tell a reader to type exists: make targets, playbooks, flags, variables, records, links."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.cli.playbook import PlaybookCLI
from ansible.parsing.splitter import parse_kv
from ansible_collections.kronos.homelab.plugins.plugin_utils.catalogue import Catalogue, load_catalogue
from ansible_collections.kronos.homelab.plugins.plugin_utils.merge import Merged, lay_over
from ansible_collections.kronos.homelab.plugins.plugin_utils.planner import Request, build_plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.settings import defaults
from jinja2.nativetypes import NativeEnvironment
from kronos_docs.collection import Collection
from kronos_docs.markdown_page import all_pages, anchors, blocks, commands, links, written_pages

ROOT = Path(__file__).resolve().parents[3]
PAGES = written_pages(ROOT)
COLLECTION = Collection(ROOT)
# folders that a reader makes by following the pages
COPIES = {"inventories/home": "inventories/example"}
# what a page may assume to be said elsewhere in the inventory
BASICS = {
    "kronos_domain": "home.example",
    "kronos_address": "192.168.1.10",
    "kronos_lan": ["192.168.1.0/24"],
    "kronos_storage": {"media": {"type": "local", "path": "/mnt/media"}},
}


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


COMMANDS = sorted({(page, tuple(words)) for page in PAGES for words in commands(text(page))})


@cache
def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.MULTILINE))


def check_make(words: list[str]) -> None:
    assert set(words) <= make_targets()


def check_copy(words: list[str]) -> None:
    _flag, source, target = words
    assert (ROOT / source).exists()
    assert COPIES[target] == source


def check_script(words: list[str]) -> None:
    """A program of ours, and the words that it takes."""
    assert (ROOT / words[0]).is_file()
    if words[0] == "scripts/molecule.sh":
        assert all((ROOT / "molecule" / scenario / "molecule.yml").is_file() for scenario in words[1:])
    if words[0] == "molecule/lab/lab.py":
        command = words[1:3] if words[1] == "guest" else words[1:2]
        shown = [sys.executable, str(ROOT / words[0]), *command, "--help"]
        known = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
        assert all(word in known for word in words[2:] if word.startswith("--"))


def check_playbook(words: list[str]) -> None:
    """Flags as Ansible's own parser sees them, then playbook, inventory and extra variables."""
    cli = PlaybookCLI(["ansible-playbook", *words])
    cli.init_parser()
    options = cli.parser.parse_args(words)
    playbooks = [name.replace("kronos.homelab.", "playbooks/") for name in options.args]
    for name, path in zip(options.args, playbooks):
        assert (ROOT / (path if path == name else f"{path}.yml")).is_file(), name
    for inventory in options.inventory or []:
        assert (ROOT / COPIES.get(inventory, inventory)).exists(), inventory
    for extra in options.extra_vars:
        found = yaml.safe_load(extra) if extra.startswith("{") else parse_kv(extra)
        for variable in found:
            assert variable in known_variables(tuple(playbooks)), f"nothing reads {variable}"


@cache
def known_variables(playbooks: tuple[str, ...]) -> set[str]:
    known = set(defaults())
    for playbook in playbooks:
        known |= set(re.findall(r"\w+", text(playbook)))
    for role in COLLECTION.roles:
        for spec in COLLECTION.role_specs(role).values():
            known |= set(spec.get("options") or {})
    return known


CHECKS = {
    "make": check_make,
    "ansible-playbook": check_playbook,
    "cp": check_copy,
    "bash": check_script,
    ".venv/bin/python": check_script,
    # the environment that make setup makes, and Ansible's own tools
    "source": lambda words: words == [".venv/bin/activate"] or pytest.fail(str(words)),
    "ansible-galaxy": lambda words: words[1] in ("build", "install") or pytest.fail(str(words)),
}


@cache
def known_environment() -> set[str]:
    """What our programs read of the environment."""
    programs = [ROOT / "Makefile", *(ROOT / "scripts").rglob("*.sh"), *(ROOT / "molecule").rglob("*.py")]
    return set(re.findall(r"\bKRONOS_\w+", "".join(path.read_text("utf-8") for path in programs)))


@pytest.mark.parametrize(
    ("page", "words"), COMMANDS, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_command_exists(page: str, words: tuple[str, ...]) -> None:
    rest = list(words)
    while assignment := re.match(r"(\w+)=", rest[0]):
        assert assignment[1] in known_environment(), f"{page}: nothing reads {assignment[1]}"
        del rest[0]
    program, *said = rest[1:] if rest[0] == "sudo" else rest
    assert program in CHECKS, f"{page}: nobody checks the command {program}"
    CHECKS[program](said)


def test_the_readme_names_the_two_commands() -> None:
    assert [list(words) for page, words in COMMANDS if page == "README.md"].count(["make", "demo"]) == 1
    assert ("README.md", ("make", "test")) in COMMANDS


def test_every_playbook_is_written_correctly() -> None:
    playbooks = ["site.yml", *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("playbooks/*.yml"))]
    command = ["ansible-playbook", "-i", "inventories/example", "--syntax-check", *playbooks]
    environment = {"PATH": str(Path(sys.executable).parent), "HOME": str(Path.home()), "ANSIBLE_CONFIG": "ansible.cfg"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@cache
def catalogue() -> Catalogue:
    return load_catalogue(ROOT)


def inventory_variables(data: Any) -> dict[str, Any]:
    """The kronos_* variables of a YAML example: a variables file, or a whole inventory."""
    if not isinstance(data, Mapping):
        return {}
    group = data.get("kronos")
    found = dict(group.get("vars") or {}) if isinstance(group, Mapping) else dict(data)
    return {name: value for name, value in found.items() if str(name).startswith("kronos_")}


def plan_of(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of a host with these variables; raises PlanError with every mistake."""
    known = {**defaults(), **variables}
    jinja = NativeEnvironment()

    def template(value: Any) -> Any:
        return jinja.from_string(value).render(known)

    return build_plan(Request(host="atlas", variables=known, catalogue=catalogue(), template=template))


@pytest.mark.parametrize("page", PAGES)
def test_yaml_examples_become_a_plan(page: str) -> None:
    """Each example is planned together with those before it on its page, as a reader would add them."""
    said = Merged(BASICS)
    for block in blocks(text(page)):
        if block.language != "yaml":
            continue
        variables = inventory_variables(yaml.safe_load(block.text))
        if variables:
            said = lay_over(said, variables, f"{page}:{block.line}")
            plan = plan_of(said.value)
            for name, record in (variables.get("kronos_services") or {}).items():
                shown = record.get("enabled", True)
                assert (name in {**plan["services"], **plan["external"]}) is shown, f"{page}:{block.line}: {name}"


@pytest.mark.parametrize("page", all_pages(ROOT))
def test_links_lead_somewhere(page: str) -> None:
    here = (ROOT / page).parent
    for link in links(text(page)):
        path, _hash, anchor = link.partition("#")
        target = here / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


def test_example_inventory_becomes_a_plan() -> None:
    variables: dict[str, Any] = {}
    for path in ("group_vars/kronos.yml", "host_vars/atlas.yml"):
        variables |= yaml.safe_load(text(f"inventories/example/{path}"))
    plan = plan_of(variables)
    assert plan["services"]["jellyfin"]["devices"]
    assert plan["disabled"] == ["maintenance", "sonarr"]
    assert plan["services"]["notes"]["stack"] == "own"
