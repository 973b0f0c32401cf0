# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mount guard: stops the containers that use a share when it goes, and starts them when it is back.

This very file runs on the host (``kronos_share_guard.py watch``, a service), with share_look.py beside it: the two
import nothing else of the collection. ``/etc/kronos/guard.json`` says what to watch:
``{interval, patience, strikes, shares: {name: {type, source, path, root, unit}}, users}``, where ``users`` is
``{share: {stack: [container]}}``.

Each share and stack has a unit (``kronos-share-<share>.<stack>.service``), bound to the share's mount unit, that starts
and stops the containers (``start`` and ``stop`` of this program). A mount that goes takes it along by itself; what
systemd cannot see, a server that is gone under a mount that stays, is what ``watch`` is for. A share that is not
mounted is tried again and again, so that a boot without the server needs nobody.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

try:
    from ansible_collections.kronos.homelab.plugins.module_utils import share_look
except ImportError:  # on the host, beside this file
    import kronos_share_look as share_look  # type: ignore[import-not-found,no-redef]

CONFIG = "/etc/kronos/guard.json"
STATE = "/run/kronos-guard/state.json"
DOCKER_PID = "/run/docker.pid"
# Seconds between two attempts to mount what is not mounted.
AGAIN = 30
Run = Callable[[list[str]], "tuple[int, str]"]


def unit_of(share: str, stack: str) -> str:
    """Name of the unit that starts and stops what a stack has on a share. Neither name holds a dot."""
    return f"kronos-share-{share}.{stack}.service"


