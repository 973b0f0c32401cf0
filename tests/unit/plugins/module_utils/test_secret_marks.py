# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Given secrets are compared by marks."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts, secret_marks

KEPT = {"one": "value-1", "text": "zwei\nZeilen é\r\n", "number": "42"}


@pytest.fixture
def host(tmp_path):
    """A host that keeps secrets of the service `vault`; gives what differs from the given ones."""
    folder = tmp_path / "secrets" / "vault"
    folder.mkdir(parents=True)
    for name, value in KEPT.items():
        (folder / name).write_bytes(value.encode())
    (folder / "undeclared").write_text("old")
    root = str(tmp_path / "receipts")
    files = {str(folder / name): None for name in [*KEPT, "lost"]}
    receipts.write("secret", "all", "d", {"files": files}, root=root)
    return lambda given, salt="s": secret_marks.differing(secret_marks.marks(given, "s"), salt, root=root)


@pytest.mark.parametrize(
    ("given", "differs"),
    [
        ({}, []),
        ({"vault": {**KEPT, "number": 42}}, []),
        ({"vault": {"one": "value-2", "number": 42}}, ["one"]),
        ({"vault": {"one": "value-1\n", "text": "zwei\nZeilen é\n"}}, ["one", "text"]),
        ({"vault": {"one": None, "undeclared": "new", "lost": "x", "never": "x"}}, []),
        ({"other": {"one": "x"}, "nothing": None}, []),
    ],
    ids=["none given", "the same", "another", "other line ends", "not ours to compare", "another service"],
)
def test_what_differs(host, given, differs):
    assert host(given) == [f"secret vault/{name}: the inventory gives another value" for name in differs]


def test_marks_say_nothing_without_the_value_and_the_salt(host):
    first, second = (secret_marks.marks({"vault": {"one": "value-1"}}, salt)["vault"]["one"] for salt in ("s", "t"))
    assert first != second
    assert "value-1" not in first
    assert host({"vault": {"one": "value-1"}}, salt="t") != []


def test_without_a_receipt_nothing_is_compared(tmp_path):
    given = secret_marks.marks({"vault": {"one": "x"}}, "s")
    assert secret_marks.differing(given, "s", root=str(tmp_path)) == []
