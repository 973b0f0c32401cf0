# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory script: the lab's running hosts, as members of the group kronos.

Hosts of one inventory know each other (routes, scrape targets); KRONOS_LAB_HOSTS=NAME[,NAME] keeps the others out.
Guests are there only where they are named.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

STATE = Path(__file__).resolve().parents[2] / ".lab"


def known(name: str) -> dict[str, Any]:
    """Variables of each host that a file of the lab lists; nothing where there is no such file."""
    path = STATE / name
    return dict(json.loads(path.read_text())["_meta"]["hostvars"]) if path.exists() else {}


def main() -> None:
    """Print the inventory; empty where no lab runs."""
    hosts = known("inventory.json")
    wanted = os.environ.get("KRONOS_LAB_HOSTS", ",".join(hosts)).split(",")
    everyone = {**known("guests.json"), **hosts}
    found = {"_meta": {"hostvars": {name: everyone[name] for name in everyone if name in wanted}}}
    found["kronos"] = {"hosts": sorted(found["_meta"]["hostvars"])}
    json.dump(found if "--host" not in sys.argv else {}, sys.stdout)


if __name__ == "__main__":
    main()
