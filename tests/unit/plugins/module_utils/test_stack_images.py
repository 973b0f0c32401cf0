# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import stack_images
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, advice
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


HEAD = "Error response from daemon: "
GET = f'{HEAD}Get "https://r:5000/v2/": '
SAID = [
    (f"{GET}dial tcp: lookup r on 127.0.0.53:53: read: connection refused", "cannot resolve the name"),
    (f"{GET}dial tcp: lookup r: no such host", "cannot resolve the name"),
    (
        f"{GET}tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "kronos_image_mirror_ca",
    ),
    (f"{GET}x509: certificate has expired or is not yet valid", "is not trusted"),
    (f"{GET}dial tcp 192.0.2.1:5000: connect: connection refused", "does not answer"),
    (f"{GET}dial tcp 192.0.2.1:5000: connect: no route to host", "does not answer"),
    (f"{GET}net/http: request canceled while waiting for connection (Client.Timeout exceeded)", "does not answer"),
    (f"{GET}EOF", "does not answer"),
    (f"{HEAD}manifest for r:5000/a:1 not found: manifest unknown: manifest unknown", "check its name and tag"),
    (f"{HEAD}pull access denied for a, repository does not exist or may require 'docker login': denied", "a login"),
    (f"{HEAD}toomanyrequests: You have reached your pull rate limit", "allows no more for now"),
    ("write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "no space is left for images"),
    ("something that nobody has seen", ""),
]


@pytest.mark.parametrize(("said", "hint"), SAID, ids=range(len(SAID)))
def test_what_to_look_at(said, hint):
    found = advice(said, stack_images.ADVICE)
    assert hint in found
    assert bool(hint) is bool(found)


def test_a_pull_that_fails_says_what_to_look_at():
    with pytest.raises(KronosError, match=r"image a:1 cannot be pulled: x509: \w+ \(its certificate is not trusted"):
        stack_images.pull(lambda argv, timeout: Ran(1, "", "x509: bad"), "a:1")
