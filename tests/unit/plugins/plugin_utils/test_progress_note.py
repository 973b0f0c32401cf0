# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note about a long task, fetched and put in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.plugin_utils import progress_note
from ansible_collections.kronos.homelab.plugins.plugin_utils.progress_note import RemoteNote, describe, understand

NOTE = {"phase": "health", "names": ["radarr"], "done": 0, "total": 1, "since": 95.0, "said": "", "back_to": 0}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "waiting for radarr to be healthy"),
        ({"names": ["a", "b"], "total": 2}, "waiting for a and b to be healthy"),
        ({"names": ["a", "b", "c"], "total": 6, "done": 1}, "waiting for a, b and 3 more to be healthy"),
        ({"names": ["c"], "total": 3, "done": 2}, "waiting for c to be healthy"),
        ({"phase": "pull", "names": ["r/a:1"]}, "pulling r/a:1"),
        ({"phase": "pull", "names": ["r/a:1", "r/b:1"], "total": 3, "done": 1}, "pulling 3 images (2 of 3: r/a:1)"),
        ({"phase": "start"}, "starting radarr"),
        ({"phase": "stop"}, "stopping radarr"),
        ({"phase": "reload"}, "reloading radarr"),
        ({"back_to": 3, "phase": "start"}, "going back to version 3: starting radarr"),
        ({"phase": "dance"}, ""),
        ({"names": []}, ""),
    ],
)
def test_words(change: dict[str, Any], expected: str) -> None:
    assert describe({**NOTE, **change}) == expected


UPTIME = "100.50 333.00\n"


@pytest.mark.parametrize(
    ("text", "running", "age"),
    [
        pytest.param(UPTIME + json.dumps(NOTE), 6.0, 5.5, id="a note"),
        pytest.param("Welcome!\n" + UPTIME + json.dumps(NOTE) + "\n", 6.0, 5.5, id="behind a login message"),
        pytest.param(UPTIME + json.dumps({**NOTE, "since": 100.9}), 6.0, 0.0, id="begun just now"),
        pytest.param(UPTIME + json.dumps(NOTE), 3.0, None, id="older than the task: left by one that died"),
        pytest.param(UPTIME, 6.0, None, id="no note"),
        pytest.param(json.dumps(NOTE), 6.0, None, id="no uptime"),
        pytest.param(UPTIME + "{half", 6.0, None, id="no JSON"),
        pytest.param(UPTIME + "{}", 6.0, None, id="no time"),
        pytest.param("", 6.0, None, id="nothing"),
    ],
)
def test_what_the_host_answers(text: str, running: float, age: float | None) -> None:
    note, found = understand(text, running)
    assert (bool(note), found) == (age is not None, age or 0.0)


def test_the_host_is_asked_now_and_then_and_time_goes_on_between() -> None:
    now, asked = [0.0], []

    def ask(command: str) -> str:
        asked.append(command)
        return f"{100.5 + now[0]:.2f} 1.00\n" + json.dumps({**NOTE, "since": 101.5, "said": "HTTP 503"})

    note = RemoteNote("media", "Media", ask, pause=3.0, clock=lambda: now[0])
    seen = {}
    for second in (5, 6, 7, 8):
        now[0] = second
        seen[second] = note.look(), len(asked)
    assert seen == {
        5: ("media: waiting for radarr to be healthy, 4 s (HTTP 503)", 1),
        6: ("media: waiting for radarr to be healthy, 5 s (HTTP 503)", 1),
        7: ("media: waiting for radarr to be healthy, 6 s (HTTP 503)", 1),
        8: ("media: waiting for radarr to be healthy, 7 s (HTTP 503)", 2),
    }
    assert asked[0] == "cat /proc/uptime /run/kronos-progress/media.json 2>/dev/null"


def test_both_sides_mean_the_same_file() -> None:
    assert Layout("media").progress == f"{progress_note.FOLDER}/media.json"


def test_a_name_is_no_command_and_an_answer_steers_no_terminal() -> None:
    assert progress_note.command("a b;reboot") == "cat /proc/uptime '/run/kronos-progress/a b;reboot.json' 2>/dev/null"
    note = RemoteNote(
        "media", "Media", lambda _: UPTIME + json.dumps({**NOTE, "names": ["a\x1b[2Jb\n"], "since": 100.5})
    )
    assert note.look() == "media: waiting for a[2Jb to be healthy, 0 s"


def test_without_a_note_the_task_is_told_when_it_takes_long() -> None:
    now = [0.0]
    note = RemoteNote("media", "Converge media", lambda _: "", clock=lambda: now[0])
    now[0] = 6.0
    assert note.look() == ""
    now[0] = 12.0
    assert note.look() == "Converge media, 12 s"


@pytest.mark.parametrize(("seconds", "expected"), [(0.4, "0 s"), (119.9, "119 s"), (125, "2 min 5 s")])
def test_durations(seconds: float, expected: str) -> None:
    assert progress_note.duration(seconds) == expected
