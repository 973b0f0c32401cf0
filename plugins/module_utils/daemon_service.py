# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's service: how it stands, and making it run with a new configuration or else with the old one again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import atomic, receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.daemon import UNIT, DaemonChange, Paths, Service
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import Engine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner

PID_FILE = "/run/docker.pid"
TELLING = ("failed to start daemon", "unable to configure", "validation failed", "error initializing")


class DockerHost:
    """The outside that this module works on: programs, the engine behind its socket, time."""

    def __init__(
        self,
        run: Runner,
        engine: Callable[[], Engine] = Engine,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        pid_file: str = PID_FILE,
    ) -> None:
        self.run = run
        self.engine = engine
        self.now = now
        self.sleep = sleep
        self.pid_file = pid_file


def read_service(host: DockerHost, config: str, left: Mapping[str, Any]) -> Service:
    """How the service stands now; on a host without Docker, or without systemd, it is off."""
    try:
        answer = host.run(["systemctl", "show", UNIT, "--property=LoadState,UnitFileState,ActiveState"])
    except KronosError:
        return Service(installed=False)
    found = dict(line.split("=", 1) for line in answer.out.splitlines() if "=" in line)
    if answer.code or found.get("LoadState") != "loaded":
        return Service(installed=False)
    active = found.get("ActiveState") == "active"
    return Service(found.get("UnitFileState") == "enabled", active, active and _outdated(host, config, left))


def check_text(host: DockerHost, text: bytes) -> None:
    """Let dockerd itself judge a configuration before anything is touched. Raises KronosError with its words."""
    try:
        answer = host.run(["dockerd", "--validate", "--config-file=/dev/stdin"], stdin=text.decode(), timeout=30)
    except KronosError:
        return  # no engine yet
    said = f"{answer.out}\n{answer.err}".replace("/dev/stdin", "daemon.json")
    if answer.code and "unknown flag" not in said:
        raise KronosError(f"Docker refuses these settings, nothing was changed: {_reason(said)}")


def carry_out(change: DaemonChange, host: DockerHost, paths: Paths, wait: float) -> None:
    """Write the files and make the service run with them.

    Where it does not come up within *wait* seconds, the former daemon.json is put back and the service started again;
    then KronosError says why it failed.
    """
    tree.apply(change.files)
    if change.enable:
        _systemctl(host, "enable", UNIT)
    if not change.service:
        return
    started = host.now()
    failure = _switch(change, host, wait)
    if not failure:
        return
    reason = _journal(host, started) or failure
    if not change.keys:
        raise KronosError(f"Docker did not come up: {reason}")
    _put_back(change.before, paths.config)
    _restart(host)
    again = _await(host, wait)
    then = f"and even with it Docker does not answer ({again})" if again else "and Docker runs with it"
    keys = ", ".join(change.keys)
    raise KronosError(
        f"Docker did not come up with the new settings ({keys}): {reason}. The former {paths.config} is back, {then}"
    )


def _outdated(host: DockerHost, config: str, left: Mapping[str, Any]) -> bool:
    """Whether daemon.json was written after the daemon started, and nobody told the daemon."""
    state = receipts.file_state(config)
    if state is None or state["sha256"] == left.get("applied"):
        return False
    try:
        return os.stat(config).st_mtime > os.stat(host.pid_file).st_mtime
    except OSError:
        return False


def _switch(change: DaemonChange, host: DockerHost, wait: float) -> str:
    """Start, reload or restart; an empty text, or why the service does not answer."""
    if change.service == "reload":
        _systemctl(host, "reload", UNIT)
        return _await(host, wait)
    if change.service == "restart" and b'"live-restore": true' in change.text and not _live_restore(host):
        # Taken over by a reload, it lets the containers live through the restart that follows.
        host.run(["systemctl", "reload", UNIT], timeout=30)
        _until(host, 5, lambda: _live_restore(host))
    answer = _restart(host)
    return answer or _await(host, wait)


def _restart(host: DockerHost) -> str:
    # Several failures within a minute make systemd refuse the next start.
    host.run(["systemctl", "reset-failed", UNIT, "docker.socket"], timeout=30)
    answer = host.run(["systemctl", "restart", UNIT], timeout=300)
    return _reason(f"{answer.out}\n{answer.err}") if answer.code else ""


def _await(host: DockerHost, wait: float) -> str:
    if _until(host, wait, lambda: _asked(host, lambda engine: engine.answers())):
        return ""
    return f"no answer within {wait:.0f} s"


def _until(host: DockerHost, wait: float, holds: Callable[[], bool]) -> bool:
    deadline = host.now() + wait
    while not holds():
        if host.now() >= deadline:
            return False
        host.sleep(0.25)
    return True


def _live_restore(host: DockerHost) -> bool:
    return _asked(host, lambda engine: bool(engine.get("/info").get("LiveRestoreEnabled")))


def _asked(host: DockerHost, question: Callable[[Engine], bool]) -> bool:
    engine = host.engine()
    try:
        return question(engine)
    except KronosError:
        return False
    finally:
        engine.close()


def _put_back(before: tree.Present, path: str) -> None:
    if before.kind == "file":
        atomic.write_file(path, before.content or b"", mode=before.mode, uid=before.uid, gid=before.gid)
    else:
        atomic.remove(path)


def _systemctl(host: DockerHost, *words: str) -> None:
    answer = host.run(["systemctl", *words], timeout=60)
    if answer.code:
        raise KronosError(f"systemctl {' '.join(words)}: {_reason(f'{answer.out} {answer.err}')}")


def _journal(host: DockerHost, since: float) -> str:
    """Why the service says it failed, from its own journal."""
    words = ["journalctl", "--unit", UNIT, "--since", f"@{int(since)}", "--output=cat", "--no-pager", "--lines=60"]
    try:
        lines = host.run(words, timeout=30).out.splitlines()
    except KronosError:
        return ""
    telling = [line.strip() for line in lines if any(word in line for word in TELLING)]
    return telling[-1] if telling else _reason("\n".join(lines))


def _reason(text: str) -> str:
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(said[-3:])
