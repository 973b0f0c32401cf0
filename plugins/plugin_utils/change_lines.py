# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The things that a task changed, one line each: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NAMESPACE = "kronos.homelab."


@dataclass(frozen=True)
class Change:
    """*subject* was (or would be) *done*, because of *why*."""

    subject: str
    done: str
    why: str = ""

    def line(self, check: bool) -> str:
        """Return it as a sentence; in check mode about what would be."""
        why = f" ({self.why})" if self.why else ""
        return f"{self.subject} {'would be ' if check else ''}{self.done}{why}"


def changes_of(action: str, result: Mapping[str, Any], task: str, item: str = "") -> list[Change]:
    """Return what a task that reports a change has done.

    *action* is the full name of the module. What its result does not tell is said with the name of the *task* and
    the *item* of its loop.
    """
    tell = TELLERS.get(action.removeprefix(NAMESPACE)) if action.startswith(NAMESPACE) else None
    found = list(tell(result)) if tell else []
    return found or [Change(f"{task} [{item}]:" if item else f"{task}:", "changed")]


def _stack(result: Mapping[str, Any]) -> Iterator[Change]:
    stack = str(_arguments(result).get("name", "stack"))
    told = False
    for name, action in sorted((result.get("actions") or {}).items()):
        done, keys = str(action.get("action")), ", ".join(str(key) for key in action.get("keys") or ())
        if done == "unchanged" and keys:
            done = "proved healthy"
        elif done == "unchanged":
            continue
        told = True
        yield Change(f"{stack}: {name}", done, keys)
    if not told:
        yield from (Change(f"{stack}: {one.subject}", one.done) for one in _written(result))


def _packages(result: Mapping[str, Any]) -> Iterator[Change]:
    yield from (Change(f"package {name}", "installed") for name in result.get("installed") or ())


def _networks(result: Mapping[str, Any]) -> Iterator[Change]:
    yield from (Change(f"network {name}", "created") for name in result.get("created") or ())
    for name, members in (result.get("recreated") or {}).items():
        yield Change(f"network {name}", "made anew", f"with {', '.join(members)}" if members else "")
    yield from (Change(f"network {name}", "removed") for name in result.get("removed") or ())


def _files(result: Mapping[str, Any]) -> Iterator[Change]:
    for key, done in (("created", "created"), ("updated", "changed"), ("removed", "removed")):
        yield from (Change(f"file {path}", done) for path in result.get(key) or ())


def _secret(result: Mapping[str, Any]) -> Iterator[Change]:
    for name, done in (result.get("actions") or {}).items():
        yield Change(f"secret {name}", "taken from the inventory" if done == "given" else str(done))


def _internal_ca(result: Mapping[str, Any]) -> Iterator[Change]:
    if result.get("root"):
        yield Change("certificate authority", str(result["root"]))
    for name, reason in (result.get("issued") or {}).items():
        yield Change(f"certificate {name}", "issued", str(reason))
    if not result.get("root") and not result.get("issued"):
        yield from _written(result)


def _units(result: Mapping[str, Any]) -> Iterator[Change]:
    enabled, started = list(result.get("enabled") or ()), list(result.get("started") or ())
    yield from _files_written(result)
    for name in sorted({*enabled, *started}):
        done = [word for word, names in (("enabled", enabled), ("started", started)) if name in names]
        yield Change(f"unit {name}", " and ".join(done))


def _docker_daemon(result: Mapping[str, Any]) -> Iterator[Change]:
    keys = ", ".join(str(key) for key in result.get("keys") or ())
    if keys:
        yield Change("Docker's settings", "changed", keys)
    yield from (one for one in _files_written(result) if not (keys and one.subject.endswith("/daemon.json")))
    if result.get("service"):
        words = {"start": "started", "restart": "restarted", "reload": "reloaded"}
        yield Change("Docker", words.get(str(result["service"]), str(result["service"])))


def _written(result: Mapping[str, Any]) -> Iterator[Change]:
    """What the diff of our modules names, which they return whether or not it is shown."""
    diff, seen = result.get("diff") or [], set()
    for entry in [diff] if isinstance(diff, Mapping) else diff:
        header = str(entry.get("before_header") or entry.get("after_header") or "")
        name = header.partition(" (")[0]
        if not name or name in seen:
            continue
        seen.add(name)
        done = "removed" if not entry.get("after") else "changed" if entry.get("before") else "created"
        yield Change(f"file {name}" if name.startswith("/") else name, done)


def _files_written(result: Mapping[str, Any]) -> Iterator[Change]:
    yield from (one for one in _written(result) if one.subject.startswith("file "))


def _arguments(result: Mapping[str, Any]) -> Mapping[str, Any]:
    return (result.get("invocation") or {}).get("module_args") or {}


TELLERS: dict[str, Callable[[Mapping[str, Any]], Iterator[Change]]] = {
    "docker_daemon": _docker_daemon,
    "files": _files,
    "internal_ca": _internal_ca,
    "networks": _networks,
    "packages": _packages,
    "secret": _secret,
    "stack": _stack,
    "units": _units,
}
