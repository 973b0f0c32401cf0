# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plan, run by Ansible itself where its behaviour depends on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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


INVENTORY = """\
all:
  vars:
    kronos_domain: home.example
    kronos_address: 192.0.2.10
    kronos_stacks: []
    kronos_secrets: {hello: {token: "{{ hidden }}"}}
    kronos_services:
      hello: {image: "x/hello:1", secrets: {token: {format: given}}, environment: {A: b}}
  children: {kronos: {hosts: {lab1: , lab2: }}}
"""

PLAYBOOK = """\
- hosts: kronos
  gather_facts: false
  tasks:
    - kronos.homelab.plan:
      register: kronos_plan
    - kronos.homelab.plan:
      register: again
      check_mode: true
    - kronos.homelab.plan:
      vars: {kronos_services_x: {hello: {environment: {A: "{{ hidden }}"}}}}
      register: refused
      ignore_errors: true
    - ansible.builtin.assert:
        that:
          - kronos_plan.run == again.run
          - kronos_plan.run == hostvars.lab1.kronos_plan.run
          - kronos_plan.digest == again.digest
          - kronos_plan.peers.keys() | list == ['lab1', 'lab2'] | difference([inventory_hostname])
          - kronos_plan.secrets[0].given
          - refused is failed
          - "'kronos_services_x: hello.environment.A: found a value from the vault' in refused.msg"
"""


def test_a_real_run(tmp_path: Path) -> None:
    """Real workers share one run; a value from the vault is refused in a record and shows nowhere, even at -vvvv."""
    hidden = VaultLib([("default", VaultSecret(b"key"))]).encrypt("MARKER").decode()
    lines = "".join(f"  {line}\n" for line in hidden.splitlines())
    files = {
        "vault-key": "key",
        "hosts.yml": INVENTORY,
        "group_vars/all.yml": f"hidden: !vault |\n{lines}",
        "play.yml": PLAYBOOK,
        "ansible.cfg": f"[defaults]\ncollections_path={ROOT}/.ansible/collections\nvault_password_file=vault-key\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.yml", "-vvvv", "play.yml"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "found a value from the vault" in said
    assert "MARKER" not in said
    assert "Traceback" not in said
