# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory script: the lab's running hosts, as members of the group kronos.

Hosts of one inventory know each other (routes, scrape targets); KRONOS_LAB_HOSTS=NAME[,NAME] keeps the others out.
"""

import json
import os
import sys
from pathlib import Path

STATE = Path(__file__).resolve().parents[2] / ".lab" / "inventory.json"


def main() -> None:
    """Print the inventory; empty where no lab runs."""
    found = json.loads(STATE.read_text()) if STATE.exists() else {"_meta": {"hostvars": {}}}
    everyone = found["_meta"]["hostvars"]
    wanted = os.environ.get("KRONOS_LAB_HOSTS", ",".join(everyone)).split(",")
    found = {"_meta": {"hostvars": {name: everyone[name] for name in everyone if name in wanted}}}
    found["kronos"] = {"hosts": sorted(found["_meta"]["hostvars"])}
    json.dump(found if "--host" not in sys.argv else {}, sys.stdout)


if __name__ == "__main__":
    main()
