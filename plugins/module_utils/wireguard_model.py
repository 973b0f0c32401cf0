# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPN's server and devices: who has which key and address, and the texts that follow from it. Pure, but for chance.

Keys and addresses are kept in one file on the host, which nobody else reads. A device keeps its address as long as it
is wanted; one that is gone loses its keys, so that it is shut out even when a device of its name comes back.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner

SERVER = "server"
NAME = re.compile(r"[a-z0-9][a-z0-9-]*\.[a-z0-9][a-z0-9-]*")
KEEPALIVE = 25


@dataclass(frozen=True)
class Wish:
    """What is wanted. ``address``: the server's, with the prefix length of the network."""

    interface: str
    address: str
    port: int
    endpoint: str
    devices: tuple[str, ...]
    forward: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    @property
    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """The network of the VPN."""
        return ipaddress.ip_interface(self.address).network


@dataclass(frozen=True)
class Device:
    """A device: its address, and its keys, which are empty while they are only foreseen."""

    address: str
    private: str = field(default="", repr=False)
    public: str = ""
    shared: str = field(default="", repr=False)


@dataclass(frozen=True)
class State:
    """What the host keeps: the server's keys, and each device by name."""

    private: str = field(default="", repr=False)
    public: str = ""
    devices: Mapping[str, Device] = field(default_factory=dict)


@dataclass(frozen=True)
class Keys:
    """How keys are made; a prediction makes none. ``pair`` returns the private and the public half."""

    pair: Callable[[], tuple[str, str]]
    shared: Callable[[], str]


NO_KEYS = Keys(lambda: ("", ""), lambda: "")


def parse(params: Mapping[str, Any]) -> Wish:
    """The wish from the module's options. Raises KronosError for what no tunnel can be made of."""
    try:
        server = ipaddress.ip_interface(params["address"])
        for item in (*params["forward"], *params["allowed"]):
            ipaddress.ip_network(item)
    except ValueError as error:
        raise KronosError(f"wireguard: {error}") from error
    for name in params["devices"]:
        if not NAME.fullmatch(name):
            raise KronosError(f"devices: {name!r}; wanted the owner's name, a dot, and the device's")
    if len(set(params["devices"])) != len(params["devices"]):
        raise KronosError("devices: each may be named once")
    if len(params["devices"]) > server.network.num_addresses - 3:
        raise KronosError(f"devices: {server.network} has no room for {len(params['devices'])}")
    lists = {key: tuple(params[key]) for key in ("devices", "forward", "dns", "allowed")}
    return Wish(params["interface"], params["address"], params["port"], params["endpoint"], **lists)


def next_state(wish: Wish, state: State, rotate: Iterable[str], keys: Keys) -> State:
    """The state that the wish leads to; *rotate* names devices (or the server) that get new keys."""
    again = set(rotate)
    unknown = sorted(again - {*wish.devices, SERVER})
    if unknown:
        raise KronosError(f"rotate: {unknown[0]!r} is neither a device nor {SERVER!r}")
    private, public = state.private, state.public
    if not public or SERVER in again:
        private, public = keys.pair()
    addresses = allocate(wish, {name: device.address for name, device in state.devices.items()})
    devices = {}
    for name in sorted(wish.devices):
        old = state.devices.get(name)
        if old is None or not old.public or name in again:
            devices[name] = Device(addresses[name], *keys.pair(), keys.shared())
        else:
            devices[name] = replace(old, address=addresses[name])
    return State(private, public, devices)


def allocate(wish: Wish, before: Mapping[str, str]) -> dict[str, str]:
    """An address for each device: the one that it had, else the lowest that is free. Pure."""
    network = wish.network
    own = ipaddress.ip_interface(wish.address).ip
    kept: dict[str, str] = {}
    for name in sorted(wish.devices):
        address = before.get(name)
        if address and _fits(address, network, own) and address not in kept.values():
            kept[name] = address
    taken = {str(own), *kept.values()}
    free = (str(address) for address in network.hosts() if str(address) not in taken)
    return {name: kept.get(name) or next(free) for name in sorted(wish.devices)}


def _fits(text: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network, own: Any) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address in network and address not in (own, network.network_address, network.broadcast_address)


def to_json(state: State, wish: Wish) -> bytes:
    """The text of the file that keeps the state, and what a device's configuration needs beside it."""
    devices = {name: vars(device) for name, device in state.devices.items()}
    client = {"endpoint": wish.endpoint, "dns": list(wish.dns), "allowed": list(wish.allowed)}
    data = {"server": {"private": state.private, "public": state.public}, "devices": devices, "client": client}
    return json.dumps(data, indent=1, sort_keys=True).encode() + b"\n"


def from_json(text: bytes | None) -> State:
    """The state that a file holds; KronosError where it cannot be understood, since keys must not be lost silently."""
    if text is None:
        return State()
    try:
        data = json.loads(text)
        devices = {str(name): Device(**device) for name, device in data["devices"].items()}
        state = State(str(data["server"]["private"]), str(data["server"]["public"]), devices)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise KronosError(
            "the VPN's keys cannot be understood (state.json); put it back from a backup, or remove it: all devices "
            "then need a new configuration"
        ) from error
    return state


def server_configuration(wish: Wish, state: State) -> str:
    """What `wg syncconf` reads."""
    lines = ["[Interface]", f"PrivateKey = {state.private}", f"ListenPort = {wish.port}"]
    for name, device in state.devices.items():
        lines += ["", f"# {name}", "[Peer]", f"PublicKey = {device.public}", f"PresharedKey = {device.shared}"]
        lines += [f"AllowedIPs = {host_route(device.address)}"]
    return "\n".join(lines) + "\n"


def device_configuration(text: bytes, name: str) -> str:
    """The configuration of one device, as its program imports it; *text* is the file that keeps the state."""
    state, client = from_json(text), json.loads(text)["client"]
    if name not in state.devices:
        known = ", ".join(state.devices) or "none"
        raise KronosError(f"the VPN has no device {name!r}; there are: {known}")
    device = state.devices[name]
    lines = ["[Interface]", f"PrivateKey = {device.private}", f"Address = {host_route(device.address)}"]
    lines += [f"DNS = {', '.join(client['dns'])}"] if client["dns"] else []
    lines += ["", "[Peer]", f"PublicKey = {state.public}", f"PresharedKey = {device.shared}"]
    lines += [f"AllowedIPs = {', '.join(client['allowed'])}", f"Endpoint = {client['endpoint']}"]
    return "\n".join([*lines, f"PersistentKeepalive = {KEEPALIVE}"]) + "\n"


def host_route(address: str) -> str:
    """The address as a network of one."""
    return f"{address}/{ipaddress.ip_address(address).max_prefixlen}"


def shown(state: State) -> str:
    """Keys and devices as a diff shows them: no key but the public ones, and those only once they are made."""
    lines = [f"server: {state.public or '(key made in the run)'}"]
    lines += [
        f"device {name}: {device.address} {device.public or '(key made in the run)'}"
        for name, device in state.devices.items()
    ]
    return "\n".join(lines) + "\n"


def make_keys(run: Runner) -> Keys:
    """Keys by chance, from WireGuard's own tool."""

    def ask(word: str, given: str = "") -> str:
        done = run(["wg", word], given, 30)
        if done.code:
            raise KronosError(f"wg {word}: {done.err.strip()}")
        return done.out.strip()

    def pair() -> tuple[str, str]:
        private = ask("genkey")
        return private, ask("pubkey", private + "\n")

    return Keys(pair, lambda: ask("genpsk"))
