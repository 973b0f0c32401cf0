# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of a guest: built once for each version of its recipe (the scripts in `guest/`) and each suite."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection
from pathlib import Path

from . import engine
from .build import mirrors
from .console import run_logged, step
from .place import Place

SUITES = ("trixie", "bookworm")
PROGRAMS = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs"}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def folder(place: Place, suite: str) -> Path:
    """Where the image of the recipe as it is now belongs."""
    said = hashlib.sha256(suite.encode())
    for path in sorted((place.source / "guest").iterdir()):
        said.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return place.guests / f"image-{suite}-{said.hexdigest()[:12]}"


def ensure(place: Place, suite: str, used: Collection[Path] = ()) -> Path:
    """Build the image unless it is there; return its folder: vmlinuz, initrd, root.img. *used* ones are kept."""
    wanted = folder(place, suite)
    if not wanted.is_dir():
        _ensure_tools(place)
        half = wanted.with_suffix(".new")
        with step(f"image of Debian {suite} guests"):
            build = ["sh", str(place.source / "guest" / "build.sh"), str(half), suite, mirrors()[0]]
            try:
                run_logged(build, place.logs / f"guest-{suite}.log")
                half.rename(wanted)
            finally:
                shutil.rmtree(half, ignore_errors=True)
    for older in place.guests.glob(f"image-{suite}-*"):
        if older != wanted and older not in used:
            shutil.rmtree(older, ignore_errors=True)
    return wanted


def _ensure_tools(place: Place) -> None:
    missing = [package for program, package in PROGRAMS.items() if not engine.program(program)]
    if not KEYRING.exists():
        missing.append("debian-archive-keyring")
    if missing:
        engine.install(place, missing)
