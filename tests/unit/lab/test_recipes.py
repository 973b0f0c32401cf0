# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, hashes and build arguments that follow from the table of images."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from kronoslab import recipes
from kronoslab.console import LabError

SOURCE = Path(__file__).resolve().parents[3] / "molecule" / "lab"
TABLE = recipes.load_table(SOURCE)

SMALL = """
[base]
suite = "trixie"
include = ["ca-certificates"]

[[layer]]
name = "python"
recipe = "python"
layers = ["base"]

[[image]]
ref = "docker.io/kronos/echo:1.0"
recipe = "echo"
layers = ["python"]
kind = "stand-in"
args = {COLOUR = "red"}
standin = {name = "echo", version = "1.0", port = 8080}

[[image]]
ref = "docker.io/library/other:2"
recipe = "other"
layers = ["base"]
kind = "real"
"""
ECHO, OTHER = "docker.io/kronos/echo:1.0", "docker.io/library/other:2"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "images.toml").write_text(SMALL)
    for name in ("python", "echo", "other"):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path


def hashes(source: Path) -> dict[str, str]:
    table = recipes.load_table(source)
    return {name: recipes.recipe_hash(table, name) for name in ("base", "python", ECHO, OTHER)}


def edit(source: Path, old: str, new: str) -> None:
    path = source / "images.toml"
    path.write_text(path.read_text().replace(old, new))


def test_same_files_same_hash_elsewhere(source: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy") / "lab"
    shutil.copytree(source, copy)
    assert hashes(copy) == hashes(source)


@pytest.mark.parametrize(
    ("change", "rebuilt"),
    [
        (lambda s: edit(s, '"trixie"', '"forky"'), {"base", "python", ECHO, OTHER}),
        (lambda s: (s / "images/python/Dockerfile").write_text("FROM x\n"), {"python", ECHO}),
        (lambda s: (s / "images/echo/extra").write_text(""), {ECHO}),
        (lambda s: (s / "images/echo/Dockerfile").chmod(0o755), {ECHO}),
        (lambda s: edit(s, '"red"', '"blue"'), {ECHO}),
        (lambda s: edit(s, "port = 8080", "port = 8081"), {ECHO}),
        (lambda s: edit(s, 'kind = "real"', 'kind = "stand-in"'), {OTHER}),
        (lambda s: edit(s, "# nothing", "# still nothing"), set()),
    ],
    ids=["base", "layer", "new file", "mode", "argument", "stand-in", "kind", "no change"],
)
def test_a_change_rebuilds_what_it_touches(source: Path, change: object, rebuilt: set[str]) -> None:
    before = hashes(source)
    change(source)  # type: ignore[operator]
    after = hashes(source)
    assert {name for name in before if before[name] != after[name]} == rebuilt


def test_editor_leftovers_do_not_count(source: Path) -> None:
    before = hashes(source)
    (source / "images/echo/__pycache__").mkdir()
    (source / "images/echo/__pycache__/x.pyc").write_bytes(b"x")
    assert hashes(source) == before


@pytest.mark.parametrize(
    ("ref", "mirrored"),
    [
        (
            "docker.io/library/traefik:v3.7.15",
            "registry.kronos-lab:5000/docker.io/library/traefik:v3.7.15",
        ),
        ("lscr.io/linuxserver/radarr:5.26.2", "registry.kronos-lab:5000/lscr.io/linuxserver/radarr:5.26.2"),
    ],
)
def test_mirror_name(ref: str, mirrored: str) -> None:
    assert recipes.mirror_name(ref) == mirrored


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("docker.io/prom/prometheus:v2.53.3", ("docker.io/prom/prometheus", "v2.53.3")),
        ("localhost:5000/a/b:1", ("localhost:5000/a/b", "1")),
    ],
)
def test_split_ref(ref: str, expected: tuple[str, str]) -> None:
    assert recipes.split_ref(ref) == expected


