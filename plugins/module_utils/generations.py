# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proven versions of a stack, each a folder that can be put back exactly.

``generations/<n>/`` holds the files as they were (compose.yml, env, files, copies of secrets; 0600 in a 0700
folder) and ``generation.json``: owners and modes, what each service was, and its image down to the digest.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import DockerRefused, Engine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner
from ansible_collections.kronos.homelab.plugins.module_utils.stack_images import pull, split
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import GENERATION, Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import parse
from ansible_collections.kronos.homelab.plugins.module_utils.stack_render import Rendered, Unit
from ansible_collections.kronos.homelab.plugins.module_utils.stack_state import known, read_json, write_json
from ansible_collections.kronos.homelab.plugins.module_utils.tree import Wanted, WantedDirectory


@dataclass(frozen=True)
class Image:
    """The image that a service of a generation runs: its reference, id, and repository digests."""

    ref: str
    id: str
    digests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Generation:
    """A version as it was proven."""

    number: int
    rendered: Rendered = field(repr=False)
    images: Mapping[str, Image]

    @property
    def identity(self) -> tuple[str, dict[str, str]]:
        """Equal for versions that run the same."""
        return self.rendered.digest, {name: image.id for name, image in self.images.items()}


def numbers(layout: Layout) -> list[int]:
    """The kept generations, oldest first."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(int(name) for name in os.listdir(layout.generations) if name.isdigit())
    return []


def save(generation: Generation, layout: Layout, folder: str = "") -> None:
    """Keep *generation*: written aside, then renamed, so that a kept one is always whole."""
    target = folder or os.path.join(layout.generations, str(generation.number))
    aside = f"{os.path.dirname(target)}/.new-{os.path.basename(target)}"
    atomic.remove(aside)
    atomic.ensure_dir(os.path.dirname(target), mode=0o700, uid=layout.uid, gid=layout.gid)
    atomic.ensure_dir(aside, mode=0o700, uid=layout.uid, gid=layout.gid)
    for file in generation.rendered.files:
        path = os.path.join(aside, os.path.relpath(file.path, layout.base))
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        atomic.write_file(path, file.content, mode=0o600, uid=layout.uid, gid=layout.gid)
    write_json(os.path.join(aside, GENERATION), _meta(generation, layout), layout)
    atomic.remove(target)
    os.rename(aside, target)
    atomic.sync_folder(os.path.dirname(target))


def load(number: int, layout: Layout) -> Generation:
    """The kept generation *number*; raises KronosError where it is missing or damaged."""
    folder = os.path.join(layout.generations, str(number))
    meta = read_json(os.path.join(folder, GENERATION)) or {}
    try:
        return _generation(number, meta, folder, layout)
    except (KeyError, TypeError, AttributeError, OSError) as error:
        kept = ", ".join(str(one) for one in numbers(layout)) or "none"
        raise KronosError(
            f"stack {layout.stack}: generation {number} is not there or not whole; kept: {kept}"
        ) from error


def is_kept(number: int, layout: Layout) -> bool:
    """Whether generation *number* is there and whole."""
    try:
        return load(number, layout).number == number
    except KronosError:
        return False


def _generation(number: int, meta: Mapping[str, Any], folder: str, layout: Layout) -> Generation:
    source = meta["source"]
    stack = parse(layout.stack, source["project"], source["services"], source["health_timeout"])
    files = tuple(_file(one, folder, layout) for one in meta["files"])
    units = {name: Unit(**known(Unit, one)) for name, one in meta["units"].items()}
    directories = tuple(WantedDirectory(**one) for one in meta["directories"])
    images = {name: Image(one["ref"], one["id"], tuple(one["digests"])) for name, one in meta["images"].items()}
    return Generation(number, Rendered(stack, units, files, directories), images)


def before(number: int, layout: Layout) -> int:
    """The generation before *number*; 0 where there is none."""
    return max((one for one in numbers(layout) if one < number), default=0)


def images_of(rendered: Rendered, running: Mapping[str, str], engine: Engine) -> dict[str, Image]:
    """What each service of *rendered* runs; *running*: service → image id of its container."""
    digests = {
        image: tuple((engine.image(image) or {}).get("RepoDigests") or ()) for image in sorted(set(running.values()))
    }
    return {name: Image(rendered.stack.services[name].image, image, digests[image]) for name, image in running.items()}


def tag_images(number: int, engine: Engine, layout: Layout) -> None:
    """Name the images of a generation, so that neither a moved tag nor `docker image prune` takes them away."""
    for image, ref in _own_names(number, layout).items():
        # One that is gone can be fetched again by its digest: no reason to fail.
        with contextlib.suppress(DockerRefused):
            if not engine.image(ref):
                engine.tag(image, *split(ref))


def restore_images(generation: Generation, engine: Engine, run: Runner) -> None:
    """Let every reference mean the image it meant then, fetched by digest where the host lost it."""
    for image in generation.images.values():
        current = engine.image(image.ref)
        if current and current["Id"] == image.id:
            continue
        repository, tag = split(image.ref)
        if engine.image(image.id):
            engine.tag(image.id, repository, tag)
            continue
        digest = next((one for one in image.digests if one.partition("@")[0] == repository), "")
        pull(run, digest or image.ref)
        if digest:
            engine.tag(digest, repository, tag)


def prune(layout: Layout, current: int, keep: int, engine: Engine) -> None:
    """Forget all but the newest *keep*; only the live one, the one before it and the newest keep names."""
    kept = numbers(layout)
    old = [one for one in kept if one != current][: max(0, len(kept) - max(keep, 2))]
    named = {current, before(current, layout), max(kept, default=0)}
    _untag({name for number in named for name in _own_names(number, layout).values()}, engine, layout)
    for number in old:
        atomic.remove(os.path.join(layout.generations, str(number)))


def forget_images(layout: Layout, engine: Engine) -> None:
    """Take our names from the images of every generation."""
    _untag(set(), engine, layout)


def _untag(keep: set[str], engine: Engine, layout: Layout) -> None:
    for ref in engine.tags(_repository(layout)):
        # An image in use keeps its last name: Docker refuses, and it is not ours to insist.
        with contextlib.suppress(DockerRefused):
            if ref not in keep:
                engine.untag(ref)


def _repository(layout: Layout) -> str:
    return f"kronos.local/{layout.stack}"


def _own_names(number: int, layout: Layout) -> dict[str, str]:
    """Image id → the name that we give it for a generation."""
    meta = read_json(layout.note(number)) or {}
    ids = {str(one["id"]) for one in (meta.get("images") or {}).values()}
    return {one: f"{_repository(layout)}:{number}-{one.rpartition(':')[2][:12]}" for one in sorted(ids)}


def _meta(generation: Generation, layout: Layout) -> dict[str, Any]:
    rendered = generation.rendered
    source = dict(rendered.stack.source)
    source["services"] = {name: _without_content(one) for name, one in source["services"].items()}
    return {
        "schema": 1,
        "number": generation.number,
        "digest": rendered.digest,
        "source": source,
        "units": {name: asdict(unit) for name, unit in rendered.units.items()},
        "files": [
            {
                "path": os.path.relpath(one.path, layout.base),
                "mode": one.mode,
                "uid": one.uid,
                "gid": one.gid,
                "secret": one.secret,
            }
            for one in rendered.files
        ],
        "directories": [asdict(one) for one in rendered.directories],
        "images": {name: asdict(image) for name, image in generation.images.items()},
    }


def _without_content(extra: Any) -> dict[str, Any]:
    """The files are beside it; of one with secrets the text is kept that has none, to tell what is secret in it."""
    files = [
        {key: each for key, each in one.items() if key != "content" or one.get("secrets")}
        for one in extra.get("files") or ()
    ]
    return {**extra, "files": files}


def _file(one: Mapping[str, Any], folder: str, layout: Layout) -> Wanted:
    with open(os.path.join(folder, one["path"]), "rb") as stream:
        content = stream.read()
    path = os.path.join(layout.base, one["path"])
    return Wanted(path, content, one["mode"], one["uid"], one["gid"], one["secret"])


def discard(folder: str) -> None:
    """Remove a kept folder."""
    shutil.rmtree(folder, ignore_errors=True)
