# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note about a long task: what is in it, who may read it, and that it never gets in the way."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import progress as tested
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.progress import HEALTH, PULL, SILENT, Progress, uptime
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import IMAGE, TOKEN, demo_host, stack


def note(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def test_a_phase_from_its_begin_to_its_end(tmp_path: Path) -> None:
    path, times = tmp_path / "notes" / "media.json", iter([10.5, 20.0])
    progress = Progress(str(path), lambda: next(times))
    progress.begin(PULL, ["b", "a"])
    first = {"phase": "pull", "names": ["a", "b"], "done": 0, "total": 2, "since": 10.5, "said": "", "back_to": 0}
    assert note(path) == first
    progress.done("a")
    assert note(path) == {**first, "names": ["b"], "done": 1}
    progress.going_back(3)
    progress.begin(HEALTH, ["radarr"])
    assert note(path) == {**first, "phase": "health", "names": ["radarr"], "total": 1, "since": 20.0, "back_to": 3}
    progress.end()
    assert not path.exists()
    progress.end()


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("HTTP 503: token=hunter2", "HTTP 503"),
        ("connection refused (port 7878)", ""),
        ("hunter2 HTTP 200", ""),
        ("", ""),
    ],
)
def test_of_an_answer_only_the_status_is_kept(tmp_path: Path, answer: str, kept: str) -> None:
    path = tmp_path / "media.json"
    progress = Progress(str(path))
    progress.begin(HEALTH, ["radarr"])
    progress.said("radarr", answer)
    assert note(path)["said"] == kept
    assert "hunter2" not in path.read_text()


def test_everybody_may_read_it_and_only_its_owner_write(tmp_path: Path) -> None:
    path = tmp_path / "notes" / "media.json"
    previous = os.umask(0o077)
    try:
        Progress(str(path)).begin(PULL, ["a"])
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755


def test_what_cannot_be_written_does_not_stop_the_task(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    progress = Progress(str(blocked / "media.json"))
    progress.begin(PULL, ["a"])
    progress.done("a")
    progress.end()


def test_nothing_is_written_where_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "media.json"
    progress = Progress(str(path))
    progress.begin(HEALTH, ["radarr"])
    before = path.stat().st_ino
    progress.said("radarr", "")
    progress.said("sonarr", "HTTP 503")
    progress.done("sonarr")
    assert path.stat().st_ino == before


def test_the_silent_one_writes_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    SILENT.begin(PULL, ["a"])
    SILENT.said("a", "HTTP 503")
    SILENT.done("a")
    SILENT.end()
    assert list(tmp_path.iterdir()) == []


def test_seconds_since_boot() -> None:
    assert 0 < uptime() <= float(Path("/proc/uptime").read_text().split()[0])


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every note that is written."""
    written: list[dict[str, Any]] = []
    replace = tested._replace

    def spy(path: str, text: str) -> None:
        written.append(json.loads(text))
        replace(path, text)

    monkeypatch.setattr(tested, "_replace", spy)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    return written


def phases(notes: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(one["phase"], " ".join(one["names"]), one["back_to"]) for one in notes if not one["done"]]


def test_a_whole_stack_tells_its_phases_and_leaves_no_note(tmp_path: Path, notes: list[dict[str, Any]]) -> None:
    host = demo_host(tmp_path)
    host.converge(check=True, **stack(host))
    assert notes == []
    host.converge(**stack(host))
    assert phases(notes) == [
        ("pull", f"{IMAGE}1.0", 0),
        ("start", "rules web", 0),
        ("health", "web", 0),
        ("start", "late once", 0),
        ("health", "late once rules", 0),
    ]
    assert not os.path.exists(host.layout().progress)
    assert TOKEN not in json.dumps(notes)
    notes.clear()
    assert not host.converge(**stack(host))["changed"]
    assert notes == []


def test_going_back_is_told(tmp_path: Path, notes: list[dict[str, Any]]) -> None:
    host = demo_host(tmp_path)
    host.converge(**stack(host))
    notes.clear()
    with pytest.raises(KronosError):
        host.converge(**stack(host, web="sick"))
    assert phases(notes) == [
        ("pull", f"{IMAGE}sick", 0),
        ("start", "web", 0),
        ("health", "late once web", 0),
        ("start", "web", 1),
        ("health", "web", 1),
    ]
    assert "HTTP 503" in [one["said"] for one in notes]
    assert not os.path.exists(host.layout().progress)
