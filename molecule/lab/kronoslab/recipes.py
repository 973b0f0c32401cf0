# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of images (images.toml), and what follows from it: names, hashes, build arguments. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomllib

from .console import LabError
from .place import LABEL, MIRROR

BASE = "base"
LOCAL = "kronos-lab"  # prefix of the lab's images on the Docker engine


@dataclass(frozen=True)
class Recipe:
    """One row of the table. `name` is the image's reference, or the layer's name."""

    name: str
    recipe: str
    layers: tuple[str, ...] = ()
    args: dict[str, str] = field(default_factory=dict)
    wheel: str | None = None
    kind: str = "layer"
    standin: dict[str, Any] | None = None
    suite: str = ""

    @property
    def below(self) -> dict[str, str]:
        """Layer as the Dockerfile calls it → the image that is meant."""
        return {layer: base_name(self.suite) if layer == BASE else layer for layer in self.layers}


@dataclass(frozen=True)
class Table:
    """All rows, and what the base image holds."""

    base: dict[str, Any]
    layers: dict[str, Recipe]
    images: dict[str, Recipe]
    folder: Path

    def row(self, name: str) -> Recipe:
        return self.layers.get(name) or self.images[name]


def base_name(suite: str) -> str:
    """Name of the base image of a Debian release; empty: of the one that the table gives."""
    return f"{BASE}-{suite}" if suite else BASE


def base_suite(table: Table, name: str) -> str:
    """Debian release of a base image; empty where *name* is none."""
    base, _dash, suite = name.partition("-")
    return (suite or str(table.base["suite"])) if base == BASE else ""


def load_table(source: Path) -> Table:
    """Read images.toml beside the folder images/; a row that cannot be built is a LabError."""
    path = source / "images.toml"
    with path.open("rb") as handle:
        data = tomllib.load(handle)
    layers = {row["name"]: _recipe(row, row["name"], "layer") for row in data.get("layer", [])}
    images = {row["ref"]: _recipe(row, row["ref"], row["kind"]) for row in data.get("image", [])}
    table = Table(base=data["base"], layers=layers, images=images, folder=source / "images")
    for recipe in (*layers.values(), *images.values()):
        unknown = [name for name in recipe.layers if name != BASE and name not in layers]
        if unknown:
            raise LabError(f"{path}: {recipe.name}: unknown layer {', '.join(unknown)}")
        if not (table.folder / recipe.recipe / "Dockerfile").is_file():
            raise LabError(f"{path}: {recipe.name}: no Dockerfile in images/{recipe.recipe}")
    return table


def _recipe(row: dict[str, Any], name: str, kind: str) -> Recipe:
    return Recipe(
        name=name,
        recipe=row["recipe"],
        layers=tuple(row.get("layers", [])),
        args=dict(row.get("args", {})),
        wheel=row.get("wheel"),
        kind=kind,
        standin=row.get("standin"),
        suite=row.get("suite", ""),
    )


def recipe_hash(table: Table, name: str) -> str:
    """Short digest over all that shapes an image: its files, arguments, and the layers below it."""
    if suite := base_suite(table, name):
        return _digest([json.dumps({**table.base, "suite": suite}, sort_keys=True).encode()])
    recipe = table.row(name)
    plain = {
        "args": recipe.args,
        "wheel": recipe.wheel,
        "kind": recipe.kind,
        "standin": recipe.standin,
        "layers": {layer: recipe_hash(table, image) for layer, image in recipe.below.items()},
    }
    parts = [json.dumps(plain, sort_keys=True).encode()]
    folder = table.folder / recipe.recipe
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        executable = bool(path.stat().st_mode & 0o100)
        parts += [f"{path.relative_to(folder)} {executable}".encode(), path.read_bytes()]
    return _digest(parts)


def _digest(parts: list[bytes]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()[:12]


def local_name(table: Table, name: str) -> str:
    """Name of a built image on the Docker engine: it carries the hash, so its presence means it is current."""
    repository, _colon, tag = name.rpartition(":") if name in table.images else (name, "", "")
    return f"{LOCAL}/{repository}:{tag + '-' if tag else ''}{recipe_hash(table, name)}"


def mirror_name(ref: str, mirror: str = MIRROR) -> str:
    """Where a lab host pulls `ref` from: <mirror>/<registry>/<repository>:<tag>."""
    return f"{mirror}/{ref}"


def split_ref(ref: str) -> tuple[str, str]:
    """Repository path in the registry and tag of a full reference."""
    repository, _colon, tag = ref.rpartition(":")
    if not repository or "/" in tag:
        raise LabError(f"an image reference without a tag: {ref}")
    return repository, tag


def build_args(table: Table, name: str) -> list[str]:
    """Arguments of `docker build` for a row, without the context folder."""
    recipe = table.row(name)
    args = {layer.upper().replace("-", "_"): local_name(table, image) for layer, image in recipe.below.items()}
    args.update(recipe.args)
    result = ["build", "--network=host", "--force-rm", "--tag", local_name(table, name), "--label", LABEL]
    if recipe.kind == "stand-in":
        result += ["--label", "kronos.standin=true"]
    for key, value in sorted(args.items()):
        result += ["--build-arg", f"{key}={value}"]
    return result
