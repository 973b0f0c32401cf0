# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host is as the last whole run left it, from the receipts and one look at everything they name.

At the end of a whole run the receipts are sealed: the seal holds the digest of plan and collection, and one of each
receipt. Later, a host has settled when the digest is the same, every receipt is the one that was sealed (so that a
module on its own, a rollback or a run that failed half-way is noticed), and everything that the receipts name is as
they say.
"""

from __future__ import annotations

import json
import os
import pwd
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import (
    firewall,
    firewall_script,
    pihole_marks,
    receipts,
    settled,
    share_state,
    timed_script,
    tree,
    wireguard_live,
)
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.host_docker import (
    Docker,
    Engine,
    docker_reasons,
    read_docker,
)
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import NAME
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_state import vlan_reasons

STACKS = "/opt/kronos/stacks"
DPKG_STATUS = "/var/lib/dpkg/status"
SEAL = ("host", "converged")
DOCKER_UNIT = "docker.service"


@dataclass(frozen=True)
class Verdict:
    """``reasons`` for a whole run (empty: the host has settled), and ``notices`` of what it would not change either.

    ``settled``: the calls that a run need not repeat, see settled.known_calls. ``kinds``: those of the receipts.
    """

    reasons: tuple[str, ...]
    notices: tuple[str, ...]
    stacks: tuple[str, ...]
    fresh: bool
    settled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether a whole run is due."""
        return bool(self.reasons)


def seal(digest: str, *, root: str = "") -> None:
    """Remember that a whole run with this *digest* has ended well."""
    receipts.write(*SEAL, digest, {"seal": _digests(_others(root))}, root=root)


def judge(digest: str, engine: Engine, run: Runner, *, root: str = "", stacks: str = "") -> Verdict:
    """Look at the host: two requests to Docker, one to systemd, every file that a receipt names."""
    folder = stacks or STACKS
    kept, noted = _others(root), [each for each in receipts.read_all(root=root) if each["kind"] == settled.KIND]
    docker = replace(read_docker(engine, [receipt["left"] or {} for receipt in kept]), held=share_state.read_held())
    lost, hung, low = share_state.look([(receipt["left"] or {}).get("shares") or {} for receipt in kept])
    broken, differing = unfinished(folder), set[str]()
    reasons = seal_reasons(digest, kept, receipts.read(*SEAL, root=root))
    reasons += [f"stack {name}: an operation was interrupted" for name in broken]
    units = {name: state for receipt in kept for name, state in ((receipt["left"] or {}).get("units") or {}).items()}
    running = read_units(list(units), run)
    packages = read_packages() if any((receipt["left"] or {}).get("packages") for receipt in kept) else set()
    for what in timed_script.pending(timed_script.Place()):
        reasons.append(f"a change of {what} was never confirmed")
        differing.add(f"unconfirmed--{what}")  # it will be undone, whatever the receipts say
    for receipt in kept:
        found = [lost[path] for path in (receipt["left"] or {}).get("shares") or {} if path in lost]
        found += left_reasons(share_state.without(receipt["left"] or {}, hung), docker, running)
        found += firewall_reasons(receipt["left"] or {}, run)
        missing = [name for name in (receipt["left"] or {}).get("packages") or [] if name not in packages]
        found += [f"package {name}: is not installed any more" for name in missing]
        found += vlan_reasons(receipt["left"] or {}, run)
        found += wireguard_live.reasons_of(receipt["left"] or {}, run)
        if found or receipt["left"] is None or (receipt["kind"] == settled.STACK and receipt["name"] in broken):
            differing.add(f"{receipt['kind']}--{receipt['name']}")
        reasons += found
    wants_docker = any((receipt["left"] or {}).get("containers") for receipt in kept) or DOCKER_UNIT in units
    if docker.silent and wants_docker:
        reasons.append(docker.silent)
    reasons += [f"container {name}: bears our label, but no run left it" for name in docker.unknown]
    there = {*docker.stacks, *_folders(folder), *(each["name"] for each in kept if each["kind"] == "stack")}
    stacks_there = tuple(sorted(name for name in there if NAME.fullmatch(name)))  # others are not ours to remove
    sure = not docker.silent and not docker.unknown
    known = settled.known_calls(kept, noted, differing) if sure else {}
    kinds = tuple(sorted({each["kind"] for each in kept}))
    notices = (*docker.notices, *low)
    return Verdict(tuple(dict.fromkeys(reasons)), notices, stacks_there, not kept and not there, known, kinds)


def seal_reasons(digest: str, kept: Iterable[Mapping[str, Any]], sealed: Mapping[str, Any] | None) -> list[str]:
    """Why the seal does not hold. Pure."""
    if sealed is None:
        return ["no whole run has ended well here yet"]
    reasons = ["the plan or the collection has changed"] if sealed["wanted"] != digest else []
    now, then = _digests(kept), sealed["left"].get("seal") or {}
    for name in sorted({*now, *then}):
        if now.get(name) != then.get(name):
            what = name.replace("--", " ")
            reasons.append(f"{what}: changed outside a whole run, or by one that did not end well")
    return reasons


def unfinished(stacks: str) -> list[str]:
    """Names of the stacks on which an operation was interrupted."""
    return [name for name in _folders(stacks) if os.path.exists(os.path.join(stacks, name, "journal.json"))]