@pytest.mark.parametrize("ref", ["docker.io/prom/prometheus", "localhost:5000/a/b"])
def test_split_ref_without_tag(ref: str) -> None:
    with pytest.raises(LabError, match="without a tag"):
        recipes.split_ref(ref)


def test_a_layer_of_another_release_stands_on_its_base(source: Path) -> None:
    edit(
        source,
        'name = "python"',
        'name = "python-old"\nrecipe = "python"\nsuite = "bookworm"\nlayers = ["base"]\n\n[[layer]]\nname = "python"',
    )
    table = recipes.load_table(source)
    old, new = recipes.build_args(table, "python-old"), recipes.build_args(table, "python")
    assert f"BASE={recipes.local_name(table, 'base-bookworm')}" in old
    assert f"BASE={recipes.local_name(table, 'base')}" in new
    assert recipes.local_name(table, "base-bookworm").startswith("kronos-lab/base-bookworm:")
    assert recipes.base_suite(table, "base-bookworm") == "bookworm"
    assert recipes.base_suite(table, "base") == "trixie"
    assert recipes.base_suite(table, "python") == ""
    assert recipes.recipe_hash(table, "base-bookworm") != recipes.recipe_hash(table, "base")


def test_local_name_keeps_the_upstream_name_and_carries_the_hash(source: Path) -> None:
    table = recipes.load_table(source)
    found = recipes.recipe_hash(table, ECHO)
    assert recipes.local_name(table, ECHO) == f"kronos-lab/docker.io/kronos/echo:1.0-{found}"
    assert recipes.local_name(table, "base") == f"kronos-lab/base:{recipes.recipe_hash(table, 'base')}"


def test_build_args(source: Path) -> None:
    table = recipes.load_table(source)
    args = recipes.build_args(table, ECHO)
    assert args[:4] == ["build", "--network=host", "--force-rm", "--tag"]
    assert args[4] == recipes.local_name(table, ECHO)
    pairs = [(args[i], args[i + 1]) for i in range(len(args) - 1)]
    assert ("--label", "kronos.lab=true") in pairs
    assert ("--label", "kronos.standin=true") in pairs
    assert ("--build-arg", "COLOUR=red") in pairs
    assert ("--build-arg", f"PYTHON={recipes.local_name(table, 'python')}") in pairs
    assert "kronos.standin=true" not in recipes.build_args(table, OTHER)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('layers = ["python"]', 'layers = ["perl"]', "unknown layer perl"),
        ('recipe = "echo"', 'recipe = "ecko"', "no Dockerfile in images/ecko"),
    ],
)
def test_a_row_that_cannot_be_built(source: Path, old: str, new: str, message: str) -> None:
    edit(source, old, new)
    with pytest.raises(LabError, match=message):
        recipes.load_table(source)


def test_the_table_names_pinned_tags_only() -> None:
    assert TABLE.images
    for ref in TABLE.images:
        registry, _slash, rest = ref.partition("/")
        tag = recipes.split_ref(ref)[1]
        assert "." in registry, ref
        assert "/" in rest, ref
        assert tag != "latest", ref


def test_stand_ins_say_so_and_real_programs_do_not() -> None:
    for ref, recipe in TABLE.images.items():
        assert recipe.kind in ("real", "stand-in"), ref
        if recipe.standin is not None:
            assert recipe.kind == "stand-in", ref


def test_every_recipe_folder_is_in_the_table() -> None:
    used = {recipe.recipe for recipe in (*TABLE.layers.values(), *TABLE.images.values())}
    assert {folder.name for folder in TABLE.folder.iterdir()} == {*used, "base"}


def test_the_lab_has_every_image_of_the_catalogue() -> None:
    records = sorted(SOURCE.parents[1].glob("roles/*/services/*.yml"))
    wanted = {match[1] for path in records if (match := re.search(r"^image: (\S+)", path.read_text(), re.MULTILINE))}
    assert wanted
    assert wanted <= set(TABLE.images)
