# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker networks of ours: made, made anew where they differ, removed when nobody uses them. The plan is pure.

A network cannot be changed, so its whole wish is kept as a digest in a label, and another digest means making it
anew: its containers are taken off, and their stacks make them anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from typing import Any, Protocol

from ansible_collections.kronos.homelab.plugins.module_utils import receipts
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import is_ours, name_of
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.host_ranges import Needed, in_the_way

MANAGED = "kronos.managed"
SPEC = "kronos.spec"
BRIDGE = "com.docker.network.bridge.name"
OLD = ("Name", "Driver", "Internal", "EnableIPv6", "IPAM", "Options", "Labels")
POOL = {"Subnet": "subnet", "IPRange": "dynamic", "Gateway": "gateway"}
KEYS = ("driver", "internal", "subnet", "dynamic", "gateway", "bridge", "parent", "mtu", "ipv6")


class Client(Protocol):
    """What is needed of Docker (docker_socket.Engine)."""

    def get(self, path: str, **query: Any) -> Any:
        """GET, as JSON."""

    def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """Any request, as JSON."""


@dataclass(frozen=True)
class Member:
    """A container on a network, and the IPv4 address that it holds there ("" while it is stopped)."""

    name: str
    ours: bool
    address: str = ""


@dataclass(frozen=True)
class Found:
    """A network as it stands; *spec* is None where it is not ours."""

    id: str
    spec: str | None
    members: tuple[Member, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworksChange:
    """Everything that has to happen, by name of the network.

    ``recreate`` maps to the containers that are taken off, for their stacks to make anew; ``moved`` to those that hold
    the address of another service, and are taken off likewise. ``kept`` are ours that nobody wants but containers still
    use; ``foreign`` are containers of others in our networks: both are told, and left alone.
    """

    wanted: Mapping[str, Mapping[str, Any]]
    create: tuple[str, ...]
    recreate: Mapping[str, tuple[str, ...]]
    remove: tuple[str, ...]
    kept: Mapping[str, tuple[str, ...]]
    foreign: Mapping[str, tuple[str, ...]]
    diff: tuple[dict[str, str], ...] = field(repr=False)
    moved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.create or self.recreate or self.remove or self.moved)


def spec_of(network: Mapping[str, Any]) -> str:
    """The digest that tells whether a network must be made anew; options that are off count like absent ones."""
    return receipts.digest({key: network[key] for key in KEYS if network.get(key)})


def find(networks: Iterable[Mapping[str, Any]], containers: Iterable[Mapping[str, Any]]) -> dict[str, Found]:
    """All networks by name, from ``GET /networks`` and ``GET /containers/json?all=1``."""
    members: dict[str, list[Member]] = {}
    for container in containers:
        for name, joined in ((container.get("NetworkSettings") or {}).get("Networks") or {}).items():
            address = str((joined or {}).get("IPAddress") or "")
            members.setdefault(name, []).append(Member(name_of(container), is_ours(container), address))
    found = {}
    for network in networks:
        labels = network.get("Labels") or {}
        spec = str(labels.get(SPEC, "")) if labels.get(MANAGED) == "true" else None
        there = tuple(sorted(members.get(network["Name"], []), key=lambda member: member.name))
        found[str(network["Name"])] = Found(str(network["Id"]), spec, there, _options(network))
    return found


def remembered(left: Mapping[str, Any]) -> dict[str, Found]:
    """The networks that the last receipt knows: the best guess while Docker is stopped."""
    specs = left.get("specs") or {}
    return {name: Found(str(number), str(specs.get(name, ""))) for name, number in (left.get("networks") or {}).items()}


