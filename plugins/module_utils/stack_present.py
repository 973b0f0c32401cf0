# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the present of one stack: one list of containers, an inspect of ours, images, networks, files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import compose, generations, receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import Engine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import (
    ONE_OFF,
    PROJECT,
    SERVICE,
    Container,
    container_of,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import RenderedFile, Service
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import LABEL_STACK, Rendered
from ansible_collections.kronos.homelab.plugins.module_utils.stack_slots import slotted
from ansible_collections.kronos.homelab.plugins.module_utils.stack_state import (
    Journal,
    State,
    load_journal,
    load_state,
)


@dataclass(frozen=True)
class Containers:
    """The containers that matter to one stack.

    ``own`` by service; ``leftovers``: further ones of a wanted service; ``orphans``: ours, of services no
    longer wanted; ``foreign``: in our compose project, but not made by us; ``taken``: wanted container names
    that somebody else's container has.
    """

    own: Mapping[str, Container] = field(default_factory=dict)
    leftovers: tuple[Container, ...] = ()
    orphans: Mapping[str, Container] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()
    taken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Present:
    """Everything that a plan depends on beside what is wanted.

    ``replaced``: by service the mounts under which it still sees a folder that is gone; ``proven``: the live
    generation is kept, so that there is a way back; ``slotted``: its files with secrets in them, by path.
    """

    containers: Containers = Containers()
    images: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tree: Mapping[str, tree.Present] = field(default_factory=dict, repr=False)
    strays: tuple[str, ...] = ()
    state: State | None = None
    journal: Journal | None = None
    proven: bool = True
    slotted: Mapping[str, RenderedFile] = field(default_factory=dict)


def read_present(
    engine: Engine | None,
    rendered: Rendered,
    layout: Layout,
    replaced: Callable[[int, str, str], bool],
) -> Present:
    """What is on the host now; of a Docker that does not answer (*engine* None) what it must still have.

    *replaced*: ``mount_replaced``, or a fake of it.
    """
    strays = tuple(find_strays(rendered, layout))
    paths = tree.paths_of(rendered.files, rendered.directories, strays)
    files, state, journal = tree.read_present(paths), load_state(layout), load_journal(layout)
    proven, told = _live(state, layout)
    if engine is None:
        kept = remembered(rendered, layout)
        gone = _remembered_mounts(kept, rendered, layout)
        blind = _unobserved(state)
        return Present(
            kept,
            replaced=gone,
            tree=files,
            strays=strays,
            state=blind,
            journal=journal,
            proven=proven,
            slotted=told,
        )
    containers = read_containers(engine, rendered)
    images = read_images(engine, rendered)
    gone = {name: _replaced(container, rendered, layout, replaced) for name, container in containers.own.items()}
    return Present(containers, images, engine.networks(), gone, files, strays, state, journal, proven, told)


def _live(state: State | None, layout: Layout) -> tuple[bool, dict[str, RenderedFile]]:
    """Whether the live generation is kept, or none is due; and its files with secrets in them."""
    if state is None or not state.generation:
        return True, {}
    try:
        return True, slotted(generations.load(state.generation, layout).rendered.stack, layout)
    except KronosError:
        return False, {}


def taken_off(present: Present, networks: Iterable[str]) -> Present:
    """The present once an earlier task has made these networks anew, and taken their containers off them. Pure."""
    gone = set(networks)
    own = {
        name: replace(one, networks={key: value for key, value in one.networks.items() if key not in gone})
        for name, one in present.containers.own.items()
    }
    return replace(present, containers=replace(present.containers, own=own))


def read_images(engine: Engine, rendered: Rendered) -> dict[str, str]:
    """Reference → id, of the images that the host has of this stack."""
    references = {service.image for service in rendered.stack.services.values()}
    return {ref: str(found["Id"]) for ref in sorted(references) if (found := engine.image(ref))}


def read_containers(engine: Engine, rendered: Rendered) -> Containers:
    """Sort the host's containers by what they are to this stack."""
    stack, listed = rendered.stack, engine.containers()
    documents = [
        engine.inspect(one["Id"])
        for one in listed
        if (one.get("Labels") or {}).get(PROJECT) == stack.project
        and (one.get("Labels") or {}).get(ONE_OFF, "False") != "True"
    ]
    mine = [container_of(document) for document in documents if document]
    own: dict[str, Container] = {}
    leftovers, orphans, foreign = [], {}, []
    for container in sorted(mine, key=lambda one: _rank(one, stack.services.get(one.service))):
        if container.service not in stack.services:
            if container.stack == stack.name:
                orphans[container.name] = container
            else:
                foreign.append(container.name)
        elif container.service in own:
            leftovers.append(container)
        else:
            own[container.service] = container
    taken = _taken(listed, rendered)
    return Containers(own, tuple(leftovers), orphans, tuple(foreign), taken)


