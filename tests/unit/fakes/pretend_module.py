# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for any module of ours: returns what its task tells it to, after the seconds that it tells it to."""

from __future__ import annotations

import time

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point."""
    options = {"answer": {"type": "dict", "default": {}}, "name": {"type": "str"}, "seconds": {"type": "float"}}
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    answer = dict(module.params["answer"])
    time.sleep(module.params["seconds"] or 0)
    for warning in answer.pop("warnings", []):
        module.warn(warning)
    if answer.pop("failed", False):
        module.fail_json(**answer)
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
