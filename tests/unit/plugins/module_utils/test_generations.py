# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import generations
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.generations import Generation, Image
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import demo_host, stack

REF = "registry.example:5000/kronos/echo:1.0"
DIGEST = "registry.example:5000/kronos/echo@sha256:d1"


class Engine:
    """Images by reference or id."""

    def __init__(self, **images):
        self.images = {name.replace("REF", REF): image for name, image in images.items()}

    def image(self, ref):
        found = self.images.get(ref) or (ref if ref in self.images.values() else None)
        return {"Id": found} if found else None

    def tag(self, image, repository, tag):
        self.images[f"{repository}:{tag}"] = self.image(image)["Id"]


RESTORED = [
    ("nothing to do", {"REF": "id-old"}, (DIGEST,), []),
    ("a tag that moved", {"REF": "id-new", "kronos.local/x:1": "id-old"}, (DIGEST,), []),
    ("lost, fetched by its digest", {"REF": "id-new"}, ("other/repo@sha256:x", DIGEST), [DIGEST]),
    ("lost, never in a registry", {}, (), [REF]),
]


@pytest.mark.parametrize(("name", "present", "digests", "pulled"), RESTORED, ids=[one[0] for one in RESTORED])
def test_references_mean_again_what_they_meant(name, present, digests, pulled):
    engine, fetched = Engine(**present), []

    def run(argv, stdin="", timeout=0):
        fetched.append(argv[-1])
        engine.images[argv[-1]] = "id-old"
        return Ran(0, "", "")

    generation = Generation(1, None, {"web": Image(REF, "id-old", digests)})
    generations.restore_images(generation, engine, run)
    assert fetched == pulled
    assert engine.image(REF) == {"Id": "id-old"}


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    found = demo_host(tmp_path)
    found.converge(**stack(found))
    return found


def test_a_generation_comes_back_whole(host):
    kept = generations.load(1, host.layout())
    assert kept.rendered.digest
    assert {os.path.basename(one.path) for one in kept.rendered.files if one.secret} == {"web.env", "db"}
    assert sorted(kept.images) == ["late", "once", "rules", "web"]
    folder = f"{host.layout().generations}/1"
    paths = [os.path.join(at, name) for at, _folders, names in os.walk(folder) for name in names]
    modes = {oct(os.stat(path).st_mode & 0o777) for path in paths}
    assert modes == {"0o600"}


@pytest.mark.parametrize("damage", ["generation.json", "compose.yml", "files/web/config/a.yml"])
def test_a_damaged_generation_is_refused_in_one_line(host, damage):
    os.unlink(f"{host.layout().generations}/1/{damage}")
    with pytest.raises(KronosError, match="generation 1 is not there or not whole; kept: 1"):
        generations.load(1, host.layout())


def test_one_of_an_earlier_collection_may_hold_more(host):
    path = f"{host.layout().generations}/1/generation.json"
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text.replace('"parts": {', '"more": 1, "parts": {'))
    assert generations.load(1, host.layout()).number == 1


def test_before(host):
    for number in ("3", "7", ".new-9", "junk"):
        os.makedirs(f"{host.layout().generations}/{number}")
    assert generations.numbers(host.layout()) == [1, 3, 7]
    assert [generations.before(number, host.layout()) for number in (8, 7, 3, 1)] == [7, 3, 1, 0]