def remembered(rendered: Rendered, layout: Layout) -> Containers:
    """The containers of a Docker that does not answer, by the stack's receipt: a stopped one still has them.

    It even keeps them running (live-restore). One without a folder among Docker's own is gone.
    """
    wanted = {service.container: name for name, service in rendered.stack.services.items()}
    own: dict[str, Container] = {}
    orphans: dict[str, Container] = {}
    for name, note in (_left(layout).get("containers") or {}).items():
        if not os.path.isdir(os.path.join(layout.docker, "containers", note["id"])):
            continue
        service = wanted.get(name, name)
        networks = dict.fromkeys(note["networks"], "")
        (own if name in wanted else orphans)[service] = Container(
            id=note["id"],
            name=name,
            service=service,
            status=note["state"],
            image=note["image"],
            digest=note.get("digest", ""),
            stack=layout.stack,
            networks=networks,
            addresses=note.get("addresses") or {},
            observed=note.get("known") or {},
        )
    return Containers(own, orphans=orphans)


def _remembered_mounts(containers: Containers, rendered: Rendered, layout: Layout) -> dict[str, tuple[str, ...]]:
    """As ``_replaced`` finds them, by the receipt: which folders the containers were last seen with."""
    noted = _left(layout).get("mounts") or {}

    def replaced(_pid: int, source: str, _target: str) -> bool:
        return source in noted and receipts.inode(source) != noted[source]

    found = {}
    for name, container in containers.own.items():
        found[name] = _replaced(replace(container, pid=1), rendered, layout, replaced)
    return found


def _left(layout: Layout) -> Mapping[str, Any]:
    receipt = receipts.read("stack", layout.stack, root=layout.receipts)
    return dict(receipt["left"]) if receipt else {}


def _unobserved(state: State | None) -> State | None:
    """*state* without what Docker said of the containers then: it says nothing now to compare that with."""
    if state is None:
        return None
    return replace(state, services={name: replace(one, observed={}) for name, one in state.services.items()})


def _rank(container: Container, service: Service | None) -> tuple[bool, bool, str]:
    """The one that the service should have comes first: by its name, else by being up."""
    return (
        service is None or container.name != service.container,
        container.status != "running",
        container.id,
    )


def _taken(listed: Iterable[Mapping[str, Any]], rendered: Rendered) -> dict[str, str]:
    wanted = {service.container: name for name, service in rendered.stack.services.items()}
    found = {}
    for one in listed:
        labels = one.get("Labels") or {}
        if labels.get(PROJECT) == rendered.stack.project and (
            labels.get(SERVICE) in rendered.stack.services or labels.get(LABEL_STACK) == rendered.stack.name
        ):
            continue
        for name in one.get("Names") or ():
            if name.lstrip("/") in wanted:
                found[wanted[name.lstrip("/")]] = str(one.get("Image", "unknown image"))
    return found


def find_strays(rendered: Rendered, layout: Layout) -> list[str]:
    """What lies in the folders that are wholly ours and is not wanted (any more)."""
    wanted = {one.path for one in rendered.files} | {one.path for one in rendered.directories}
    return tree.strays(layout.whole, wanted)


def _replaced(
    container: Container, rendered: Rendered, layout: Layout, differs: Callable[[int, str, str], bool]
) -> tuple[str, ...]:
    """Targets of mounts under which the container still sees a folder that was deleted or moved away."""
    unit = rendered.units[container.service]
    if container.status != "running" or not container.pid or container.digest != unit.digest:
        return ()
    mounts = own_mounts(rendered, container.service, layout)
    return tuple(target for source, target in mounts if differs(container.pid, source, target))


def own_mounts(rendered: Rendered, service: str, layout: Layout) -> list[tuple[str, str]]:
    """(source, target) of the directories of ours that a service has mounted."""
    data = {one.path for one in rendered.stack.services[service].directories}
    # Shares are left out: looking at a dead one would hang.
    return [
        (source, target)
        for source, target in compose.bind_mounts(rendered.units[service].definition)
        if source in data or source.startswith(f"{layout.base}/")
    ]


def mount_replaced(pid: int, source: str, target: str) -> bool:
    """Whether the folder *source* is another one than the container with *pid* has mounted at *target*."""
    try:
        now = os.stat(source)
    except FileNotFoundError:
        return True
    inside = f"/proc/{pid}/root"
    for part in target.strip("/").split("/"):
        inside = os.path.join(inside, part)
        if os.path.islink(inside):  # it would lead through our own root
            return False
    try:
        seen = os.stat(inside)
    except OSError:
        return False
    return (now.st_dev, now.st_ino) != (seen.st_dev, seen.st_ino)