def left_reasons(
    left: Mapping[str, Any], docker: Docker, units: Mapping[str, str], clock: Callable[[], float] = time.time
) -> list[str]:
    """What differs from what one receipt says. Reads the files that it names."""
    reasons: list[str] = []
    for path, then in (left.get("files") or {}).items():
        reasons += _file_reason(path, then)
    for path, then in (left.get("directories") or {}).items():
        reasons += _attribute_reason("directory", path, then, receipts.directory_state(path))
    for living in left.get("living") or []:
        reasons += _living_reasons(living, docker, units, clock)
    if left.get("due") is not None and clock() > left["due"]:
        reasons.append(str(left.get("due_what") or "something is due"))
    for path, number in (left.get("mounts") or {}).items():
        if receipts.inode(path) not in (None, number):
            reasons.append(f"{path}: another directory than the one that its container has")
    reasons += _stray_reasons(left)
    for path, target in (left.get("links") or {}).items():
        if (os.readlink(path) if os.path.islink(path) else None) != target:
            reasons.append(f"{path}: does not lead to {target} any more")
    reasons += _user_reasons(left)
    reasons += docker_reasons(left, docker)
    reasons += pihole_marks.reasons(left.get("pihole"))
    for name, state in (left.get("units") or {}).items():
        if name in units and units[name] != state:
            reasons.append(f"{name}: {units[name]}, was {state}")
    return reasons


def firewall_reasons(left: Mapping[str, Any], run: Runner) -> list[str]:
    """Whether the table of our firewall is the one that was loaded, asked of the kernel."""
    ruleset = left.get("firewall")
    if not ruleset or firewall_script.stands(firewall_script.Place(), firewall.commander(run), ruleset):
        return []
    return [f"table {' '.join(firewall_script.TABLE)}: edited, flushed or never loaded"]


def read_units(names: list[str], run: Runner) -> dict[str, str]:
    """Active state by unit, in one call; a unit that is switched off at boot counts as ``disabled``."""
    if not names:
        return {}
    try:
        answer = run(["systemctl", "show", "--property=Id,ActiveState,UnitFileState", *names], timeout=30)
    except KronosError:
        return {}
    states = {}
    for block in answer.out.split("\n\n"):
        found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        off = found.get("UnitFileState") in ("disabled", "masked")
        states[found.get("Id", "")] = "disabled" if off else found.get("ActiveState", "")
    return states


def read_packages(path: str = "") -> set[str]:
    """Names of installed packages, straight from dpkg's own list (a tenth of the time that dpkg-query takes)."""
    try:
        with open(path or DPKG_STATUS, encoding="utf-8", errors="replace") as stream:
            stanzas = stream.read().split("\n\n")
    except OSError:
        return set()
    return {
        stanza.split("\n", 1)[0][len("Package: ") :]
        for stanza in stanzas
        if "\nStatus: install ok installed\n" in stanza
    }


def _others(root: str) -> list[dict[str, Any]]:
    """All receipts but the seal itself, and the notes of calls, which say nothing of the host."""
    found = receipts.read_all(root=root)
    return [each for each in found if (each["kind"], each["name"]) != SEAL and each["kind"] != settled.KIND]


def _digests(kept: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {f"{each['kind']}--{each['name']}": settled.digest_of(each) for each in kept}


def _folders(stacks: str) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(stacks) if entry.is_dir() and not entry.name.startswith("."))
    except OSError:
        return []


def _file_reason(path: str, then: Mapping[str, Any] | None) -> list[str]:
    now = receipts.file_state(path)
    if then is None:
        return [f"{path}: is there again"] if os.path.lexists(path) else []
    if now and now["sha256"] != then["sha256"]:
        return [f"{path}: edited"]
    return _attribute_reason("file", path, then, now)


def _attribute_reason(kind: str, path: str, then: Mapping[str, Any], now: Mapping[str, Any] | None) -> list[str]:
    if now is None:
        return [f"{path}: is no {kind} any more" if os.path.lexists(path) else f"{path}: deleted"]
    reasons = []
    if now["mode"] != then["mode"]:
        reasons.append(f"{path}: mode {now['mode']:04o}, was {then['mode']:04o}")
    if (now["uid"], now["gid"]) != (then["uid"], then["gid"]):
        reasons.append(f"{path}: owner {now['uid']}:{now['gid']}, was {then['uid']}:{then['gid']}")
    return reasons


def _user_reasons(left: Mapping[str, Any]) -> list[str]:
    reasons = []
    for name, then in (left.get("users") or {}).items():
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            reasons.append(f"user {name}: is gone")
            continue
        if [found.pw_uid, found.pw_gid, found.pw_dir, found.pw_shell] != then:
            reasons.append(f"user {name}: changed by hand")
    return reasons


def _stray_reasons(left: Mapping[str, Any]) -> list[str]:
    """What lies in folders that are wholly ours, and that the receipt does not name."""
    wanted = {*(left.get("files") or {}), *(left.get("directories") or {})}
    return [f"{path}: nobody asked for it" for path in tree.strays(left.get("whole") or (), wanted)]


def _living_reasons(path: str, docker: Docker, units: Mapping[str, str], clock: Callable[[], float]) -> list[str]:
    """A living receipt is kept up to date by a program on the host, such as the one that renews certificates."""
    try:
        with open(path, encoding="utf-8") as stream:
            left = json.load(stream)
        return left_reasons({**left, "living": ()}, docker, units, clock)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return [f"{path}: deleted or unreadable"]
