# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of connection marks on the host: a file, and a unit that loads it at boot."""

from __future__ import annotations

import shlex

from ansible_collections.kronos.homelab.plugins.module_utils import tree
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner, must
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_change import VlanChange
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_provider import Command
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_state import MARKS, marks_state

FILE = "/etc/kronos/vlan-marks.nft"
UNIT = "kronos-vlan-marks.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
WISH = f"/etc/systemd/system/multi-user.target.wants/{UNIT}"
LINKS = (WISH,)  # what belongs to the change beside its files

# What came in by one interface and is answered by another looks forged to a strict filter: it asks for the way back
# before the mark is known. The loose one only asks whether there is a way back at all.
LOOSEN = 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do read v < $f; [ "$v" != 1 ] || echo 2 > $f; done'

_UNIT_TEXT = f"""\
[Unit]
Description=Marks of connections that come through VLANs
ConditionPathExists={FILE}
After=network-pre.target
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c {shlex.quote(LOOSEN.replace("$", "$$"))}
ExecStart=/usr/sbin/nft -f {FILE}
ExecReload=/usr/sbin/nft -f {FILE}

[Install]
WantedBy=multi-user.target
"""


def files(text: str) -> tuple[list[tree.Wanted], list[str]]:
    """The wanted files and the paths that must not be, for marks as nftables text; empty text: no marks."""
    if not text:
        return [], [FILE, UNIT_FILE, WISH]
    return [tree.Wanted(FILE, text.encode(), 0o600), tree.Wanted(UNIT_FILE, _UNIT_TEXT.encode())], []


def stand(text: str, run: Runner) -> bool:
    """Whether the table is there, or rightly is not, and comes back at boot."""
    state = marks_state(run)
    if not text:
        return state == "gone"
    enabled = run(["systemctl", "is-enabled", UNIT], timeout=30).out.strip() == "enabled"
    return state == "loaded" and enabled


def load(change: VlanChange, run: Runner) -> None:
    """Make table and unit follow their files."""
    touched = {*change.files.creates, *change.files.updates, *change.files.removes}
    if not (change.load_marks or touched & {FILE, UNIT_FILE}):
        return
    if not change.marks:
        _take_away(run)
        return
    for command in (
        ["nft", "-f", FILE],
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", UNIT],
        ["systemctl", "restart", UNIT],
    ):
        must(run, command)


def back() -> list[Command]:
    """Commands that make the table follow a file that was put back, or that is gone."""
    drop = f"nft delete table inet {MARKS} 2>/dev/null"
    return [
        ["/bin/sh", "-c", f"{drop}; if [ -e {FILE} ]; then nft -f {FILE}; fi"],
        ["systemctl", "daemon-reload"],
    ]


def _take_away(run: Runner) -> None:
    run(["systemctl", "stop", UNIT], timeout=60)
    run(["nft", "delete", "table", "inet", MARKS], timeout=30)
    run(["systemctl", "daemon-reload"], timeout=60)