def plan(
    wanted: Sequence[Mapping[str, Any]],
    found: Mapping[str, Found],
    create: bool,
    prune: bool,
    assume_left: bool = False,
    needed: Sequence[Needed] = (),
) -> NetworksChange:
    """The change that leads to exactly these networks of ours. Pure.

    *assume_left* counts our own containers in a network that nobody wants as gone: in check mode the stacks before us
    only said that they would leave. *needed*: ranges that the host needs for itself. Raises KronosError where one of
    these, or a network or a container of somebody else is in the way.
    """
    by_name = {str(network["name"]): network for network in wanted}
    if create:
        _refuse(by_name, found)
    missing = [name for name in by_name if create and name not in found]
    standing = [name for name in by_name if name in found]
    differ = [name for name in standing if create and found[name].spec != spec_of(by_name[name])]
    for name in [*missing, *differ]:
        _refuse_range(by_name[name], by_name.values(), found, needed)
    moved = {name: _moved(by_name[name], found[name]) for name in standing if create and name not in differ}
    surplus = [name for name in sorted(found) if prune and found[name].spec is not None and name not in by_name]
    users = {name: _names(found[name].members, foreign_only=assume_left) for name in surplus}
    remove = [name for name in surplus if not users[name]]
    return NetworksChange(
        wanted=by_name,
        create=tuple(missing),
        recreate={name: _names(found[name].members) for name in _in_turn(differ, by_name, found)},
        remove=tuple(remove),
        kept={name: users[name] for name in surplus if users[name]},
        foreign={name: strangers for name in standing if (strangers := _names(found[name].members, foreign_only=True))},
        diff=tuple(
            [_diff(name, "", described(by_name[name])) for name in missing]
            + [_diff(name, _standing(found[name]), _after(found[name], by_name[name])) for name in differ]
            + [_diff(name, _standing(found[name]), "") for name in remove]
            + [
                _diff(name, _standing(found[name]), _after(found[name], found[name].options, members))
                for name, members in moved.items()
                if members
            ]
        ),
        moved={name: members for name, members in moved.items() if members},
    )


def apply(change: NetworksChange, client: Client) -> None:
    """Carry out *change*. What a kill leaves half-done is finished by the next run and by the stacks."""
    for name in change.remove:
        client.ask("DELETE", f"/networks/{name}")
    for name, members in change.recreate.items():  # before the new ones: their ranges may be what these give up
        _replace(client, name, members, request(change.wanted[name]))
    for name in change.create:
        _create(client, request(change.wanted[name]))
    for name, members in change.moved.items():
        _take_off(client, name, members)


def request(network: Mapping[str, Any]) -> dict[str, Any]:
    """The body of ``POST /networks/create`` for a wanted network."""
    options = {
        BRIDGE: network.get("bridge"),
        "com.docker.network.driver.mtu": network.get("mtu"),
        "parent": network.get("parent"),
    }
    body: dict[str, Any] = {
        "Name": network["name"],
        "Driver": network.get("driver") or "bridge",
        "Internal": bool(network.get("internal")),
        "EnableIPv6": bool(network.get("ipv6")),
        "CheckDuplicate": True,
        "Options": {key: str(value) for key, value in options.items() if value},
        "Labels": {MANAGED: "true", SPEC: spec_of(network)},
    }
    if network.get("subnet"):
        pool = {key: network.get(name) for key, name in POOL.items()}
        body["IPAM"] = {"Driver": "default", "Config": [{key: value for key, value in pool.items() if value}]}
    return body


def described(network: Mapping[str, Any]) -> str:
    """A wanted network as lines for a diff; options that are off are left out."""
    return "".join(f"{key}: {network[key]}\n".lower() for key in KEYS if network.get(key))


def _refuse(wanted: Mapping[str, Mapping[str, Any]], found: Mapping[str, Found]) -> None:
    for name, network in wanted.items():
        here = found.get(name)
        if here is None:
            continue
        if here.spec is None:
            raise KronosError(
                f"a network {name} is there that this collection did not make (no label {MANAGED}); remove it first: "
                f"docker network rm {name}"
            )
        strangers = _names(here.members, foreign_only=True)
        if strangers and here.spec != spec_of(network):
            raise KronosError(
                f"the network {name} must be made anew, but containers that are not ours use it: "
                f"{', '.join(strangers)}. Take them off first: docker network disconnect {name} {strangers[0]}"
            )


def _refuse_range(
    network: Mapping[str, Any],
    wanted: Iterable[Mapping[str, Any]],
    found: Mapping[str, Found],
    needed: Sequence[Needed],
) -> None:
    """A macvlan network lies in a range of the home on purpose; a bridge with one would cut the host off from it."""
    if not network.get("subnet") or network.get("driver") == "macvlan":
        return
    subnet = ip_network(str(network["subnet"]))
    bridges = [str(each["bridge"]) for each in wanted if each.get("bridge")]
    ranges = [ip_network(str(each.options["subnet"])) for each in found.values() if each.options.get("subnet")]
    standing = [each for each in ranges if isinstance(each, IPv4Network)]
    why = in_the_way(subnet, needed, bridges, standing) if isinstance(subnet, IPv4Network) else ""
    if why:
        raise KronosError(
            f"network {network['name']}: the host needs {subnet} for itself ({why}). Nothing was changed; another "
            f"range is chosen by kronos_serving_pool for the networks kronos-in-*, else by the zone's network.subnet"
        )


