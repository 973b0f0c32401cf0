# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall on the host: ruleset, program and units. Read, plan (pure), apply under a timed commit."""

from __future__ import annotations

import dataclasses
import inspect
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import firewall_script, receipts, timed, tree, units
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner
from ansible_collections.kronos.homelab.plugins.module_utils.units import WantedUnit

WHAT = "firewall"
RECEIPT = ("firewall", "host")
PROGRAM = "/usr/local/lib/kronos/kronos_firewall.py"
LOAD = ("/usr/bin/python3", PROGRAM, "load")
OTHERS = ("ufw", "firewalld", "nftables")
UFW_CONFIG = "/etc/ufw/ufw.conf"

# As Debian's own nftables.service is ordered, and before Docker publishes anything.
_LOADER = f"""\
[Unit]
Description=Firewall of this host
DefaultDependencies=no
RequiresMountsFor=/etc /usr/local/lib/kronos
After=systemd-remount-fs.service
Wants=network-pre.target
Before=network-pre.target docker.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={" ".join(LOAD)}
ExecReload={" ".join(LOAD)}

[Install]
WantedBy=sysinit.target
"""

_GUARD = f"""\
# It runs program {{digest}}: another program is another unit, which is started anew.
[Unit]
Description=Look every {firewall_script.EVERY:.0f} s whether the firewall and Docker's rules still stand
After=kronos-firewall.service

[Service]
ExecStart=/usr/bin/python3 {PROGRAM} guard
Restart=always
RestartSec=2s
MemoryMax=64M

[Install]
WantedBy=multi-user.target
"""


def wanted_units() -> list[WantedUnit]:
    """Return our units: the one that loads at boot, and the guard."""
    return [
        WantedUnit("kronos-firewall.service", _LOADER, enabled=True),
        WantedUnit("kronos-firewall-guard.service", _GUARD.format(digest=receipts.sha256(_program())), enabled=True),
    ]


@dataclass(frozen=True)
class Wish:
    """What is asked for."""

    ruleset: str
    replace_others: bool = False
    ssh_port: int = 22
    ssh_sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Present:
    """What is on the host. ``others``: firewalls that are at work; ``stands``: this very ruleset is loaded."""

    files: Mapping[str, tree.Present]
    states: Mapping[str, tuple[str, str]]
    left: Mapping[str, Any]
    others: tuple[str, ...]
    stands: bool
    table: bool


@dataclass(frozen=True)
class FirewallChange:
    """All that has to happen. ``load``: the table must be loaded, whether the ruleset differs or only the table."""

    program: tree.TreeChange
    ruleset: tree.TreeChange
    units: units.UnitsChange
    load: bool
    replace: tuple[str, ...]
    diff: tuple[dict[str, str], ...]

    @property
    def risky(self) -> bool:
        """Whether it could cut off the one who makes it."""
        return self.load or bool(self.replace)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.risky or self.program.changed or self.ruleset.changed or self.units.changed


def _program() -> bytes:
    return inspect.getsource(firewall_script).encode()


def files_of(wish: Wish, place: firewall_script.Place) -> tuple[tree.Wanted, tree.Wanted]:
    """Return the program and the ruleset as they must be."""
    program = tree.Wanted(PROGRAM, _program(), 0o755)
    return program, tree.Wanted(place.ruleset, wish.ruleset.encode(), 0o600)


def folders_of(place: firewall_script.Place) -> list[tree.WantedDirectory]:
    """Return the folder of the ruleset. The one around it is the secrets', which come first."""
    return [tree.WantedDirectory(os.path.dirname(place.ruleset), 0o700)]


def read(wish: Wish, run: Runner, place: firewall_script.Place, left: Mapping[str, Any]) -> Present:
    """Look at the host. A change that nobody has confirmed yet counts as not made."""
    program, ruleset = files_of(wish, place)
    found = wanted_units()
    folders = [folder.path for folder in folders_of(place)]
    files = tree.read_present([*folders, program.path, ruleset.path, *(unit.path for unit in found)])
    command = commander(run)
    stands = firewall_script.stands(place, command, receipts.sha256(ruleset.content))
    unconfirmed = timed.unconfirmed(WHAT)
    if ruleset.path in unconfirmed:
        content = unconfirmed[ruleset.path]
        before = tree.Present("file", 0o600, ruleset.uid, ruleset.gid, content)
        files[ruleset.path] = tree.ABSENT if content is None else before
        stands = False
    states = units.read_states([unit.name for unit in found], run)
    return Present(files, states, left, read_others(run), stands, bool(firewall_script.table_digest(command)))


