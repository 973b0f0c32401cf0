#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_info
short_description: What a host says of itself when it is verified
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Returns our containers and how they are, the ports that the host accepts connections on, and the certificates of
    the home authority. M(kronos.homelab.verify) compares that with the plan and with what it sees from outside.
  - Changes nothing, and works on a host without Docker or certificates too.
extends_documentation_fragment: kronos.homelab.looks
options:
  probes:
    description:
      - Questions over HTTP to ask inside the network of running containers, by service; each as C(health.http) of a
        service in the plan.
    type: dict
    default: {}
seealso:
  - module: kronos.homelab.verify
"""

EXAMPLES = r"""
- name: Ask the host
  kronos.homelab.verify_info:
  register: seen
"""

RETURN = r"""
answers:
  description: What came back to O(probes), for services that run. C(wanted) is empty where the answer is as wanted.
  returned: success
  type: dict
  sample: {radarr: {answer: "HTTP 503", wanted: HTTP 2xx or 3xx}}
containers:
  description: Our containers, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the container.
      type: str
    service:
      description: Name of the service.
      type: str
    stack:
      description: Name of the stack.
      type: str
    state:
      description: State as Docker names it.
      type: str
      sample: running
    health:
      description: Health as Docker names it; empty where the container has no health check.
      type: str
    exit_code:
      description: How it ended last; 0 while it runs.
      type: int
    pid:
      description: Process id of its first process on the host; 0 while it does not run.
      type: int
    restarts:
      description: How often Docker has restarted it.
      type: int
docker:
  description: Why Docker does not answer; empty if it does.
  returned: success
  type: str
listening_tcp:
  description: TCP ports that somebody listens on at an address other than loopback, Docker's published ones included.
  returned: success
  type: list
  elements: int
listening_udp:
  description: The same for UDP.
  returned: success
  type: list
  elements: int
published:
  description: Ports that containers publish, ours or not.
  returned: success
  type: list
  elements: dict
  contains:
    container:
      description: Name of the container.
      type: str
    address:
      description: Address of the host.
      type: str
    port:
      description: Port of the host.
      type: int
    protocol:
      description: tcp or udp.
      type: str
root_certificate:
  description: Root certificate of the home authority (PEM); empty if there is none.
  returned: success
  type: str
leaves:
  description: Names and end (seconds since 1970) of each of its certificates.
  returned: success
  type: dict
"""

from dataclasses import replace

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kronos.homelab.plugins.module_utils import (
    ca_state,
    listening,
    probe,
    secret_store,
    verify_state,
)
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import Engine, EngineError, EngineMissing
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, explain
from ansible_collections.kronos.homelab.plugins.module_utils.mask import Mask
from ansible_collections.kronos.homelab.plugins.module_utils.printable import printable
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import read_probe

OPTIONS = {"probes": {"type": "dict", "default": {}}}
AUTHORITY = ca_state.Wanted("", (), 0)


def ask(probes: dict, listed: list, details: dict) -> dict:
    """Ask every probe whose service runs; returns service -> answer and what was wanted instead."""
    pids = {}
    for container in verify_state.containers(listed, details):
        if container["state"] == "running" and container["service"] in probes and container["pid"]:
            pids[container["service"]] = container["pid"]
    questions = {name: (pid, read_probe(probes[name], f"probes.{name}")) for name, pid in pids.items()}
    mask = Mask(secret_store.kept_values())
    answers = {name: replace(answer, conceal=mask.text) for name, answer in probe.ask(questions).items()}
    return {
        name: {"answer": answers[name].says, "wanted": probe.meets(question, answers[name])}
        for name, (_pid, question) in questions.items()
    }


def look(engine: Engine, probes: dict) -> dict:
    """All there is to see."""
    docker, listed, details = "", [], {}
    try:
        listed = engine.containers()
        details = {each["Id"]: engine.get(f"/containers/{each['Id']}/json") for each in verify_state.ours(listed)}
    except (EngineMissing, EngineError) as error:
        docker = str(error)
    published = verify_state.published(listed)
    sockets = [
        *listening.read(),
        *(listening.Socket(each["protocol"], each["port"], each["address"]) for each in published),
    ]
    return {
        "changed": False,
        "answers": ask(probes, listed, details),
        "containers": verify_state.containers(listed, details),
        "docker": docker,
        "listening_tcp": listening.ports(sockets, "tcp"),
        "listening_udp": listening.ports(sockets, "udp"),
        "published": published,
        "root_certificate": (ca_state.read_content(AUTHORITY.ca("root.crt")) or b"").decode(),
        "leaves": ca_state.read_issued(AUTHORITY).get("leaves") or {},
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        result = look(Engine(), module.params["probes"])
    except (KronosError, OSError) as error:
        module.fail_json(msg=printable(explain(error)))
    module.exit_json(**printable(result))


if __name__ == "__main__":
    main()
