# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storage_info module: shares of the receipt and mount points of others, right and wrong ones."""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.module_utils import receipts, share_state
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import Look, Mount
from ansible_collections.kronos.homelab.plugins.modules import storage_info as module

NFS = {"type": "nfs", "source": "nas:/x"}
MOUNTS = [
    Mount("/", "/", "/dev/vda1", "ext4", "254:1"),
    Mount("/mnt/a", "/", "nas:/x", "nfs4", "0:1", frozenset({"rw"})),
    Mount("/mnt/b", "/", "nas:/y", "nfs4", "0:2", frozenset({"rw"})),
    Mount("/srv", "/", "/dev/vdb", "ext4", "254:2", frozenset({"ro"})),
]


def test_what_is_there_and_what_is_wrong(monkeypatch, run_module, tmp_path):
    left = {"shares": {f"/mnt/{name}": {**NFS, "name": name} for name in "abc"}}
    monkeypatch.setattr(receipts, "read", lambda *_words: {"left": left})
    monkeypatch.setattr(module, "read_mounts", lambda: MOUNTS)
    monkeypatch.setattr(share_state, "GUARD_STATE", str(tmp_path / "state.json"))
    (tmp_path / "state.json").write_text('{"held": {"plex": "c"}}')
    asked = {}

    def look(questions, patience):
        asked.update({path: question.write for path, question in questions.items()}, patience=patience)
        return {path: Look(size=100, free=40, writable=question.write) for path, question in questions.items()}

    monkeypatch.setattr(module, "look_all", look)
    result = run_module(module, paths=["/srv"], patience=3)
    assert asked == {"/mnt/a": True, "/srv": False, "patience": 3}
    shown = [(one["name"], one["path"], one["mounted"], one["writable"], one["error"]) for one in result["shares"]]
    assert shown == [
        ("a", "/mnt/a", True, True, ""),
        ("b", "/mnt/b", False, False, "something else is mounted there"),
        ("c", "/mnt/c", False, False, "is not mounted"),
        ("", "/srv", True, False, ""),
    ]
    assert (result["changed"], result["held"], result["shares"][0]["free"]) == (False, {"plex": "c"}, 40)
