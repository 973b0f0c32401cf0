# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the present of one stack: one list of containers, an inspect of ours, images, networks, files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import compose, receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import Engine
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import (
    ONE_OFF,
    PROJECT,
    SERVICE,
    Container,
    container_of,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import Service
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import LABEL_STACK, Rendered
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
    """Everything that a plan depends on beside what is wanted."""

    containers: Containers = Containers()
    images: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tree: Mapping[str, tree.Present] = field(default_factory=dict, repr=False)
    strays: tuple[str, ...] = ()
    state: State | None = None
    journal: Journal | None = None


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
    if engine is None:
        kept = remembered(rendered, state, layout)
        return Present(kept, tree=files, strays=strays, state=_unobserved(state), journal=journal)
    containers = read_containers(engine, rendered)
    references = {service.image for service in rendered.stack.services.values()}
    images = {ref: found["Id"] for ref in sorted(references) if (found := engine.image(ref))}
    gone = {name: _replaced(container, rendered, layout, replaced) for name, container in containers.own.items()}
    return Present(containers, images, engine.networks(), gone, files, strays, state, journal)


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


def remembered(rendered: Rendered, state: State | None, layout: Layout) -> Containers:
    """The containers of a Docker that does not answer, by state and receipt: a stopped one still has them.

    It even keeps them running (live-restore). One without a folder among Docker's own is gone.
    """
    receipt = receipts.read("stack", layout.stack, root=layout.receipts)
    noted = (receipt["left"].get("containers") or {}) if receipt else {}
    wanted = {service.container: name for name, service in rendered.stack.services.items()}
    own: dict[str, Container] = {}
    orphans: dict[str, Container] = {}
    for name, note in noted.items():
        service = wanted.get(name, name)
        known = state.services.get(service) if state else None
        if known is None or not os.path.isdir(os.path.join(layout.docker, "containers", note["id"])):
            continue
        networks = dict.fromkeys(note["networks"], "")
        found = Container(note["id"], name, service, note["state"], note["image"], known.digest, layout.stack)
        (own if name in wanted else orphans)[service] = replace(found, networks=networks)
    return Containers(own, orphans=orphans)


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
    found = []
    for top in ("env", "files", "secrets"):
        for folder, folders, names in os.walk(os.path.join(layout.base, top)):
            found += [os.path.join(folder, name) for name in names]
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            strange = [name for name in folders if os.path.join(folder, name) not in wanted]
            found += [os.path.join(folder, name) for name in {*links, *strange}]
            folders[:] = [name for name in folders if name not in {*links, *strange}]
    return sorted(path for path in found if path not in wanted)


def _replaced(
    container: Container, rendered: Rendered, layout: Layout, differs: Callable[[int, str, str], bool]
) -> tuple[str, ...]:
    """Targets of mounts under which the container still sees a folder that was deleted or moved away."""
    service, unit = rendered.stack.services[container.service], rendered.units[container.service]
    if container.status != "running" or not container.pid or container.digest != unit.digest:
        return ()
    data = {one.path for one in service.directories}
    # Shares are left out: looking at a dead one would hang.
    return tuple(
        target
        for source, target in compose.bind_mounts(unit.definition)
        if (source in data or source.startswith(f"{layout.base}/")) and differs(container.pid, source, target)
    )


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
