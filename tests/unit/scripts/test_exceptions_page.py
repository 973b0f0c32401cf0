# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of exceptions is made from the records, templates and all."""

from __future__ import annotations

from pathlib import Path

import pytest
from kronos_docs.collection import Collection
from kronos_docs.pages import _exceptions

ROOT = Path(__file__).resolve().parents[3]
RECORD = """
name: rough
image: docker.io/x/rough:1
user: {uid: "{{ kronos_uid }}", gid: "{{ kronos_gid }}"}
environment: {TZ: "{{ kronos_timezone }}", TOKEN: {secret: token}}
secrets: {token: {plain_env: It reads no file.}}
capabilities: [CHOWN]
devices: [/dev/dri]
reasons: {devices: It draws.}
"""


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    folder = tmp_path / "roles" / "many" / "services"
    folder.mkdir(parents=True)
    (folder / "rough.yml").write_text(RECORD)
    (tmp_path / ".ansible").symlink_to(ROOT / ".ansible")
    return Collection(tmp_path)


def test_every_exception_of_a_record_has_a_row(collection: Collection) -> None:
    text = _exceptions(collection)
    rows = [line.split(" | ")[2:] for line in text.splitlines() if line.startswith("| `rough` | many |")]
    assert rows == [
        ["`capabilities`", "the record states none |"],
        ["`devices`", "It draws. |"],
        ["`environment.TOKEN`", "It reads no file. |"],
        ["`read_only`", "the record states none |"],
    ]
