# SPDX-License-Identifier: GPL-3.0-or-later
"""Building the images of the table: the Debian base by mmdebstrap, the rest by `docker build`."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import threading
import zipfile
from pathlib import Path

from . import engine
from .console import LabError, run, run_logged, step
from .place import LABEL, Place
from .recipes import LOCAL, Table, base_suite, build_args, local_name

DEBIAN = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"


class Builder:
    """Builds each image at most once, its layers first; safe to call from several threads."""

    def __init__(self, place: Place, table: Table) -> None:
        self.place = place
        self.table = table
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def ensure(self, name: str) -> str:
        """Build a row unless it is there already; return its name on the engine."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        wanted = local_name(self.table, name)
        with lock:
            if not image_exists(wanted):
                if suite := base_suite(self.table, name):
                    self._base(wanted, suite)
                else:
                    for layer in self.table.row(name).below.values():
                        self.ensure(layer)
                    self._build(name)
                _forget_older(wanted)
        return wanted

    def _base(self, wanted: str, suite: str) -> None:
        """Debian from its packages; an ordinary user without mmdebstrap gets upstream's image instead."""
        root = os.geteuid() == 0
        if root and not shutil.which("mmdebstrap") and shutil.which("apt-get"):
            engine.install(self.place, ["mmdebstrap", "debian-archive-keyring"])
        with step(f"Debian {suite} base image"):
            if shutil.which("mmdebstrap") and (root or shutil.which("newuidmap")):
                self._bootstrap(wanted, suite)
            else:
                self._pull_base(wanted, suite)

    def _bootstrap(self, wanted: str, suite: str) -> None:
        debian, security = mirrors()
        sources = [
            f"deb {debian} {suite} main",
            f"deb {debian} {suite}-updates main",
            f"deb {security} {suite}-security main",
        ]
        with tempfile.TemporaryDirectory(prefix="kronos-lab-") as folder:
            tar = Path(folder) / "base.tar"
            include = f"--include={','.join(self.table.base['include'])}"
            keyring = "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg"
            run_logged(
                ["mmdebstrap", "--variant=minbase", include, keyring, suite, str(tar), *sources],
                self.place.logs / "base.log",
            )
            imported = ["docker", "import", "--change", f"LABEL {LABEL}", str(tar), wanted]
            run_logged(imported, self.place.logs / "base.log")

    def _pull_base(self, wanted: str, suite: str) -> None:
        args = ["docker", "build", "--network=host", "--force-rm", "--tag", wanted, "--label", LABEL]
        args += ["--build-arg", f"SUITE={suite}", "--build-arg", f"INCLUDE={' '.join(self.table.base['include'])}"]
        try:
            run_logged([*args, str(self.table.folder / "base")], self.place.logs / "base.log")
        except LabError as error:
            remedy = "as an ordinary user the lab needs the packages mmdebstrap and uidmap, or a reachable docker.io"
            raise LabError(f"{remedy}\n   {error}") from error

    def _build(self, name: str) -> None:
        recipe = self.table.row(name)
        with step(f"image {name}"), tempfile.TemporaryDirectory(prefix="kronos-lab-") as folder:
            context = Path(folder) / "context"
            shutil.copytree(self.table.folder / recipe.recipe, context, ignore=shutil.ignore_patterns("__pycache__"))
            if recipe.standin is not None:
                (context / "standin.json").write_text(json.dumps(recipe.standin) + "\n")
            if recipe.wheel:
                unpack_wheel(self._wheel(recipe.wheel), context / "wheel")
            _plain_modes(context)
            log = self.place.logs / f"image-{re.sub(r'[^a-z0-9.]+', '-', name)}.log"
            run_logged(["docker", *build_args(self.table, name), str(context)], log)

    def _wheel(self, requirement: str) -> Path:
        """Download a wheel once; pip picks the one for this machine's architecture."""
        folder = self.place.state / "wheels" / requirement
        found = sorted(folder.glob("*.whl"))
        if not found:
            log = self.place.logs / "wheels.log"
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            run_logged([*pip, "--dest", str(folder), requirement], log)
            found = sorted(folder.glob("*.whl"))
        if len(found) != 1:
            raise LabError(f"expected one wheel in {folder}, found {len(found)}")
        return found[0]


def image_exists(name: str) -> bool:
    """Whether the engine has an image."""
    return run(["docker", "image", "inspect", "--format", "{{.Id}}", name], check=False).returncode == 0


def mirrors() -> tuple[str, str]:
    """The Debian and the security mirror that this machine is set up to use, else Debian's own."""
    folder = Path("/etc/apt/sources.list.d")
    paths = [Path("/etc/apt/sources.list"), *folder.glob("*.list"), *folder.glob("*.sources")]
    return mirrors_in("\n".join(path.read_text(errors="replace") for path in sorted(paths) if path.is_file()))


def mirrors_in(text: str) -> tuple[str, str]:
    """The two mirrors named in apt's sources, in either of its two formats."""
    lines = [line for line in text.splitlines() if re.match(r"\s*(URIs:|deb\s)", line)]
    found = re.findall(r"(https?://\S+?/debian(?:-security)?)/?(?=\s|$)", "\n".join(lines))
    debian = next((uri for uri in found if uri.endswith("/debian")), DEBIAN)
    security = next((uri for uri in found if uri.endswith("-security")), SECURITY)
    return debian, security


def unpack_wheel(wheel: Path, folder: Path) -> None:
    """Put the programs of a wheel (its scripts folder) into `folder`, executable."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        scripts = [n for n in archive.namelist() if ".data/scripts/" in n and not n.endswith("/")]
        if not scripts:
            raise LabError(f"no program in {wheel.name}")
        for member in scripts:
            target = folder / Path(member).name
            with archive.open(member) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out)
            target.chmod(0o755)


def _plain_modes(context: Path) -> None:
    """The umask of whoever checked out must not show in an image."""
    for path in context.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _forget_older(wanted: str) -> None:
    """Remove earlier builds of the same image that nothing uses (the engine refuses the others)."""
    repository, _colon, tag = wanted.rpartition(":")
    upstream = tag.rpartition("-")[0]
    listed = run(["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", repository], check=False).stdout
    for name in listed.split():
        if name != wanted and name.rpartition(":")[2].rpartition("-")[0] == upstream and name.startswith(LOCAL):
            run(["docker", "rmi", name], check=False)
