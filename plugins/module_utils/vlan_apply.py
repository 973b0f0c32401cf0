# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying a change of VLANs out, and the way back that is noted before its first step."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.kronos.homelab.plugins.module_utils import tree, vlan_live, vlan_marks
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner, must
from ansible_collections.kronos.homelab.plugins.module_utils.timed import Undo
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_change import VlanChange, must_be_made_anew
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_live import Live, differences
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_model import Interface, Rule
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_provider import Command, Provider, Work

PATIENCE = 30.0  # seconds until a network manager has done what it was told
PAUSE = 0.5


@dataclass(frozen=True)
class Job:
    """A change, and who carries it out: ``providers`` are that of the wanted interfaces and those of files that go."""

    change: VlanChange
    wanted: Sequence[Interface]
    live: Live
    providers: Sequence[Provider]

    @property
    def makes_anew(self) -> list[str]:
        """Links that go before they come back in another shape."""
        by_manager = any(provider.makes_anew for provider in self.providers)
        return must_be_made_anew(self.change, self.wanted, self.live, by_manager)


def undo(job: Job, receipt: str) -> Undo:
    """The way back: the old files and the *receipt* of them, then commands that make the managers go by them."""
    change = job.change
    paths = [*change.files.creates, *change.files.updates, *change.files.removes, *vlan_marks.LINKS, receipt]
    # what is made, or made in another way, goes; then the old files bring back what was there
    made = sorted({*change.missing, *job.makes_anew})
    there = [name for name in (*change.differing, *change.remove) if name in job.live.links]
    back = Work(
        missing=tuple(name for name in there if name in (*made, *change.remove)),
        known=tuple(name for name in there if name in (*made, *change.remove)),
        differing=tuple(name for name in there if name not in (*made, *change.remove)),
        unwritten=tuple(name for name in there if name in change.work.unwritten and name not in made),
        parents={name: link.parent for name, link in job.live.links.items()},
    )
    commands: list[Command] = [tolerant([*_link_removals(made), *_rule_removals(change.fresh)])]
    for provider in job.providers:
        commands += provider.bring_up(back)
    commands += vlan_marks.back()
    at_boot = [command for provider in job.providers for command in provider.at_boot]
    return Undo(list(dict.fromkeys(paths)), commands, at_boot)


def apply(job: Job, run: Runner) -> None:
    """Carry out the change; raises KronosError with what a program said."""
    change, anew = job.change, job.makes_anew
    for provider in job.providers:
        for command in provider.take_down([*anew, *change.remove]):
            run(command, timeout=60)
    for command in (*_link_removals([*anew, *change.remove]), *_rule_removals(change.stale)):
        run(command, timeout=30)
    tree.apply(change.files)
    if change.files.changed or change.missing or change.differing or change.remove:
        for provider in job.providers:
            for command in provider.bring_up(change.work):
                must(run, command)
    for each in job.wanted:
        if each.name in change.differing and each.name not in anew and (size := job.live.full_size(each)):
            must(run, ["ip", "link", "set", "dev", each.name, "mtu", str(size)])
    vlan_marks.load(change, run)


def wait(
    wanted: Sequence[Interface],
    run: Runner,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Live:
    """Wait until the interfaces stand as wanted; raises KronosError with what is still missing."""
    deadline = clock() + PATIENCE
    while True:
        live = vlan_live.read(run)
        rest = differences(wanted, live)
        if not rest:
            return live
        if clock() >= deadline:
            absent = any(line.endswith("is not there") for line in rest)
            hint = " (does the kernel have 802.1Q: `modprobe 8021q`?)" if absent else ""
            raise KronosError(f"the VLANs did not come up as wanted within {PATIENCE:.0f} s: {'; '.join(rest)}{hint}")
        sleep(PAUSE)


def tolerant(commands: Sequence[Command]) -> list[str]:
    """One command that runs all of these, whether or not there is still something for them to do."""
    lines = [f"{' '.join(shlex.quote(word) for word in command)} 2>/dev/null" for command in commands]
    return ["/bin/sh", "-c", "; ".join([*lines, "true"])]


def _link_removals(names: Sequence[str]) -> list[Command]:
    return [["ip", "link", "delete", "dev", name] for name in names]


def _rule_removals(rules: Sequence[Rule]) -> list[Command]:
    return [["ip", f"-{rule.family}", "rule", "del", *rule.words()] for rule in rules]
