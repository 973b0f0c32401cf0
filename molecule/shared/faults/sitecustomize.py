# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On the host: watches what a module of ours does through Python's audit events, and strikes when told to.

Listed in ``steps``, each before it happens: files opened for writing, renamed, removed, given other rights; programs
started; signals sent; requests to Docker that are more than a question.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from typing import Any

FOLDER = os.path.dirname(os.path.abspath(__file__))
OURS = "ansible_collections.kronos.homelab.plugins.modules."
PATHS = {
    "os.rename": "rename to",
    "os.mkdir": "mkdir",
    "os.remove": "remove",
    "os.rmdir": "rmdir",
    "os.chmod": "chmod",
    "os.chown": "chown",
    "os.symlink": "link",
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# not of the host: devices, pipes, and what Ansible unpacks a module into
NOTHING = ("/dev/", "/proc/", "pipe:", "/tmp/", "ansible_")


class Watch:
    """Counts the effects of one module."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.busy = False
        self.count = 0
        self.label = ""
        self.run = ""
        self.transient: set[str] = set()
        self.fault: dict[str, Any] = {}

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self.busy or os.getpid() != self.pid or event.partition(".")[0] not in ("os", "open", "subprocess", "http"):
            return
        self.busy = True
        try:
            if self.label or self.known():
                text = described(event, args)
                if text:
                    self.note(text)
        finally:
            self.busy = False

    def known(self) -> bool:
        """Whether this process has become a module of ours."""
        name = getattr(sys.modules.get("__main__"), "_module_fqn", "")
        if not str(name).startswith(OURS):
            return False
        options = json.loads(sys.modules["ansible.module_utils.basic"]._ANSIBLE_ARGS)["ANSIBLE_MODULE_ARGS"]
        parts = [name[len(OURS) :], options.get("name"), options.get("state")]
        self.label = ":".join(part for part in parts if part)
        self.run = options.get("run") or ""
        with open(os.path.join(FOLDER, "fault.json"), encoding="utf-8") as stream:
            self.fault = json.load(stream)
        return True

    def note(self, text: str) -> None:
        """One more effect. Signs of life come as often as time makes them: each counts once."""
        if " /run/" in text:
            if text in self.transient:
                return
            self.transient.add(text)
        self.count += 1
        with open(os.path.join(FOLDER, "steps"), "a", encoding="utf-8") as stream:
            stream.write(f"{self.label}\t{self.pid}\t{self.run}\t{text}\n")
        fault = self.fault
        if fault.get("at") == self.label and (
            re.search(fault["find"], text) if fault["find"] else fault["step"] == self.count
        ):
            self.strike(text)

    def strike(self, text: str) -> None:
        """Do the harm, once; with a delay the module goes on meanwhile."""
        with open(os.path.join(FOLDER, "struck"), "w", encoding="utf-8") as stream:
            stream.write(f"step {self.count}: {text}")
        delay = float(self.fault["delay"])
        command = f"PID={self.pid}; {self.fault['command']}"
        self.fault = {}
        words = ["sh", "-c", f"(sleep {delay}; {command}) >/dev/null 2>&1 &" if delay else command]
        os.waitpid(os.posix_spawn("/bin/sh", words, dict(os.environ)), 0)


def described(event: str, args: tuple[Any, ...]) -> str:
    """The effect in words; empty for what changes nothing."""
    if event in PATHS:
        where = path_of(args[1] if event == "os.rename" else args[0])
        return "" if where.startswith(NOTHING) else f"{PATHS[event]} {where}"
    if event == "open":
        flags = args[2] if isinstance(args[2], int) else 0
        where = path_of(args[0])
        ours = flags & WRITING and not where.startswith(NOTHING) and not where.endswith(".pyc")
        return f"write {where}" if ours else ""
    others: dict[str, Callable[[], str]] = {
        "subprocess.Popen": lambda: "run " + " ".join(str(word) for word in args[1])[:300],
        "os.kill": lambda: f"signal {args[1]}" if args[1] else "",
        "http.client.send": lambda: request_of(args[1]),
    }
    return others[event]() if event in others else ""


def path_of(value: Any) -> str:
    """A path from what the event has: a path, or a file descriptor."""
    try:
        return os.readlink(f"/proc/self/fd/{value}") if isinstance(value, int) else os.fsdecode(value)
    except (OSError, TypeError):
        return str(value)


def request_of(data: Any) -> str:
    """Method and path of a request to Docker that changes something."""
    line = bytes(data).split(b"\r\n", 1)[0].decode("latin-1") if isinstance(data, (bytes, bytearray)) else ""
    method, _space, rest = line.partition(" ")
    return f"docker {method} {rest.partition('?')[0]}" if method in ("POST", "PUT", "DELETE") else ""


sys.addaudithook(Watch())
