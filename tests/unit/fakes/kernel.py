# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An nft and a systemd for tests: tables are kept as the text that was loaded."""

from __future__ import annotations

import json

from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran

DOCKER = "jump DOCKER"


class Kernel:
    """Answers nft and systemctl. ``table``: what is loaded of ours; ``docker``: whether its chains stand."""

    def __init__(self):
        self.table = None
        self.marks = None  # the table of marks: its rules, empty where it was flushed
        self.learnt = []  # what a set has learnt from packets
        self.docker = True
        self.states = {}
        self.ran = []
        self.refuses = ""
        self.dies_at = ""

    def flush(self):
        """As `nft flush ruleset` does."""
        self.table, self.marks, self.docker = None, None, False

    def listing(self):
        rate = {"set": {"name": "ssh_rate4", "type": "ipv4_addr", "handle": 7, "flags": ["timeout", "dynamic"]}}
        rate["set"]["elem"] = self.learnt
        rule = {"rule": {"handle": len(self.ran), "expr": [{"said": self.table}, {"counter": None}]}}
        return json.dumps({"nftables": [{"metainfo": {"version": "1"}}, rate, rule]})

    def command(self, words):
        """As the program on the host asks: (exit code, what it said)."""
        done = self(words)
        return done.code, done.out if done.code == 0 else done.err

    def __call__(self, argv, stdin="", timeout=600):
        words = list(argv)
        self.ran.append(words)
        line = " ".join(words)
        if self.dies_at and self.dies_at in line:
            raise KeyboardInterrupt
        if self.refuses and self.refuses in line:
            return Ran(1, "", "it says no")
        return self.answer(words, line, stdin)

    def answer(self, words, line, stdin):
        if line.startswith("nft --json") and words[-1] == "kronos_marks":
            rules = [{"rule": {"expr": []}}] if self.marks else []
            said = json.dumps({"nftables": [{"metainfo": {}}, {"table": {}}, {"chain": {}}, *rules]})
            return Ran(1, "", "No such file or directory") if self.marks is None else Ran(0, said, "")
        if line.startswith("nft --json"):
            return Ran(0, self.listing(), "") if self.table is not None else Ran(1, "", "No such file or directory")
        if line.startswith("nft --file"):
            with open(words[2], encoding="utf-8") as stream:
                text = stream.read()
            if "kronos_marks" in text:
                self.marks = text
            else:
                self.table = text
        elif line.startswith("nft delete table"):
            self.table = None
        elif line.startswith("nft list chain"):
            return Ran(0, DOCKER, "") if self.docker else Ran(1, "", "No such file or directory")
        elif line.startswith("nft list table ip docker-bridges"):
            return Ran(1, "", "No such file or directory")
        elif line.startswith("systemctl restart docker"):
            self.docker = True
        elif line.startswith("systemctl show"):
            state = self.states.get(words[2], ("", "inactive"))
            return Ran(0, f"UnitFileState={state[0]}\nActiveState={state[1]}\n", "")
        elif words[0] == "systemctl":
            self.switch(words)
        return Ran(0, "", "")

    def switch(self, words):
        for name in [word for word in words[2:] if not word.startswith("-")]:
            enabled, active = self.states.get(name, ("", "inactive"))
            if words[1] in ("enable", "disable"):
                enabled = words[1] + "d"
            if words[1] in ("start", "restart") or (words[1] == "enable" and "--now" in words):
                active = "active"
            if words[1] == "stop" or (words[1] == "disable" and "--now" in words):
                active = "inactive"
            self.states[name] = (enabled, active)
