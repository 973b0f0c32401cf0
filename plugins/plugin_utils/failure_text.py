# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failure as people read it: what is wrong first, then what helps to understand it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

MOST_LINES = 20
LOG_PART = "\nLast lines of its log:\n"
# What Ansible says of a program that ended badly; the exit code says it better.
EMPTY_WORDS = {"non-zero return code", "non-zero return code."}
# It is under the name of a failed task that this stands.
PREFIXES = ("Task failed: ", "Module failed: ")


def failure_lines(result: Mapping[str, Any]) -> list[str]:
    """Return the lines that tell of a failed task, without its name and its host."""
    lines = list(_stack(result) if result.get("reason") and "restored" in result else _plain(result))
    return lines or ["no message"]


def headline(result: Mapping[str, Any], longest: int = 160) -> str:
    """Return the failure in one line."""
    if result.get("reason") and "restored" in result:
        text = f"{result.get('service') or ''} {result['reason']}"
    else:
        first, *rest = failure_lines(result)
        text = f"{first} {rest[0]}" if rest and first.endswith(":") else first
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _stack(result: Mapping[str, Any]) -> Iterator[str]:
    """A change that was turned back: see the RETURN documentation of the module stack."""
    for key in ("service", "reason", "answer"):
        if result.get(key):
            yield f"{f'{key}:':9}{' '.join(str(result[key]).split())}"
    for number, line in enumerate(_tail(result.get("logs") or [])):
        yield f"{'log:' if number == 0 else '':9}{line}"
    yield f"{'now:':9}{_ending(result)}"


def _ending(result: Mapping[str, Any]) -> str:
    """What the module says after the reason: what stands now."""
    message = str(result.get("msg") or "").partition(LOG_PART)[0]
    said = str(result.get("answer") or result["reason"])
    _before, found, ending = message.rpartition(f"(last answer: {said}). " if result.get("answer") else f"{said}. ")
    return ending if found else message


def _plain(result: Mapping[str, Any]) -> Iterator[str]:
    text = _message(result)
    if text.strip().lower() not in EMPTY_WORDS:
        yield from (line.rstrip() for line in text.splitlines() if line.strip())
    if result.get("rc") not in (None, 0):
        yield f"exit code {result['rc']}"
    for key in ("stderr", "module_stderr", "stdout", "module_stdout"):
        said = str(result.get(key) or "").strip()
        if said and said not in text:
            yield f"{key.removeprefix('module_')}:"
            yield from (f"  {line}" for line in _tail(said.splitlines()))


def _message(result: Mapping[str, Any]) -> str:
    message = result.get("msg") or result.get("censored") or ""
    text = "\n".join(str(line) for line in message) if isinstance(message, list) else str(message)
    for prefix in PREFIXES:
        text = text.removeprefix(prefix)
    return text


def _tail(lines: list[str]) -> list[str]:
    """The last lines; one that comes again and again, as a probe in a log does, is shown once."""
    groups = [(line, len(list(same))) for line, same in groupby(str(line).rstrip() for line in lines)]
    return [line if count == 1 else f"{line} ({count} times)" for line, count in groups][-MOST_LINES:]
