# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container module of the usual style, as small as it can be: one look, and `docker run` where it is needed."""

from __future__ import annotations

import json
import subprocess

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "image": {"type": "str", "required": True},
            "mounts": {"type": "list", "elements": "str", "default": []},
        }
    )
    wanted = module.params
    found = subprocess.run(["docker", "inspect", wanted["name"]], capture_output=True, text=True, check=False)
    if found.returncode == 0:
        (present,) = json.loads(found.stdout)
        same = present["Config"]["Image"] == wanted["image"] and present["State"]["Running"]
        if same and sorted(present["HostConfig"]["Binds"] or []) == sorted(wanted["mounts"]):
            module.exit_json(changed=False)
        subprocess.run(["docker", "rm", "-f", wanted["name"]], capture_output=True, check=True)
    binds = [part for mount in wanted["mounts"] for part in ("-v", mount)]
    command = ["docker", "run", "-d", "--name", wanted["name"], *binds, wanted["image"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        module.fail_json(msg=done.stderr.strip())
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
