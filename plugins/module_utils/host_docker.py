# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker shows of a host, and how that differs from what the receipts say of containers, networks and images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.kronos.homelab.plugins.module_utils import receipts
from ansible_collections.kronos.homelab.plugins.module_utils.container_options import addresses_of, options_of
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import EngineMissing, is_ours, name_of

STACK = "kronos.stack"
PROJECT = "com.docker.compose.project"
ONE_OFF = "com.docker.compose.oneoff"


class Engine(Protocol):
    """What is needed of Docker (docker_socket.Engine)."""

    def containers(self) -> list[dict[str, Any]]:
        """Every container."""

    def networks(self) -> list[dict[str, Any]]:
        """Every network."""

    def find(self, path: str) -> Any:
        """GET, as JSON; None for what is not there."""


@dataclass(frozen=True)
class Docker:
    """What Docker shows; ``silent`` says why it shows nothing.

    ``images``: reference → id, of the references that receipts name. ``notices``: what a run leaves alone;
    ``unknown``: containers with our label that no receipt names; ``held``: those that the mount guard has stopped, and
    the share that is away.
    """

    containers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    stacks: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    silent: str = ""
    held: Mapping[str, str] = field(default_factory=dict)


def read_docker(engine: Engine, lefts: Iterable[Mapping[str, Any]]) -> Docker:
    """Two lists, and one look at each container and image that the receipts *lefts* name."""
    lefts = list(lefts)
    noted = {name: note for left in lefts for name, note in (left.get("containers") or {}).items()}
    ours = {name for left in lefts for name in left.get("networks") or {}}
    references = {ref for left in lefts for ref in left.get("images") or {}}
    try:
        listed, networks = engine.containers(), engine.networks()
        containers = {name_of(one): _described(one, noted.get(name_of(one)) or {}, engine) for one in listed}
        images = {ref: str(found["Id"]) for ref in sorted(references) if (found := engine.find(f"/images/{ref}/json"))}
    except EngineMissing as missing:
        return Docker(silent=str(missing))
    return Docker(
        containers=containers,
        networks={str(network["Name"]): str(network["Id"]) for network in networks},
        images=images,
        stacks=frozenset(_stack_of(one.get("Labels") or {}) for one in listed if is_ours(one)) - {""},
        notices=tuple(_notices(listed, ours)),
        unknown=tuple(sorted(name_of(one) for one in listed if _is_unknown(one, noted))),
    )


def docker_reasons(left: Mapping[str, Any], docker: Docker) -> list[str]:
    """What differs from what one receipt says. Pure."""
    if docker.silent:
        return []
    reasons: list[str] = []
    for name, then in (left.get("containers") or {}).items():
        reasons += _container_reason(name, then, docker.containers.get(name), docker.held.get(name, ""))
    for name, number in (left.get("networks") or {}).items():
        if docker.networks.get(name) != number:
            reasons.append(f"network {name}: {'made anew by hand' if name in docker.networks else 'is gone'}")
    for ref, number in (left.get("images") or {}).items():
        # A name that was only taken away changes nothing for who runs the image.
        if docker.images.get(ref, number) != number:
            reasons.append(f"image {ref}: the name means another image now")
    return reasons


def _described(listed: Mapping[str, Any], noted: Mapping[str, Any], engine: Engine) -> dict[str, Any]:
    """A container in the words of a receipt; its options only where the receipt is about this very one."""
    attached = (listed.get("NetworkSettings") or {}).get("Networks") or {}
    found = {
        "id": listed["Id"],
        "image": listed.get("ImageID", ""),
        "state": listed.get("State", ""),
        "networks": sorted(attached),
        "addresses": addresses_of(attached),
    }
    if noted.get("options") and noted["id"] == found["id"]:
        document = engine.find(f"/containers/{found['id']}/json") or {}
        found["options"] = receipts.digest(options_of(document))
        found["exit_code"] = int((document.get("State") or {}).get("ExitCode") or 0)
    return found


def _notices(listed: Iterable[Mapping[str, Any]], ours: set[str]) -> list[str]:
    told = []
    for one in listed:
        name, labels = name_of(one), one.get("Labels") or {}
        if is_ours(one):
            project = labels.get(PROJECT, "")
            if not labels.get(STACK):
                told.append(f"container {name}, which is not ours, is in our compose project {project}")
            continue
        for network in sorted(ours.intersection((one.get("NetworkSettings") or {}).get("Networks") or {})):
            told.append(f"container {name}, which is not ours, is on our network {network}")
    return sorted(told)


def _is_unknown(listed: Mapping[str, Any], noted: Mapping[str, Any]) -> bool:
    """Whether it bears our label (a service of old, or a forgery), yet no receipt names it."""
    labels = listed.get("Labels") or {}
    # `docker compose run` makes containers for one command, with the labels of the service.
    return bool(labels.get(STACK)) and labels.get(ONE_OFF, "False") != "True" and name_of(listed) not in noted


def _stack_of(labels: Mapping[str, str]) -> str:
    return labels.get(STACK) or labels.get(PROJECT, "")[len("kronos-") :]


def _container_reason(name: str, then: Mapping[str, Any], now: Mapping[str, Any] | None, share: str) -> list[str]:
    if now is None:
        return [f"container {name}: is gone"]
    reasons = []
    if now["id"] != then["id"]:
        reasons.append("made anew by hand")
    elif now.get("options") != then.get("options"):
        reasons.append("other options")
    if share and now["state"] == "exited":
        reasons.append(f"stopped by the mount guard while share {share} is away")
    elif now["state"] != then["state"]:
        reasons.append(f"{now['state']}, was {then['state']}")
    elif now["state"] == "exited" and now.get("exit_code") != then.get("exit_code"):
        reasons.append(f"ended with {now.get('exit_code')}, was {then.get('exit_code')}")
    if now["image"] != then["image"]:
        reasons.append("another image")
    lost, extra = set(then["networks"]) - set(now["networks"]), set(now["networks"]) - set(then["networks"])
    reasons += [f"not on network {network} any more" for network in sorted(lost)]
    reasons += [f"on network {network} by hand" for network in sorted(extra)]
    if now.get("addresses", {}) != then.get("addresses", {}) and not lost | extra:
        reasons.append("another address")
    return [f"container {name}: {', '.join(reasons)}"] if reasons else []
