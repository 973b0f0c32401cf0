#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory script: the lab's running hosts, as members of the group kronos."""

import json
import sys
from pathlib import Path

STATE = Path(__file__).resolve().parents[2] / ".lab" / "inventory.json"


def main() -> None:
    """Print the inventory; empty where no lab runs."""
    found = json.loads(STATE.read_text()) if STATE.exists() else {"_meta": {"hostvars": {}}}
    found["kronos"] = {"hosts": sorted(found["_meta"]["hostvars"])}
    json.dump(found if "--host" not in sys.argv else {}, sys.stdout)


if __name__ == "__main__":
    main()