def read_others(run: Runner) -> tuple[str, ...]:
    """Return the other firewalls that are at work, or will be at the next boot."""
    found = units.read_states([f"{name}.service" for name in OTHERS], run)
    # Either loads its rules when it starts, so that one that is only enabled counts as well.
    at_work = {name for name in ("nftables", "firewalld") if {"enabled", "active"} & {*found[f"{name}.service"]}}
    # Only its own file says whether ufw is on: Ubuntu starts its service everywhere; on Debian the service runs only
    # after the boot that follows `ufw enable`. What is left of it after its removal is no firewall.
    if found["ufw.service"][0] != "absent" and _ufw_enabled():
        at_work.add("ufw")
    return tuple(name for name in OTHERS if name in at_work)


def _ufw_enabled() -> bool:
    try:
        with open(UFW_CONFIG, encoding="utf-8") as stream:
            return any(line.strip().lower() == "enabled=yes" for line in stream)
    except OSError:
        return False


def plan(wish: Wish, present: Present, place: firewall_script.Place) -> FirewallChange:
    """Return the change. Pure. Raises KronosError where another firewall is at work and may not be replaced."""
    if present.others and not wish.replace_others:
        names = " and ".join(present.others)
        raise KronosError(
            f"{names} is at work on this host, and two firewalls undo each other: switch it off, or set "
            "firewall_replace_others: true. Nothing was changed"
        )
    program, ruleset = files_of(wish, place)
    program_change = tree.plan_tree([program], [], [], present.files)
    ruleset_change = tree.plan_tree([ruleset], folders_of(place), [], present.files)
    units_change = units.plan_units(wanted_units(), [], present.files, present.states, present.left)
    diff = [*program_change.diff, *ruleset_change.diff]
    rewrite = bool(ruleset_change.files)
    load = rewrite or not present.stands
    if load and not rewrite:
        before = "other rules than the ruleset's\n" if present.table else "not loaded\n"
        diff.append(_entry(" ".join(("table", *firewall_script.TABLE)), before, "loaded from the ruleset\n"))
    diff += [_entry(name, "at work\n", "disabled\n") for name in present.others]
    return FirewallChange(
        program_change, ruleset_change, units_change, load, present.others, (*diff, *units_change.diff)
    )


