# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible needs to know of the lab, as files in the state directory.

`inventory.json` has the shape that Ansible's script plugin reads (`--list`); `vars.yml` the same facts as
plain variables (JSON, which is YAML) for `vars_files` and lookups. `guests.json` has the guests, which list_hosts.py
shows only to those who name them.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from . import guests, hosts, network, registry, trunk
from .place import MIRROR, Place

GROUP = "lab"


def inventory_data(
    addresses: Mapping[str, str],
    common: Mapping[str, Any],
    per_host: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The inventory: each host with its address and what all of them share."""
    extra = per_host or {}
    hostvars = {
        name: {**common, "ansible_host": address, "kronos_address": address, **extra.get(name, {})}
        for name, address in addresses.items()
    }
    return {GROUP: {"hosts": sorted(addresses)}, "_meta": {"hostvars": hostvars}}


def way_in(place: Place) -> dict[str, Any]:
    """How Ansible reaches any machine of the lab."""
    return {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(place.ssh_key),
        "ansible_ssh_common_args": shlex.join(hosts.ssh_options(place)),
        "ansible_python_interpreter": "/usr/bin/python3",
    }


def common_variables(place: Place) -> dict[str, Any]:
    """How to reach any lab host, and where it finds images."""
    return {
        **way_in(place),
        "kronos_image_mirror": MIRROR,
        "kronos_image_mirror_ca": registry.ca_certificate(place),
        "kronos_lan": [network.subnet()],
    }


def write(place: Place) -> None:
    """Write both files for the hosts that exist now, with what was remembered for single hosts.

    A checkout that never ran its lab has neither key nor CA: the hosts that exist are another checkout's.
    """
    if not (place.tls / "ca.crt").exists():
        return
    addresses = {name: host.address for name, host in hosts.existing().items() if host.running}
    common = common_variables(place)
    place.inventory.write_text(json.dumps(inventory_data(addresses, common, remembered(place)), indent=2) + "\n")
    variables = {"lab_hosts": addresses, "lab_subnet": network.subnet(), "lab_common": common}
    place.variables.write_text(json.dumps(variables, indent=2) + "\n")


def write_guests(place: Place) -> None:
    """Write the guests of this checkout that run, in the shape of the inventory; they have no mirror of images."""
    up = guests.running()
    addresses = {name: guest.address for name, guest in guests.known(place).items() if name in up}
    common = {**way_in(place), "kronos_lan": [str(trunk.SUBNET)], "lab_guests": addresses}
    data = inventory_data(addresses, common)
    place.guest_inventory.parent.mkdir(parents=True, exist_ok=True)
    place.guest_inventory.write_text(json.dumps(data, indent=2) + "\n")


def remembered(place: Place) -> dict[str, dict[str, Any]]:
    """Variables kept for single hosts, such as the demo's ports."""
    path = place.state / "hostvars.json"
    return json.loads(path.read_text()) if path.exists() else {}


def remember(place: Place, name: str, variables: Mapping[str, Any]) -> None:
    """Keep variables for a host; they are in the inventory from its next writing on."""
    kept = remembered(place)
    kept[name] = dict(variables)
    (place.state / "hostvars.json").write_text(json.dumps(kept, indent=2) + "\n")
