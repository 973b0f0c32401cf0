# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import stack_images
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("a:1", ("a", "1")),
        ("a", ("a", "latest")),
        ("registry:5000/a/b", ("registry:5000/a/b", "latest")),
        ("registry:5000/a/b:1.0", ("registry:5000/a/b", "1.0")),
        ("r/a:1@sha256:abc", ("r/a", "1")),
    ],
)
def test_split(ref, expected):
    assert stack_images.split(ref) == expected


def test_every_image_that_cannot_be_had_is_named_with_its_users():
    def run(argv, stdin="", timeout=0):
        bad = argv[-1].startswith("bad")
        return Ran(1 if bad else 0, "", f"Error: manifest for {argv[-1]} unknown" if bad else "")

    users = {"bad:1": ["web", "db"], "bad:2": ["x"], "good:1": ["y"]}
    with pytest.raises(KronosError) as failure:
        stack_images.pull_all(run, users, users)
    assert str(failure.value) == (
        "db, web: image bad:1 cannot be pulled: Error: manifest for bad:1 unknown; "
        "x: image bad:2 cannot be pulled: Error: manifest for bad:2 unknown"
    )
    stack_images.pull_all(run, ["good:1"], users)
