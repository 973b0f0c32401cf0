# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network manager of the host owns an interface, and the provider that speaks its language.

Read from what the managers themselves note in /run: what is installed or enabled tells little about one interface.
"""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kronos.homelab.plugins.module_utils import vlan_ifupdown
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_ifupdown import Ifupdown
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_live import Live
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_model import Interface
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_netplan import GENERATED, Netplan
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_networkd import Networkd
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_provider import Parent, Provider

AUTO = "auto"
NETWORKD, NETPLAN, IFUPDOWN = "networkd", "netplan", "ifupdown"
NETWORK_MANAGER = "NetworkManager"
MOST_NAMED = 4  # a file for everything is that of every container's interface
ETC = "/etc"
ROOT = ""  # unit tests put a folder in front of all paths that are only read


def providers() -> dict[str, Provider]:
    """Every provider by its name."""
    return {each.name: each for each in (Networkd(ETC), Netplan(ETC), Ifupdown(ETC))}


@dataclass(frozen=True)
class Managed:
    """The provider for all interfaces, and their parents by name."""

    provider: Provider
    parents: Mapping[str, Parent]


def choose(wanted: Sequence[Interface], live: Live, manager: str) -> Managed:
    """Find the parents and who configures them; raises KronosError with every parent that cannot carry a VLAN."""
    missing = sorted({f"{each.parent} (of VLAN {each.id})" for each in wanted if each.parent not in live.links})
    if missing:
        known = (
            ", ".join(sorted(name for name, link in live.links.items() if name != "lo" and link.id is None)) or "none"
        )
        raise KronosError(f"no such interface on the host: {', '.join(missing)}; there are {known}")
    known_by = providers()
    parents = {name: look(name, live.links[name].index) for name in sorted({each.parent for each in wanted})}
    if manager == AUTO:
        manager = _agreed(parents.values())
    unfit = [
        f"{parent.name} ({parent.manager or 'nobody'})" for parent in parents.values() if not _fits(parent, manager)
    ]
    if unfit:
        raise KronosError(
            f"{manager} does not configure these interfaces of VLANs: {', '.join(unfit)}. Choose the one in brackets "
            "(vlan_manager), or let it configure them"
        )
    if manager in (NETWORKD, NETPLAN):
        _refuse_shared(parents, live)
    if manager == IFUPDOWN:
        vlan_ifupdown.refuse_unread(wanted, _lines(vlan_ifupdown.INTERFACES))
    return Managed(known_by[manager], parents)


def look(name: str, index: int) -> Parent:
    """Who configures an interface."""
    file = _network_file(index)
    if file:
        base = os.path.basename(file)
        if file.startswith("/run/") and base.startswith(GENERATED):
            return Parent(name, NETPLAN, base[len(GENERATED) : -len(".network")])
        return Parent(name, NETWORKD, file)
    nm = f"/run/NetworkManager/devices/{index}"
    if _value(nm, "managed") == "true" or _value(nm, "managed-type") == "full":
        return Parent(name, NETWORK_MANAGER)
    states = [line.partition("=")[0].strip() for line in _lines("/run/network/ifstate")]
    return Parent(name, IFUPDOWN if name in states else "")


def _agreed(parents: Iterable[Parent]) -> str:
    """The manager of all parents, if it is one of ours."""
    found: dict[str, list[str]] = {}
    for parent in parents:
        found.setdefault(parent.manager, []).append(parent.name)
    known = [*providers()]
    strange = {manager: names for manager, names in found.items() if manager not in known}
    if strange:
        said = "; ".join(f"{', '.join(names)}: {manager or 'nobody'}" for manager, names in sorted(strange.items()))
        raise KronosError(
            f"the interfaces of VLANs are configured by a network manager that is not supported ({said}). "
            f"Wanted one of {', '.join(known)}; where one of these does it unnoticed, name it in vlan_manager"
        )
    if len(found) > 1:
        said = "; ".join(f"{', '.join(names)}: {manager}" for manager, names in sorted(found.items()))
        raise KronosError(f"the interfaces of VLANs have several network managers ({said}): one is wanted")
    return next(iter(found))


def _fits(parent: Parent, manager: str) -> bool:
    if manager == IFUPDOWN:  # it needs nothing of the parent but that nobody else undoes its work
        return parent.manager in ("", IFUPDOWN)
    return parent.manager == manager


def _refuse_shared(parents: Iterable[str], live: Live) -> None:
    """A file for several interfaces makes a VLAN on the first one that is configured, which may be another each time.

    Netplan's entries are such files by the time that networkd reads them.
    """
    files = {name: _network_file(link.index) for name, link in live.links.items()}
    shared = []
    for parent in parents:
        others = sorted(name for name, file in files.items() if file == files[parent] and name != parent)
        if others:
            what = look(parent, live.links[parent].index).configured_by
            named = ", ".join(others[:MOST_NAMED]) + (" and others" if len(others) > MOST_NAMED else "")
            shared.append(f"{parent} (its configuration {what} is that of {named} too)")
    if shared:
        raise KronosError(
            f"a VLAN could come up on the wrong interface: {'; '.join(shared)}. Give the parent a file (netplan: an "
            "entry) of its own"
        )


def our_files() -> dict[str, list[str]]:
    """Every file on the host that a provider of ours wrote, by the provider's name."""
    return {
        name: sorted(path for pattern in provider.ours for path in glob.glob(pattern))
        for name, provider in providers().items()
    }


def involved(managed: Managed | None, removed: Sequence[str]) -> list[Provider]:
    """The provider of the wanted interfaces, then those whose files go."""
    found = [managed.provider] if managed else []
    for provider in providers().values():
        theirs = any(fnmatch.fnmatch(path, pattern) for path in removed for pattern in provider.ours)
        if theirs and provider.name not in [each.name for each in found]:
            found.append(provider)
    return found


def _network_file(index: int) -> str:
    """The file by which networkd configures an interface; empty where it does not."""
    return _value(f"/run/systemd/netif/links/{index}", "NETWORK_FILE")


def _value(path: str, key: str) -> str:
    for line in _lines(path):
        name, _equals, value = line.partition("=")
        if name.strip() == key:
            return value.strip()
    return ""


def _lines(path: str) -> list[str]:
    try:
        with open(ROOT + path, encoding="utf-8", errors="replace") as stream:
            return stream.read().splitlines()
    except OSError:
        return []
