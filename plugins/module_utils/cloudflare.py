# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of our names at Cloudflare: what there is, what has to change, carrying it out.

Beside cloudflare_api.py this file runs on the host by itself (as ``kronos_cloudflare.py``), from a timer that looks
whether the home has got another address. https://developers.cloudflare.com/api/resources/dns/
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

try:
    from ansible_collections.kronos.homelab.plugins.module_utils import cloudflare_api as api
except ImportError:  # on the host, beside this file
    import kronos_cloudflare_api as api  # type: ignore[import-not-found,no-redef]

Data = dict[str, Any]
TYPES = {4: "A", 6: "AAAA"}
TAKING = ("A", "AAAA", "CNAME")  # a name that has one of these is taken
MARK = "managed by kronos.homelab"
LONGEST_COMMENT = 100
AUTOMATIC = 1  # TTL
LOOK_AGAIN = 86400
LATER = (81057, 81058)  # the record exists already


@dataclass(frozen=True)
class Wish:
    """What is wanted. ``records``: name -> whether proxied; ``services``: who tells our address, by version of IP;
    ``addresses``: our address where it is known, by version of IP."""

    base: str
    owner: str
    records: Mapping[str, bool]
    services: Mapping[int, Sequence[str]]
    addresses: Mapping[int, str]
    token_file: str
    state_file: str

    @property
    def comment(self) -> str:
        """By which our records are told from others."""
        return f"{MARK} {self.owner}"[:LONGEST_COMMENT]

    @property
    def families(self) -> list[int]:
        """The versions of IP that get records."""
        return sorted({*self.services, *self.addresses})


@dataclass(frozen=True)
class Step:
    """One request: create, update or delete a record of a zone."""

    action: str
    zone: str
    record: Mapping[str, Any]
    identity: str = ""
    before: str = ""

    @property
    def after(self) -> str:
        """The record in words; empty once it is deleted."""
        return "" if self.action == "delete" else told(self.record)


@dataclass(frozen=True)
class Change:
    """All that has to happen, and the names that somebody else has a record of."""

    steps: tuple[Step, ...]
    taken: tuple[str, ...]

    @property
    def diff(self) -> list[dict[str, str]]:
        """The records that change."""
        return [
            {
                "before_header": f"record {step.record['name']} {step.record['type']}",
                "after_header": f"record {step.record['name']} {step.record['type']}",
                "before": step.before,
                "after": step.after,
            }
            for step in self.steps
        ]


def to_json(wish: Wish) -> bytes:
    """The text of wanted.json, by which the timer goes."""
    return json.dumps(vars(wish), indent=1, sort_keys=True).encode() + b"\n"


def from_json(text: str | bytes) -> Wish:
    """The wish from wanted.json."""
    data = json.loads(text)
    services = {int(family): tuple(listed) for family, listed in data["services"].items()}
    addresses = {int(family): address for family, address in data["addresses"].items()}
    return Wish(**{**data, "services": services, "addresses": addresses})


def told(record: Mapping[str, Any]) -> str:
    """A record in words."""
    how = "proxied" if record.get("proxied") else "not proxied"
    return f"{record['content']}, {how}, TTL {record.get('ttl', AUTOMATIC)}\n"


def zone_of(name: str, zones: Iterable[str]) -> str:
    """The zone that a name lies in: the longest that is its end; empty where there is none."""
    return max((zone for zone in zones if name == zone or name.endswith(f".{zone}")), key=len, default="")


def plan(wish: Wish, addresses: Mapping[int, str], zones: Mapping[str, Sequence[Mapping[str, Any]]]) -> Change:
    """The change from what the *zones* hold to what is wanted. Pure.

    A version of IP whose address nobody could tell keeps its records. Records of others stay as they are, and no
    record of ours is put beside one of theirs.
    """
    steps: list[Step] = []
    taken: list[str] = []
    for name, proxied in sorted(wish.records.items()):
        zone = zone_of(name, zones)
        there = [record for record in zones[zone] if record["name"].lower() == name and record["type"] in TAKING]
        if any(not _ours(record, wish) for record in there):
            taken.append(name)
            continue
        for family in wish.families:
            same = [record for record in there if record["type"] == TYPES[family]]
            steps += _steps_of(wish, zone, name, proxied, family, addresses.get(family, ""), same)
    kept = {(name, TYPES[family]) for name in wish.records for family in wish.families}
    for zone, records in sorted(zones.items()):
        for record in records:
            if _ours(record, wish) and (record["name"].lower(), record["type"]) not in kept:
                steps.append(Step("delete", zone, record, record["id"], told(record)))
    return Change(tuple(steps), tuple(taken))


def _steps_of(
    wish: Wish, zone: str, name: str, proxied: bool, family: int, address: str, same: Sequence[Mapping[str, Any]]
) -> list[Step]:
    address = address or (same[0]["content"] if same else "")
    if not address:
        return []
    wanted = {"type": TYPES[family], "name": name, "content": address, "proxied": proxied, "ttl": AUTOMATIC}
    wanted["comment"] = wish.comment
    if not same:
        return [Step("create", zone, wanted)]
    first, *surplus = same
    steps = [Step("delete", zone, record, record["id"], told(record)) for record in surplus]
    if any(first.get(key) != wanted[key] for key in ("content", "proxied", "ttl")):
        steps.append(Step("update", zone, wanted, first["id"], told(first)))
    return steps


