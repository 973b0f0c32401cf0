# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures in words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.failure_text import MOST_LINES, failure_lines, headline

TURNED_BACK = {
    "service": "radarr",
    "reason": "is not healthy after 20 s: does not give HTTP 2xx",
    "answer": 'HTTP 503: {"a":\n 1}',
    "logs": ["starts", "GET", "GET", "GET"],
    "restored": {"generation": 3, "healthy": True},
    "msg": 'stack media: radarr is not healthy after 20 s: does not give HTTP 2xx (last answer: HTTP 503: {"a":\n 1}). '
    "Generation 3 is back and healthy.\nLast lines of its log:\n  starts",
}
NO_ANSWER = {
    "service": "",
    "reason": "/opt: no space is left on the file system",
    "answer": "",
    "logs": [],
    "restored": {"generation": 0, "healthy": False},
    "msg": "stack media: /opt: no space is left on the file system. There is no version before it.",
}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(
            TURNED_BACK,
            [
                "service: radarr",
                "reason:  is not healthy after 20 s: does not give HTTP 2xx",
                'answer:  HTTP 503: {"a": 1}',
                "log:     starts",
                "         GET (3 times)",
                "now:     Generation 3 is back and healthy.",
            ],
            id="a change turned back",
        ),
        pytest.param(
            NO_ANSWER,
            ["reason:  /opt: no space is left on the file system", "now:     There is no version before it."],
            id="a step that failed",
        ),
        pytest.param(
            {**NO_ANSWER, "msg": "said otherwise"},
            ["reason:  /opt: no space is left on the file system", "now:     said otherwise"],
            id="a message of another shape is kept whole",
        ),
        pytest.param({"msg": "a\n\nb \n"}, ["a", "b"], id="words"),
        pytest.param({"msg": ["a", "b"]}, ["a", "b"], id="a list of words"),
        pytest.param({"msg": "Task failed: Module failed: boom"}, ["boom"], id="said under the name of the task"),
        pytest.param(
            {"msg": "non-zero return code", "rc": 2, "stdout": "out", "stderr": "err\nerr\n"},
            ["exit code 2", "stderr:", "  err (2 times)", "stdout:", "  out"],
            id="a program",
        ),
        pytest.param({"msg": "bad: err", "rc": 0, "stderr": "err"}, ["bad: err"], id="nothing is said twice"),
        pytest.param({"censored": "hidden", "msg": ""}, ["hidden"], id="no_log"),
        pytest.param({}, ["no message"], id="nothing"),
    ],
)
def test_lines(result: dict[str, Any], expected: list[str]) -> None:
    assert failure_lines(result) == expected


def test_of_a_long_output_only_the_end_is_shown() -> None:
    lines = failure_lines({"rc": 1, "stdout": "\n".join(str(number) for number in range(99))})
    assert lines[-1] == "  98"
    assert len(lines) == MOST_LINES + 2


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (TURNED_BACK, "radarr is not healthy after 20 s: does not give HTTP 2xx"),
        ({"msg": "a.\nb"}, "a"),
        ({"msg": "2 problems:\n  a\n  b"}, "2 problems: a"),
        ({"msg": "x" * 200}, "x" * 159 + "…"),
        ({}, "no message"),
    ],
)
def test_headline(result: dict[str, Any], expected: str) -> None:
    assert headline(result) == expected
