# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that need not be repeated."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts, settled

MEDIA, NETWORKS = ("stack", "media"), ("networks", "all")


@pytest.fixture
def root(tmp_path):
    folder = str(tmp_path)
    receipts.write(*MEDIA, "d", {"files": {}}, root=folder)
    receipts.write(*NETWORKS, "d", {"networks": {}}, root=folder)
    settled.note("m1", MEDIA, {"generation": 3}, root=folder)
    settled.note("n1", NETWORKS, {}, root=folder)
    settled.note("n2", NETWORKS, {}, root=folder)
    return folder


def known(root, differing=()):
    found = receipts.read_all(root=root)
    kept = [each for each in found if each["kind"] != settled.KIND]
    return settled.known_calls(kept, [each for each in found if each["kind"] == settled.KIND], differing)


@pytest.mark.parametrize(
    ("differing", "calls"),
    [
        ([], {"m1", "n1", "n2"}),
        (["stack--media"], {"n1", "n2"}),
        (["stack--other"], {"m1", "n1", "n2"}),
        (["networks--all"], set()),
        (["secret--all"], set()),
    ],
    ids=["all stands", "its stack differs", "another stack differs", "its own receipt differs", "secrets differ"],
)
def test_what_need_not_be_repeated(root, differing, calls):
    assert set(known(root, differing)) == calls


def test_a_call_keeps_what_holds_of_its_result(root):
    assert known(root)["m1"] == {"generation": 3}


def test_a_receipt_that_was_written_since_is_not_that_of_the_call(root):
    receipts.write(*NETWORKS, "d", {"networks": {"a": "1"}}, root=root)
    assert set(known(root)) == {"m1"}
    settled.note("n3", NETWORKS, {}, root=root)
    assert set(known(root)) == {"m1", "n3"}


@pytest.mark.parametrize("lost", [receipts.forget, lambda *about, root: settled.forget(about, root=root)])
def test_without_its_receipt_nothing_is_known(root, lost):
    lost(*MEDIA, root=root)
    assert set(known(root)) == {"n1", "n2"}


def test_what_is_forgotten_leaves_nothing(root, tmp_path):
    settled.forget(MEDIA, root=root)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["asked--networks--all.json", "networks--all.json"]


def test_no_receipt_nothing_to_note(root):
    settled.note("x", ("stack", "own"), {}, root=root)
    assert receipts.read(settled.KIND, "stack--own", root=root) is None


def test_a_note_that_cannot_be_understood_is_no_note(root, tmp_path):
    (tmp_path / "asked--stack--media.json").write_text("{")
    assert set(known(root)) == {"n1", "n2"}
    settled.note("m2", MEDIA, {}, root=root)
    assert set(known(root)) == {"m2", "n1", "n2"}
