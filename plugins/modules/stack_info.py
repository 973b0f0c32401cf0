#!/usr/bin/python
# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_info
short_description: Tell what stands of the stacks on a host
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Shows containers, their health as the stack's own probes tell it, the proven versions that are kept, and how the
    last run of M(kronos.homelab.stack) ended. Changes nothing.
extends_documentation_fragment:
  - kronos.homelab.looks
options:
  name:
    description: Only this stack; every one when it is left out.
    type: str
    default: ""
seealso:
  - module: kronos.homelab.stack
"""

EXAMPLES = r"""
- name: Look at every stack
  kronos.homelab.stack_info:
  register: there

- name: Show the versions of one that can be gone back to
  ansible.builtin.debug:
    msg: "{{ there.stacks.media.generations }}"
"""

RETURN = r"""
stacks:
  description: What stands, by name of the stack.
  returned: always
  type: dict
  contains:
    project:
      description: The compose project.
      type: str
    result:
      description:
        - How the last run ended. V(good), V(failed) for a first install that never was healthy, V(broken) where the
          version before was not healthy any more either, V(unknown) where nothing is noted.
      type: str
    failure:
      description: What led back to the version that is live, if the last change was turned back.
      type: dict
    unfinished:
      description: Whether a run was killed halfway; the next one finishes it.
      type: bool
    generation:
      description: The proven version that is live.
      type: int
    generations:
      description: The proven versions that are kept, each with its images by service.
      type: dict
    services:
      description: Container, state, health, image, restarts, start and networks of each service.
      type: dict
  sample:
    media:
      project: kronos-media
      result: good
      failure: null
      unfinished: false
      generation: 3
      generations:
        "2": {radarr: "lscr.io/linuxserver/radarr:5.26.1"}
        "3": {radarr: "lscr.io/linuxserver/radarr:5.26.2"}
      services:
        radarr:
          container: radarr
          state: running
          health: healthy
          image: lscr.io/linuxserver/radarr:5.26.2
          restarts: 0
          started: "2026-11-22T04:00:00Z"
          networks: [kronos-default]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, explain
from ansible_collections.kronos.homelab.plugins.module_utils.stack_report import report

OPTIONS = {"name": {"type": "str", "default": ""}}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        stacks = report(module.params["name"])
    except (KronosError, OSError) as error:
        module.fail_json(msg=explain(error))
    module.exit_json(changed=False, stacks=stacks)


if __name__ == "__main__":
    main()
