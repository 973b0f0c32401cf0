# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plan, run by Ansible itself where its behaviour depends on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.template import Templar, trust_as_template
from ansible_collections.kronos.homelab.plugins.action import plan as subject

ROOT = Path(__file__).resolve().parents[4]

GOOD: dict[str, Any] = {
    "kronos_domain": "home.example",
    "kronos_address": "192.0.2.10",
    "kronos_stacks": ["traefik"],
    "kronos_services": {
        "hello": {"image": "x/hello:1", "environment": {"A": trust_as_template("{{ inventory_hostname }}")}}
    },
}


class HostVars(dict[str, Any]):
    """As Ansible's: raw_get gives the variables of a host."""

    def raw_get(self, host: str) -> Any:
        return self[host]


def run(variables: dict[str, Any], others: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """What the action returns for lab1."""
    hosts = {"lab1": variables, **(others or {})}
    every = {
        name: {"inventory_hostname": name, "groups": {"kronos": list(hosts)}, **said} for name, said in hosts.items()
    }
    task = SimpleNamespace(
        args={}, async_val=0, check_mode=False, diff=False, environment=[], action="plan", no_log=False
    )
    loader = DataLoader()
    action = subject.ActionModule(
        task,
        SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)),
        SimpleNamespace(),
        loader,
        Templar(loader=loader, variables={}),
        None,
    )
    result: dict[str, Any] = action.run(task_vars={**every["lab1"], "hostvars": HostVars(every)})
    return result


def test_a_good_host() -> None:
    result = run(GOOD)
    assert not result.get("failed"), result["msg"]
    assert result["changed"] is False
    assert result["services"]["hello"]["environment"] == {"A": "lab1"}
    assert len(result["digest"]) == len(result["collection"]) == 64
    assert result["run"] == run(GOOD)["run"]
    json.dumps(result)


def test_mistakes_are_one_message() -> None:
    result = run({**GOOD, "kronos_domain": "Home Example", "kronos_services_x": {"helo": {}}})
    assert result["failed"] is True
    lines = result["msg"].splitlines()
    assert lines[0] == "2 problems in the input; nothing was changed:"
    assert lines[1].startswith("  kronos_domain: found 'Home Example'")
    assert lines[2].startswith("  kronos_services_x: helo: found an override for the unknown service 'helo'")


def test_other_hosts_are_peers_with_their_own_variables() -> None:
    result = run(GOOD, {"lab2": {**GOOD, "kronos_address": "192.0.2.20"}, "lab3": {}})
    assert set(result["peers"]) == {"lab2"}
    assert result["peers"]["lab2"]["address"] == "192.0.2.20"
    assert any(caution.startswith("lab3 is left out") for caution in result["cautions"])


def test_facts_are_no_input() -> None:
    variables = {
        **GOOD,
        "ansible_facts": {"hostname": "x"},
        "ansible_hostname": "x",
        "ansible_host": "192.0.2.10",
        "kronos_address": trust_as_template("{{ ansible_host }}"),
    }
    assert run(variables)["digest"] == run(GOOD)["digest"]
    assert not run(variables).get("failed")
    variables["kronos_domain"] = trust_as_template("{{ ansible_hostname }}.example")
    assert "where 'ansible_hostname' is undefined" in run(variables)["msg"]


def test_a_host_outside_the_group_has_a_plan() -> None:
    assert subject.peer_names("lab1", {}) == []
    assert subject.peer_names("lab1", {"groups": {"kronos": ["lab1", "lab2"]}}) == ["lab2"]


VAULTED = """all:
  vars:
    ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
    kronos_domain: home.example
    kronos_address: 192.0.2.10
    kronos_stacks: []
    kronos_secrets: {{hello: {{token: {marker}}}}}
    kronos_services:
      hello: {{image: "x/hello:1", secrets: {{token: {{format: given}}}}, environment: {environment}}}
  children: {{kronos: {{hosts: {{lab1: , lab2: }}}}}}
"""

PLAYBOOK = """- hosts: kronos
  gather_facts: false
  tasks:
    - kronos.homelab.plan:
      register: kronos_plan
    - kronos.homelab.plan:
      register: again
    - ansible.builtin.copy:
        content: "{{ {'first': kronos_plan, 'second': again} | to_json }}"
        dest: "{{ playbook_dir }}/{{ inventory_hostname }}.json"
      connection: local
"""


def playbook(folder: Path, environment: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook with real forks, a real inventory and a value encrypted by the vault."""
    secret = folder / "vault-key"
    secret.write_text("key")
    hidden = VaultLib([("default", VaultSecret(b"key"))]).encrypt("MARKER").decode()
    lines = "".join(f"  {line}\n" for line in hidden.splitlines())
    folder.joinpath("hosts.yml").write_text(
        VAULTED.format(marker='"{{ hidden }}"', environment=environment) + "# the encrypted value\n",
        encoding="utf-8",
    )
    folder.joinpath("group_vars").mkdir(exist_ok=True)
    folder.joinpath("group_vars", "all.yml").write_text(f"hidden: !vault |\n{lines}", encoding="utf-8")
    folder.joinpath("play.yml").write_text(PLAYBOOK, encoding="utf-8")
    config = f"[defaults]\ncollections_path={ROOT}/.ansible/collections\nvault_password_file={secret}\n"
    folder.joinpath("ansible.cfg").write_text(config, encoding="utf-8")
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.yml", "-vvvv", "play.yml"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One good run over two hosts."""
    folder = tmp_path_factory.mktemp("good")
    return folder, playbook(folder, "{A: b}")


def test_one_run_has_one_name(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = finished
    assert done.returncode == 0, done.stdout + done.stderr
    plans = [json.loads((folder / f"{host}.json").read_text()) for host in ("lab1", "lab2")]
    assert len({plan[key]["run"] for plan in plans for key in ("first", "second")}) == 1
    assert plans[0]["first"]["digest"] == plans[0]["second"]["digest"]
    assert set(plans[0]["first"]["peers"]) == {"lab2"}


def test_given_secrets_never_show(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = finished
    assert "MARKER" not in done.stdout + done.stderr
    assert "MARKER" not in (folder / "lab1.json").read_text()


def test_a_value_from_the_vault_is_refused_in_a_record(tmp_path: Path) -> None:
    done = playbook(tmp_path, '{A: "{{ hidden }}"}')
    assert done.returncode != 0
    assert "kronos_services: hello.environment.A: found a value from the vault" in done.stdout
    assert "MARKER" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