def _entry(what: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": what, "after_header": what, "before": before, "after": after}


def validate(wish: Wish, run: Runner) -> None:
    """Let nft itself judge the ruleset; raises KronosError with its words."""
    done = run(["nft", "--check", "--file", "-"], stdin=wish.ruleset, timeout=60)
    if done.code:
        said = " | ".join(line.strip() for line in done.err.splitlines()[:2] if line.strip())
        raise KronosError(f"nft refuses the ruleset: {said}. Nothing was changed")


def refuse_lockout(wish: Wish, connection: str) -> None:
    """Raise KronosError where the rules would not let in the very session that sets them.

    *connection*: SSH_CONNECTION as sshd sets it (client, its port, server, its port); empty: not known.
    """
    parts = connection.split()
    if len(parts) != 4:
        return
    client, _port, _server, port = parts
    if port.isdigit() and int(port) != wish.ssh_port:
        raise KronosError(
            f"this run comes in through port {port}, but kronos_ssh_port is {wish.ssh_port}: nobody could log in any "
            "more. Nothing was changed"
        )
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
        allowed = [ipaddress.ip_network(item) for item in wish.ssh_sources]
    except ValueError:
        return
    if allowed and not any(address.version == item.version and address in item for item in allowed):
        raise KronosError(
            f"this run comes from {address}, which is in none of kronos_ssh_sources: it could not come back. "
            "Nothing was changed"
        )


def ssh_connection(pid: int | None = None) -> str:
    """Return SSH_CONNECTION of the session that this process belongs to; sudo takes it out of our own environment."""
    pid = pid or os.getpid()
    while pid > 1:
        try:
            with open(f"/proc/{pid}/environ", "rb") as stream:
                pairs = dict(item.split(b"=", 1) for item in stream.read().split(b"\0") if b"=" in item)
            if b"SSH_CONNECTION" in pairs:
                return pairs[b"SSH_CONNECTION"].decode("ascii", "replace")
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as status:
                pid = int(status.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return ""
    return ""


def apply(
    change: FirewallChange, wish: Wish, run: Runner, place: firewall_script.Place, seconds: int
) -> dict[str, Any] | None:
    """Carry out *change* and remember it; return what must be confirmed, None where nothing risky was done."""
    tree.apply(change.program)  # first: it is what undoes the rest
    if not change.risky:
        tree.apply(change.ruleset)
        units.apply(change.units, run)
        remember(wish, place)
        return None
    back = [words for name in change.replace for words in _give_back(name)]
    back_at_boot = [words for name in change.replace for words in _give_back(name, boot=True)]
    undo = timed.Undo([place.ruleset, receipts.path_of(*RECEIPT)], [*back, list(LOAD)], back_at_boot)
    with timed.change(WHAT, undo, seconds=seconds, run=run) as note:
        tree.apply(change.ruleset)
        for name in change.replace:
            off = ["ufw", "disable"] if name == "ufw" else ["systemctl", "disable", "--now", f"{name}.service"]
            _must(run, off)
        _must(run, LOAD)
        units.apply(change.units, run)
        if "nftables" in change.replace:
            _must(run, (*LOAD[:-1], "check"))  # its last act was to flush everything, Docker's rules included
        remember(wish, place)
    return note.request()


def _give_back(name: str, *, boot: bool = False) -> list[list[str]]:
    """Commands that let another firewall work again, now and at the next boots.

    At boot nobody may wait for a service: it waits for the boot. Nor is systemd asked to read its files again then.
    """
    if name == "ufw":
        return [["ufw", "--force", "enable"]]
    unit = f"{name}.service"
    if not boot:
        return [["systemctl", "enable", "--now", unit]]
    return [["systemctl", "enable", "--no-reload", unit], ["systemctl", "start", "--no-block", unit]]


def plan_absence(present: Mapping[str, tree.Present], table: bool) -> tree.TreeChange:
    """Return what has to go: our files, and (said in the diff alone) the table. Pure."""
    change = tree.plan_tree([], [], list(present), present)
    gone = (_entry(" ".join(("table", *firewall_script.TABLE)), "loaded\n", "removed\n"),) if table else ()
    return dataclasses.replace(change, diff=(*change.diff, *gone))


def remove(change: tree.TreeChange, run: Runner) -> None:
    """Take the firewall away; nothing but our own is touched. It opens the host, so it locks nobody out."""
    for unit in reversed(wanted_units()):
        if unit.path in change.absent:
            _must(run, ["systemctl", "disable", "--now", unit.name])
    tree.apply(change)
    _must(run, ["systemctl", "daemon-reload"])
    command = commander(run)
    if firewall_script.table_digest(command):
        _must(run, ["nft", "delete", "table", *firewall_script.TABLE])


def remember(wish: Wish, place: firewall_script.Place) -> None:
    """Write the receipt of what now stands."""
    program, ruleset = files_of(wish, place)
    folders = tree.receipt_of([], folders_of(place))["directories"]
    base = units.left(wanted_units(), [program, ruleset])
    left = {**base, "directories": folders, "firewall": receipts.sha256(ruleset.content)}
    receipts.write(*RECEIPT, receipts.digest(left), left)


def commander(run: Runner) -> firewall_script.Command:
    """Return the module's way to run commands in the shape that the host's program has."""

    def command(words: Sequence[str]) -> tuple[int, str]:
        try:
            done = run(list(words), timeout=firewall_script.COMMAND_SECONDS)
        except KronosError as error:
            return 127, str(error)
        return done.code, done.out if done.code == 0 else done.err.strip()

    return command


def _must(run: Runner, words: Sequence[str]) -> None:
    code, said = commander(run)(words)
    if code:
        raise KronosError(f"{' '.join(words)}: {said or f'exit code {code}'}")