def _ours(record: Mapping[str, Any], wish: Wish) -> bool:
    return record.get("comment") == wish.comment and record["type"] in TYPES.values()


def look(wish: Wish, client: api.Client) -> tuple[dict[str, str], dict[str, list[Data]]]:
    """The ids of the token's zones by name, and their records."""
    zones = {zone["name"]: zone["id"] for zone in client.listed("/zones", per_page=50)}
    lost = sorted(name for name in wish.records if not zone_of(name, zones))
    if lost:
        there = ", ".join(sorted(zones)) or "none at all"
        raise api.CloudflareError(f"no zone for {', '.join(lost)}: the token sees {there}")
    return zones, {name: client.listed(f"/zones/{key}/dns_records", per_page=100) for name, key in zones.items()}


def apply(change: Change, zones: Mapping[str, str], client: api.Client) -> None:
    """Carry out *change*: first what makes names work, last what takes them away."""
    for step in sorted(change.steps, key=lambda each: each.action == "delete"):
        path = f"/zones/{zones[step.zone]}/dns_records"
        if step.action == "create":
            client.call("POST", path, body=step.record)
        elif step.action == "update":
            client.call("PATCH", f"{path}/{step.identity}", body=step.record)
        else:
            client.call("DELETE", f"{path}/{step.identity}", gone_is_done=True)


def converge(wish: Wish, client: api.Client, fetch: api.Fetch, write: bool) -> tuple[Change, dict[int, str], list[str]]:
    """Look, plan, and with *write* carry it out; returns also our addresses, and which could not be told."""
    addresses, silent = find_addresses(wish, fetch)
    if wish.records and not addresses:
        raise api.CloudflareError(f"nobody tells the address of this home: {'; '.join(silent)}")
    zones, records = look(wish, client)
    change = plan(wish, addresses, records)
    if write:
        try:
            apply(change, zones, client)
        except api.CloudflareError as error:
            if error.code not in LATER:
                raise
            # made meanwhile, perhaps by our own request whose answer was lost: what stands now decides
            again = plan(wish, addresses, look(wish, client)[1])
            apply(again, zones, client)
            change = Change(change.steps, again.taken)
    return change, addresses, silent


def find_addresses(wish: Wish, fetch: api.Fetch) -> tuple[dict[int, str], list[str]]:
    """Our address in each version of IP, and what was said where nobody could tell it."""
    found: dict[int, str] = dict(wish.addresses)
    silent: list[str] = []
    for family, services in sorted(wish.services.items()):
        reasons: list[str] = []
        for service in services if family not in found else ():
            address, reason = api.ask_address(service, family, fetch)
            if address:
                found[family], reasons = address, []
                break
            reasons.append(f"{service}: {reason}")
        silent += reasons
    return found, silent


def taken_text(taken: Sequence[str], wish: Wish) -> str:
    """What is said of names that somebody else has a record of."""
    return (
        f"{', '.join(taken)}: there is a record that this host did not make, and it is left alone; delete it, or give "
        f"it the comment {wish.comment!r}"
    )


def remember(wish: Wish, addresses: Mapping[int, str]) -> None:
    """Note what was true when all was well, so that the timer asks Cloudflare only when something is new."""
    note = {"wish": digest(wish), "addresses": {str(key): value for key, value in addresses.items()}, "at": time.time()}
    os.makedirs(os.path.dirname(wish.state_file), mode=0o755, exist_ok=True)
    temporary = f"{wish.state_file}.new"
    with open(temporary, "w", encoding="utf-8") as stream:
        json.dump(note, stream)
    os.replace(temporary, wish.state_file)


def is_known(wish: Wish, addresses: Mapping[int, str], now: float) -> bool:
    """Whether all was well with these very addresses, less than a day ago."""
    try:
        with open(wish.state_file, encoding="utf-8") as stream:
            note = json.load(stream)
        same = note["wish"] == digest(wish) and note["addresses"] == {str(k): v for k, v in addresses.items()}
        return bool(same and 0 <= now - note["at"] < LOOK_AGAIN)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def digest(wish: Wish) -> str:
    """What changes with the wish."""
    return hashlib.sha256(to_json(wish)).hexdigest()


def main(words: list[str] | None = None) -> int:
    """The timer's entry: bring the records up to date where the home has got another address."""
    parser = argparse.ArgumentParser(description="Keep the home's names at Cloudflare pointing at it.")
    parser.add_argument("--config", required=True, help="what is wanted (wanted.json)")
    options = parser.parse_args(words)
    try:
        with open(options.config, encoding="utf-8") as stream:
            wish = from_json(stream.read())
        addresses, silent = find_addresses(wish, api.fetch)
        sys.stderr.writelines(f"no answer: {line}\n" for line in silent)
        if is_known(wish, addresses, time.time()):
            return 0
        change, addresses, _silent = converge(
            wish, api.Client(wish.base, api.read_token(wish.token_file)), api.fetch, True
        )
        if change.taken:
            raise api.CloudflareError(taken_text(change.taken, wish))
        remember(wish, addresses)
    except (api.CloudflareError, OSError, ValueError) as error:
        sys.stderr.write(f"cloudflare: {error}\n")
        return 1
    for step in change.steps:
        sys.stdout.write(f"{step.action} {step.record['name']} {step.record['type']} {step.after}".rstrip() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