def pairs(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every (share, stack) that has a unit."""
    return [(share, stack) for share, stacks in sorted(config["users"].items()) for stack in sorted(stacks)]


def shares_of(container: str, config: Mapping[str, Any]) -> set[str]:
    """The shares that a container uses."""
    users = config["users"].items()
    return {share for share, stacks in users if any(container in names for names in stacks.values())}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


@dataclass
class World:
    """What the guard acts with; tests put others in its place."""

    run: Run
    mounts: Callable[[], list[share_look.Mount]] = share_look.read_mounts
    start: Callable[[share_look.Question], share_look.Child] = share_look.start
    clock: Callable[[], float] = time.monotonic
    say: Callable[[str], None] = _say
    docker_pid: Callable[[], str] = lambda: _text(DOCKER_PID)


@dataclass
class Guard:
    """What is known of each share from one round to the next.

    ``why``: why it is away, empty while it is well; ``strikes``: looks in a row that went wrong; ``hanging``: children
    that the kernel does not let go, which must not become many.
    """

    config: Mapping[str, Any]
    world: World
    why: dict[str, str] = field(default_factory=dict)
    strikes: dict[str, int] = field(default_factory=dict)
    hanging: dict[str, share_look.Child] = field(default_factory=dict)
    tried: dict[str, float] = field(default_factory=dict)
    docker: str = ""
    written: str = ""

    def round(self) -> None:
        """Look at every share once, and see to it that the units follow."""
        found = self._look()
        for name, trouble in found.items():
            self._judge(name, *trouble)
        self._follow()
        self._after_docker()

    def take(self, config: Mapping[str, Any]) -> None:
        """Go by another configuration; what is known of shares that stay is kept."""
        self.config = config
        self.why = {name: why for name, why in self.why.items() if name in config["shares"]}

    def state(self) -> dict[str, Any]:
        """What others on the host may read: why shares are away, and which containers are held for whom."""
        away = {name: why for name, why in sorted(self.why.items()) if why}
        users = self.config["users"]
        held = {one: share for share in away for names in users.get(share, {}).values() for one in names}
        return {"away": away, "held": held}

    def _look(self) -> dict[str, tuple[str, bool]]:
        """Share → (what is wrong with it, whether that is certain at once)."""
        mounts, found = self.world.mounts(), {}
        children = {}
        for name, share in self.config["shares"].items():
            if not share_look.is_same(share["type"], share["source"], share["path"], mounts):
                found[name] = ("is not mounted", True)
                self._mount(name, share)
                continue
            stuck = self.hanging.get(name)
            if stuck is not None and not stuck.end():
                found[name] = ("does not answer", False)
                continue
            self.hanging.pop(name, None)
            children[name] = self.world.start(share_look.Question(share["path"], share["root"]))
        deadline = self.world.clock() + self.config["patience"]
        for name, child in children.items():
            look = child.wait(max(0.0, deadline - self.world.clock()))
            if not child.end():
                self.hanging[name] = child
            found[name] = (look.error if look else "does not answer", False)
        return found

    def _mount(self, name: str, share: Mapping[str, Any]) -> None:
        now = self.world.clock()
        if now - self.tried.get(name, -AGAIN) < AGAIN:
            return
        self.tried[name] = now
        self.world.run(["systemctl", "reset-failed", share["unit"]])
        self.world.run(["systemctl", "start", "--no-block", share["unit"]])

    def _judge(self, name: str, trouble: str, certain: bool) -> None:
        before = self.why.get(name)
        if not trouble:
            self.strikes[name] = 0
            self.why[name] = ""
            if before:
                self.world.say(f"share {name} is back")
            return
        self.strikes[name] = self.strikes.get(name, 0) + 1
        # One slow answer is no reason to stop anything; what was never seen well is not given the doubt.
        if certain or before is None or self.strikes[name] >= self.config["strikes"]:
            self.why[name] = trouble
            if not before:
                self.world.say(f"share {name} is away: {trouble}")

    def _follow(self) -> None:
        """Units of shares that are well are up, those of others are down."""
        wanted = {unit_of(share, stack): not self.why.get(share, "unknown") for share, stack in pairs(self.config)}
        states = _states(wanted, self.world.run)
        stop = [name for name, up in wanted.items() if not up and states.get(name) in ("active", "activating")]
        start = [name for name, up in wanted.items() if up and states.get(name) not in ("active", "activating")]
        self._note()
        if stop:
            self.world.run(["systemctl", "stop", *stop])
        if start:
            self.world.run(["systemctl", "reset-failed", *start])
            self.world.run(["systemctl", "start", *start])

    def _after_docker(self) -> None:
        """A restarted engine leaves containers of the policy on-failure down that ended well: start them again."""
        now = self.world.docker_pid()
        if self.docker and now and now != self.docker:
            for share, stack in pairs(self.config):
                if not self.why.get(share, "unknown"):
                    start(share, stack, self.config, self.world)
        self.docker = now or self.docker

    def _note(self) -> None:
        text = json.dumps(self.state(), sort_keys=True)
        if text != self.written:
            _write(STATE, text)
            self.written = text


def start(share: str, stack: str, config: Mapping[str, Any], world: World) -> int:
    """Start the containers of a stack whose shares are all there. For the unit; 1: the share is not."""
    sick = _sick(config, world)
    if share in sick:
        world.say(f"share {share}: {sick[share]}")
        return 1
    there = _containers(world.run)
    names = [
        name
        for name in config["users"].get(share, {}).get(stack, [])
        if there.get(name) in ("created", "exited") and not shares_of(name, config) & set(sick)
    ]
    return world.run(["docker", "start", *names])[0] if names else 0


def stop(share: str, stack: str, config: Mapping[str, Any], world: World) -> int:
    """Stop the containers of a stack, the last started first. For the unit."""
    there = _containers(world.run)
    names = [name for name in config["users"].get(share, {}).get(stack, []) if there.get(name) in RUNNING]
    return world.run(["docker", "stop", *reversed(names)])[0] if names else 0


RUNNING = ("running", "restarting", "paused")


def _sick(config: Mapping[str, Any], world: World) -> dict[str, str]:
    """Share → what is wrong with it, after one look at all."""
    mounts, shares = world.mounts(), config["shares"]
    standing = [
        name for name, one in shares.items() if share_look.is_same(one["type"], one["source"], one["path"], mounts)
    ]
    sick = {name: "is not mounted" for name in shares if name not in standing}
    children = {name: world.start(share_look.Question(shares[name]["path"], shares[name]["root"])) for name in standing}
    deadline = world.clock() + config["patience"]
    for name, child in children.items():
        look = child.wait(max(0.0, deadline - world.clock()))
        child.end()
        if look is None or look.error:
            sick[name] = look.error if look else "does not answer"
    return sick


def _containers(run: Run) -> dict[str, str]:
    """Name → state of every container; none where there is no engine (yet)."""
    code, out = run(["docker", "ps", "--all", "--format", "{{.Names}}\t{{.State}}"])
    lines = [line.split("\t") for line in out.splitlines()] if code == 0 else []
    return {words[0]: words[1] for words in lines if len(words) == 2}


def _states(names: Iterable[str], run: Run) -> dict[str, str]:
    asked = list(names)
    if not asked:
        return {}
    _code, out = run(["systemctl", "show", "--property=Id,ActiveState", *asked])
    found = (dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in out.split("\n\n"))
    return {one["Id"]: one.get("ActiveState", "") for one in found if "Id" in one}


def _run(argv: list[str]) -> tuple[int, str]:
    """Run a program; what it complains of goes to the journal."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, errors="replace", timeout=600, check=False)
    except FileNotFoundError:
        return 127, ""
    except subprocess.TimeoutExpired:
        _say(f"{' '.join(argv)}: no end after 600 s")
        return 124, ""
    return done.returncode, done.stdout


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    with contextlib.suppress(OSError):  # who guards on goes on, also with a full disk
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with open(f"{path}.new", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(f"{path}.new", path)


def main(argv: list[str] | None = None) -> int:
    """Entry point on the host."""
    parser = argparse.ArgumentParser(description="Guard the shares that containers use")
    parser.add_argument("--config", default=CONFIG)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("watch", help="look at the shares for ever")
    for name in ("start", "stop"):
        command = commands.add_parser(name, help=f"{name} what a stack has on a share")
        command.add_argument("share")
        command.add_argument("stack")
    options = parser.parse_args(argv)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    config = _read(options.config)
    if config is None:
        return 0 if options.command == "stop" else 1
    world = World(_run)
    if options.command != "watch":
        act = start if options.command == "start" else stop
        return act(options.share, options.stack, config, world)
    guard = Guard(config, world)
    while True:
        guard.round()
        time.sleep(config["interval"])
        config = _read(options.config) or config
        if config != guard.config:
            guard.take(config)


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as stream:
            config = json.load(stream)
    except (OSError, ValueError) as error:
        _say(f"{path}: {error}")
        return None
    return config if isinstance(config, dict) else None


if __name__ == "__main__":
    raise SystemExit(main())