def _moved(network: Mapping[str, Any], here: Found) -> tuple[str, ...]:
    """The containers of ours that hold an address which is another service's now.

    Raises KronosError where a container of somebody else holds one.
    """
    owners = {address: name for name, address in (network.get("addresses") or {}).items()}
    held = [member for member in here.members if owners.get(member.address, member.name) != member.name]
    for member in held:
        if not member.ours:
            raise KronosError(
                f"the container {member.name}, which is not ours, has the address {member.address} of "
                f"{owners[member.address]} in the network {network['name']}. Take it off first: "
                f"docker network disconnect {network['name']} {member.name}"
            )
    return _names(held)


def _in_turn(differ: Iterable[str], wanted: Mapping[str, Mapping[str, Any]], found: Mapping[str, Found]) -> list[str]:
    """The networks to make anew, each after the one whose range it takes over."""
    left, ordered = list(differ), []
    while left:
        free = [name for name in left if not any(_in_way(wanted[name], found[it]) for it in left if it != name)]
        ordered.append((free or left)[0])
        left.remove(ordered[-1])
    return ordered


def _in_way(network: Mapping[str, Any], standing: Found) -> bool:
    new, old = network.get("subnet"), standing.options.get("subnet")
    return bool(new and old) and ip_network(str(new)).overlaps(ip_network(str(old)))


def _names(members: Iterable[Member], foreign_only: bool = False) -> tuple[str, ...]:
    return tuple(member.name for member in members if not (foreign_only and member.ours))


def _options(network: Mapping[str, Any]) -> dict[str, Any]:
    """A network as Docker shows it, in the words of the wish."""
    pool = ((network.get("IPAM") or {}).get("Config") or [{}])[0]
    options = network.get("Options") or {}
    return {
        "driver": network.get("Driver"),
        "internal": network.get("Internal"),
        **{name: pool.get(key) for key, name in POOL.items()},
        "bridge": options.get(BRIDGE),
        "parent": options.get("parent"),
        "mtu": options.get("com.docker.network.driver.mtu"),
        "ipv6": network.get("EnableIPv6"),
    }


def _standing(found: Found) -> str:
    return described(found.options) + "".join(f"member: {member.name}\n" for member in found.members)


def _after(found: Found, network: Mapping[str, Any], off: Iterable[str] | None = None) -> str:
    """The network with these options, once the members *off* (None: all) are taken off and made anew."""
    gone = set(_names(found.members) if off is None else off)
    told = dict.fromkeys(gone, " (made anew by its stack)")
    return described(network) + "".join(f"member: {each.name}{told.get(each.name, '')}\n" for each in found.members)


def _diff(name: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": f"network {name}", "after_header": f"network {name}", "before": before, "after": after}


def _create(client: Client, body: Mapping[str, Any]) -> None:
    try:
        client.ask("POST", "/networks/create", body)
    except KronosError as error:
        raise KronosError(f"network {body['Name']}: {error}") from error


def _replace(client: Client, name: str, members: Sequence[str], body: Mapping[str, Any]) -> None:
    """Make a network anew; its members are taken off, and made anew by their stacks.

    They cannot be joined again: compose ties a container to the id of its network, and Docker then refuses every
    other. So what Docker would not make (a subnet that is taken) has to be known before.
    """
    old = client.get(f"/networks/{name}")
    _try(client, body, old)
    _take_off(client, name, members)
    client.ask("DELETE", f"/networks/{name}")
    try:
        _create(client, body)
    except KronosError:
        _create(client, {key: old[key] for key in OLD if key in old})
        raise


def _take_off(client: Client, name: str, members: Iterable[str]) -> None:
    for member in members:
        client.ask("POST", f"/networks/{name}/disconnect", {"Container": member, "Force": True})


def _try(client: Client, body: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    """Make the network under another name and take it away again; not beside an old one that is in its way."""
    subnets = [pool["Subnet"] for pool in (body.get("IPAM") or {}).get("Config") or [] if pool.get("Subnet")]
    standing = [pool["Subnet"] for pool in (old.get("IPAM") or {}).get("Config") or [] if pool.get("Subnet")]
    if body["Driver"] != "bridge" or not subnets:
        return
    if any(ip_network(one).overlaps(ip_network(two)) for one in subnets for two in standing):
        return
    options = {key: value for key, value in body["Options"].items() if key != BRIDGE}
    trial = {**body, "Name": f"{body['Name']}-trial", "Options": options}
    try:
        client.ask("POST", "/networks/create", trial)
    except KronosError as error:
        raise KronosError(f"network {body['Name']}: {error}. Nothing was changed") from error
    client.ask("DELETE", f"/networks/{trial['Name']}")
