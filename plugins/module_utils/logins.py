# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has proven to get in with a key, and as whom Ansible is in right now.

A way in is closed only on this word, so every doubt counts against it.
"""

from __future__ import annotations

import pwd
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner

# sshd's own words: https://github.com/openssh/openssh-portable/blob/master/auth.c (auth_log)
ACCEPTED = re.compile(r"Accepted (\S+) for (\S+) from (\S+ port \d+)")
# The newest comes first (which --grep beside --lines implies). sshd is root: who else writes under its name, forges.
JOURNAL = [
    "journalctl",
    "--quiet",
    "--no-pager",
    "--output=cat",
    "--lines=500",
    "--reverse",
    "--grep=Accepted [^ ]+ for",
    "_UID=0",
    "--identifier=sshd",
    "--identifier=sshd-session",
]
AUTH_LOG = "/var/log/auth.log"
BY_KEY = "publickey"
# What a session of sshd calls itself: `sshd: bob [priv]`, `sshd-session: bob@pts/0`.
SESSION = re.compile(r"sshd(?:-session)?: ([^\s@]+)(?:@| \[)")
NO_LOGIN = 4294967295  # what the kernel has in loginuid for what nobody logged in for


@dataclass(frozen=True)
class Login:
    """As whom somebody is in; ``source``: whence, as ``192.0.2.7 port 50022``, where that is known."""

    name: str
    source: str = ""


def proven(names: Iterable[str], known: Iterable[str], now: Login, run: Runner, log: str = "") -> set[str]:
    """Which of *names* get in with a key: those who did so when they last came, and else those *known* to have.

    Who came with a password, last or *now*, needs that way, whatever key somebody else has used for the same account.
    """
    wanted = set(names)
    newest_first = run(JOURNAL, timeout=60).out.splitlines()
    lines = newest_first[::-1] or _read(log or AUTH_LOG).splitlines()
    last = dict.fromkeys(known, BY_KEY)
    for method, name, source in ACCEPTED.findall("\n".join(lines)):
        last[name] = method
        if Login(name, source) == now and method != BY_KEY:
            wanted.discard(name)
    return {name for name in wanted if last.get(name) == BY_KEY}


def present(environment: Mapping[str, str], proc: str = "/proc") -> Login:
    """As whom Ansible logs in: whose session of sshd we run in, else for whom the kernel counts us.

    Both outlast sudo, su and doas. Without either (no SSH, a kernel without audit): who called sudo, else root.
    """
    return _session(proc) or Login(_counted(proc) or environment.get("SUDO_USER") or "root")


def _session(proc: str) -> Login | None:
    """The login of the nearest process above us that is a session of sshd."""
    pid = "self"
    for _generation in range(64):
        parent = _read(f"{proc}/{pid}/stat").rpartition(")")[2].split()[1:2]  # the name in brackets may hold anything
        found = SESSION.match(_read(f"{proc}/{parent[0]}/cmdline")) if parent else None
        if found:
            # sshd tells its first child whence it is used: client, its port, server, its port
            said = re.search(r"(?:^|\0)SSH_CONNECTION=(\S+) (\d+) ", _read(f"{proc}/{pid}/environ"))
            return Login(found[1], f"{said[1]} port {said[2]}" if said else "")
        if not parent:
            return None
        pid = parent[0]
    return None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def _counted(proc: str) -> str:
    """The name of the login that the kernel counts us to."""
    try:
        number = int(_read(f"{proc}/self/loginuid"))
        return "" if number == NO_LOGIN else pwd.getpwuid(number).pw_name
    except (ValueError, KeyError):
        return ""
