#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack
short_description: Bring one stack of services to what is wanted, prove it healthy, or go back
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Takes a whole stack, one compose project, in one call. Reads what runs through Docker's API and what lies in
    C(/opt/kronos/stacks/<stack>), computes one change, and applies it; without a difference C(docker compose) is not
    even called.
  - Notices what was changed by hand as well - containers stopped, paused, removed, renamed, taken off a network or
    made anew with other options, images whose tag means something else now, files edited, deleted, or with another
    owner or mode.
  - After a change, the changed services and those that need them must prove healthy. Where they do not in time, the
    last proven version is put back and proved, and the task fails with the service, the last answer and the last
    lines of its log. A first install that fails is left stopped.
  - A run that was killed anywhere is finished by the next one.
  - Secrets are read on the host from C(/etc/kronos/secrets/<service>/<name>), and never shown.
extends_documentation_fragment:
  - kronos.homelab.run
options:
  name:
    description: Name of the stack.
    type: str
    required: true
  state:
    description:
      - V(present) makes the host match O(project) and O(services).
      - V(absent) removes the stack's containers, files and generations. Data directories and networks stay.
      - V(rolled_back) goes to a proven version of the past, see O(generation). The next V(present) goes forward again.
    type: str
    choices: [present, absent, rolled_back]
    default: present
  project:
    description:
      - The compose project as data, such as the filter P(kronos.homelab.compose_project#filter) returns. Values are
        literal; C($) needs no doubling.
      - Needed with O(state=present).
    type: dict
  services:
    description:
      - What compose does not know of each service, such as the filter P(kronos.homelab.stack_services#filter)
        returns. Per service any of C(kind), C(needs), C(user), C(health), C(health_timeout), C(reload),
        C(secret_environment), C(secret_files), C(directories) and C(files).
      - A file may hold secrets of its service. Those that its C(secrets) names are put in on the host, in place of
        C(<kronos-secret:name>), or C(<kronos-secret:name|quoted>) within double quotes; such a file belongs to the
        user of the service, and nobody else reads it.
    type: dict
  health_timeout:
    description: Seconds within which a service has to prove healthy, unless it has its own.
    type: int
    default: 120
  keep_generations:
    description: How many proven versions are kept, the live one included; at least two.
    type: int
    default: 5
  generation:
    description: The version to go to with O(state=rolled_back); V(0) is the one before the live one.
    type: int
    default: 0
  awaited_secrets:
    description:
      - Secrets, as C(service/name), that an earlier task of this run gives a new value. In check mode that value does
        not exist yet, and this tells which services are going to see it.
      - Without effect outside check mode.
    type: list
    elements: str
    default: []
  returning_secrets:
    description:
      - Secrets, as C(service/name), to which an earlier task of this run gives the value again that their services
        use. In check mode something else is still there.
      - Without effect outside check mode.
    type: list
    elements: str
    default: []
  renewed_networks:
    description:
      - Networks that an earlier task of this run makes anew, off which it takes their containers. In check mode they
        are on it still, and this tells which services are going to be made anew.
      - Without effect outside check mode.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Predicts per service and per file exactly what a run does, also on a host without Docker.
    support: full
  diff_mode:
    description: Shows files and, per service, the keys that differ. Secrets are hidden.
    support: full
  idempotent:
    description: A second call with the same arguments changes nothing.
    support: full
  action:
    description:
      - Its controller half shows what the module is doing (pulling an image, waiting for a service to be healthy) in
        a task that takes longer than five seconds, where P(kronos.homelab.summary#callback) shows the run.
      - For that the module keeps a note in C(/run/kronos-progress), which everybody on the host may read; it names
        images and services.
    support: full
seealso:
  - module: kronos.homelab.stack_info
  - module: kronos.homelab.networks
  - module: kronos.homelab.secret
"""

EXAMPLES = r"""
- name: Run a small web server
  kronos.homelab.stack:
    name: own
    project:
      name: kronos-own
      services:
        hello:
          image: docker.io/library/nginx:1.29.3
          container_name: hello
          restart: unless-stopped
          networks: [kronos-default]
          volumes:
            - type: bind
              source: /opt/kronos/stacks/own/files/hello/pages
              target: /usr/share/nginx/html
              read_only: true
      networks:
        kronos-default: {name: kronos-default, external: true}
    services:
      hello:
        health: {http: {port: 80, path: /}}
        files:
          - {path: pages/index.html, content: "<h1>Hello</h1>"}

- name: Run the media stack of a plan
  kronos.homelab.stack:
    name: media
    project: "{{ kronos_plan | kronos.homelab.compose_project('media') }}"
    services: "{{ kronos_plan | kronos.homelab.stack_services('media') }}"
    run: "{{ kronos_plan.run }}"

- name: Go back to the version before
  kronos.homelab.stack:
    name: media
    state: rolled_back
"""

RETURN = r"""
actions:
  description: What happens to each service, and the keys that differ.
  returned: always
  type: dict
  sample:
    radarr: {action: recreated, keys: [image, environment.TZ]}
    sonarr: {action: unchanged, keys: []}
generation:
  description: The proven version that is live after the task.
  returned: success
  type: int
  sample: 4
foreign:
  description: Containers in the stack's compose project that somebody else made; they are left alone.
  returned: success, with O(state) V(present) or V(rolled_back)
  type: list
  elements: str
sick:
  description: Services that were not changed and are not healthy, with the reason. They do not turn a good change back.
  returned: when something was changed
  type: dict
  sample: {sonarr: "does not give HTTP 2xx or 3xx at port 8989/ping (last answer: HTTP 503)"}
service:
  description: The service that did not prove healthy.
  returned: when a change was turned back
  type: str
reason:
  description: What was wrong with it.
  returned: when a change was turned back
  type: str
answer:
  description: The last answer to its probe.
  returned: when a change was turned back
  type: str
logs:
  description: The last lines of its log, secrets hidden.
  returned: when a change was turned back
  type: list
  elements: str
restored:
  description: The version that was put back (V(0) for none), and whether it is healthy.
  returned: when a change was turned back
  type: dict
  sample: {generation: 3, healthy: true}
"""

from ansible_collections.kronos.homelab.plugins.module_utils.shell import Leaves, run_module
from ansible_collections.kronos.homelab.plugins.module_utils.stack_flow import work

OPTIONS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent", "rolled_back"], "default": "present"},
    "project": {"type": "dict"},
    "services": {"type": "dict"},
    "health_timeout": {"type": "int", "default": 120},
    "keep_generations": {"type": "int", "default": 5},
    "generation": {"type": "int", "default": 0},
    "awaited_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "returning_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "renewed_networks": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Entry point."""
    run_module(OPTIONS, work, leaves=Leaves(lambda params: ("stack", params["name"]), ("generation",)))


if __name__ == "__main__":
    main()
