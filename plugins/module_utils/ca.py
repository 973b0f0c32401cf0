# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small certificate authority for one host: a root that stays, and leaves that are renewed before they expire.

This very file also runs on the host by itself (``kronos_ca.py renew --config wanted.json``, from a systemd timer), with
ca_state.py and certificates.py beside it: these three import nothing else of the collection.

Below ``folder`` (/etc/kronos): ``ca/root.key``, ``ca/root.crt``, ``ca/wanted.json`` (what to keep, for the timer),
``ca/issued.json`` (a living receipt: what stands, and when the next renewal is due) and
``tls/<leaf>/{cert.pem,key.pem}``. A renewal keeps the leaf's key, so that certificate and key fit at every moment.
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

try:
    from ansible_collections.kronos.homelab.plugins.module_utils import ca_state, certificates
    from ansible_collections.kronos.homelab.plugins.module_utils.ca_state import CaError, Leaf, Present, Wanted
except ImportError:  # on the host, beside this file
    import kronos_ca_state as ca_state  # type: ignore[import-not-found,no-redef]
    import kronos_certificates as certificates  # type: ignore[import-not-found,no-redef]
    from kronos_ca_state import CaError, Leaf, Present, Wanted  # type: ignore[no-redef]


ROOT_DAYS = 3653
CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class Plan:
    """What has to happen. ``issue`` maps leaves to the reason; ``root`` is created, restored, repaired or empty."""

    root: str
    issue: Mapping[str, str]
    repair: tuple[str, ...]
    publish: tuple[str, ...]
    remove: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.root or self.issue or self.repair or self.publish or self.remove)


def plan(wanted: Wanted, present: Present, now: datetime, force_new_root: bool = False) -> Plan:
    """What has to happen. Pure. Without the library, only what is missing can be told.

    Raises CaError where the root is lost or broken: a new one is made only when asked for, since every device would
    have to trust it anew.
    """
    ca_state.check(wanted)
    root = _plan_root(present, now, force_new_root)
    issue = {}
    for leaf in wanted.leaves:
        reason = "there is a new root" if root == "created" else _why(leaf, wanted, present, now)
        if present.leaves[leaf.name].certificate is None or present.leaves[leaf.name].key is None:
            reason = "there is none"
        if reason:
            issue[leaf.name] = reason
    rest = [leaf.name for leaf in wanted.leaves if leaf.name not in issue]
    return Plan(
        root=root,
        issue=issue,
        repair=tuple(name for name in rest if not present.leaves[name].rights),
        publish=tuple(name for name in rest if present.leaves[name].rights and not present.leaves[name].published),
        remove=present.surplus,
    )


def apply(change: Plan, wanted: Wanted, present: Present, now: datetime) -> None:
    """Carry out *change*: root, leaves, then the files that make others notice, then the note that all that is done."""
    if not change.changed and os.path.exists(wanted.ca("issued.json")):
        return
    for folder, mode in {wanted.folder: 0o700, **ca_state.folders(wanted)}.items():
        ca_state.ensure_folder(folder, mode)
    root_key, root = _apply_root(change, wanted, present, now)
    for leaf in wanted.leaves:
        if leaf.name in change.issue:
            _issue(leaf, wanted, present.leaves[leaf.name].key, root_key, root, now)
        elif leaf.name in change.repair:
            for path, (mode, uid, gid) in ca_state.leaf_files(leaf, wanted).items():
                ca_state.write(path, ca_state.read_content(path) or b"", mode, uid, gid)
    for name in change.remove:
        _remove_leaf(wanted, name)
    for leaf in wanted.leaves:
        if leaf.name in (*change.issue, *change.repair, *change.publish):
            for path in leaf.republish:
                _republish(path)
    ca_state.write(wanted.ca("issued.json"), _issued(wanted), 0o600, os.geteuid(), os.getegid())


def diff(change: Plan, wanted: Wanted, present: Present) -> list[dict[str, str]]:
    """What changes, in Ansible's shape; keys are never in it."""
    entries = []
    if change.root:
        before = "" if present.root is None else "root certificate\n"
        entries.append(_entry("root", before, f"root certificate ({change.root}): {wanted.common_name}\n"))
    for leaf in wanted.leaves:
        names = "".join(f"name: {name}\n" for name in leaf.names)
        if leaf.name in change.issue:
            before = _names_now(present.leaves[leaf.name].certificate)
            entries.append(_entry(leaf.name, before, f"{names}issued: {change.issue[leaf.name]}\n"))
        elif leaf.name in change.repair:
            entries.append(_entry(leaf.name, names, f"{names}owner and mode: repaired\n"))
        elif leaf.name in change.publish:
            entries.append(_entry(leaf.name, names, f"{names}published again\n"))
    return entries + [_entry(name, "certificate\n", "") for name in change.remove]


def foreseen_root(change: Plan, present: Present) -> bytes:
    """The root certificate that will stand after *change*; empty where nobody can know it yet."""
    if change.root == "created":
        return b""
    root = _standing_root(present)
    return certificates.pem(root) if root else present.root or b""


def describe(certificate: bytes) -> dict[str, Any]:
    """Names and last moment (seconds since 1970) of the first certificate in a PEM text."""
    leaf = certificates.parse(certificate)[0]
    return {"names": certificates.names_of(leaf), "not_after": int(certificates.not_after(leaf).timestamp())}


def _plan_root(present: Present, now: datetime, force: bool) -> str:
    if present.root_key is None and present.root is None:
        if force or not any(files.certificate for files in present.leaves.values()):
            return "created"
        raise CaError("the root of the authority is lost, key and certificate; " + _WAY_OUT)
    if force:
        return "created"
    if not certificates.available():
        return ""
    if present.root_key is None:
        raise CaError("ca/root.key, the key of the authority, is lost; " + _WAY_OUT)
    key = certificates.load_key(present.root_key)
    if key is None:
        raise CaError("ca/root.key, the key of the authority, cannot be read; " + _WAY_OUT)
    if present.root is None:
        return "restored"  # with the same key and name, devices that trust the old one trust it
    roots = certificates.parse(present.root)
    if not roots or certificates.public_key(roots[0]) != certificates.public_key(key):
        raise CaError("ca/root.crt, the certificate of the authority, is broken or not that of its key; " + _WAY_OUT)
    if certificates.not_after(roots[0]) <= now:
        raise CaError(f"the root certificate has expired on {certificates.not_after(roots[0]):%Y-%m-%d}; " + _WAY_OUT)
    whole = (present.root_key, present.root) == (certificates.key_pem(key), certificates.pem(roots[0]))
    return "" if whole and present.root_sound else "repaired"


_WAY_OUT = (
    "put it back from a backup of /etc/kronos, or ask for a new root with force_new_root "
    "(every device must then trust the new one)"
)


def _why(leaf: Leaf, wanted: Wanted, present: Present, now: datetime) -> str:
    """Why a leaf must be issued; empty while it is good."""
    files = present.leaves[leaf.name]
    if files.certificate is None or files.key is None or not certificates.available():
        return ""
    chain, key = certificates.parse(files.certificate), certificates.load_key(files.key)
    if not chain or key is None:
        return "it cannot be read"
    certificate = chain[0]
    if certificates.public_key(certificate) != certificates.public_key(key):
        return "its key does not fit"
    root = _standing_root(present)
    if root is None or chain[1:] != [root] or not certificates.signed_by(certificate, root):
        return "it does not chain to the root"
    if sorted(certificates.names_of(certificate)) != sorted({certificates.normal(name) for name in leaf.names}):
        return "its names differ"
    if certificates.not_after(certificate) <= now:
        return "it has expired"
    if certificates.not_before(certificate) > now:
        return "it is not valid yet: the clock was wrong when it was issued"
    if certificates.not_after(certificate) - now < timedelta(days=wanted.renew_before_days):
        return "it expires soon"
    return ""


def _apply_root(change: Plan, wanted: Wanted, present: Present, now: datetime) -> tuple[Any, Any]:
    """Key and certificate of the root, written where the plan says so."""
    kept = certificates.load_key(present.root_key or b"") if change.root != "created" else None
    key = kept or certificates.new_key()
    root = _standing_root(present) if kept else None
    if root is None:
        start, end = now - CLOCK_SKEW, now + timedelta(days=ROOT_DAYS)
        root = certificates.build(wanted.common_name, (), key, key, None, start, end)
    if change.root:
        mine = (os.geteuid(), os.getegid())
        if change.root == "created":
            # After a kill between the two, a key without its certificate is completed; the other way round is a loss.
            ca_state.forget(wanted.ca("root.crt"))
        ca_state.write(wanted.ca("root.key"), certificates.key_pem(key), 0o600, *mine)
        ca_state.write(wanted.ca("root.crt"), certificates.pem(root), 0o644, *mine)
    return key, root


def _issue(leaf: Leaf, wanted: Wanted, kept: bytes | None, root_key: Any, root: Any, now: datetime) -> None:
    key = certificates.load_key(kept or b"") or certificates.new_key()
    until = min(now + timedelta(days=leaf.days), certificates.not_after(root))
    certificate = certificates.build(leaf.names[0], leaf.names, key, root_key, root, now - CLOCK_SKEW, until)
    texts = {"key.pem": certificates.key_pem(key), "cert.pem": certificates.pem(certificate) + certificates.pem(root)}
    for name, text in texts.items():
        path = wanted.tls(leaf.name, name)
        ca_state.write(path, text, *ca_state.leaf_files(leaf, wanted)[path])


def _standing_root(present: Present) -> Any:
    """The root certificate.

    Where its file is gone, the copy at the end of some leaf's chain. None where none fits its key.
    """
    key = certificates.load_key(present.root_key or b"")
    if key is None:
        return None
    texts = [present.root] if present.root else [files.certificate for files in present.leaves.values()]
    for text in texts:
        for certificate in reversed(certificates.parse(text or b"")):
            if certificates.public_key(certificate) == certificates.public_key(key):
                return certificate
    return None


def _names_now(certificate: bytes | None) -> str:
    found = certificates.parse(certificate) if certificate and certificates.available() else []
    return "".join(f"name: {name}\n" for name in certificates.names_of(found[0])) if found else ""


def _entry(name: str, before: str, after: str) -> dict[str, str]:
    header = f"certificate {name}"
    return {"before_header": header, "after_header": header, "before": before, "after": after}


def _issued(wanted: Wanted) -> bytes:
    """The text of issued.json: a living receipt (see receipts.py), and what there is to know of each leaf."""
    paths = [
        wanted.ca("root.key"),
        wanted.ca("root.crt"),
        *(p for leaf in wanted.leaves for p in ca_state.leaf_files(leaf, wanted)),
    ]
    texts = {leaf.name: ca_state.read_content(wanted.tls(leaf.name, "cert.pem")) or b"" for leaf in wanted.leaves}
    leaves = {name: describe(text) for name, text in texts.items()}
    due = {}
    if leaves:
        first = min(leaves, key=lambda name: int(leaves[name]["not_after"]))
        due["due"] = leaves[first]["not_after"] - wanted.renew_before_days * 86400
        due["due_what"] = f"certificate {first}: it expires soon"
    issued = {
        "files": {path: ca_state.file_state(path) for path in paths},
        "directories": {path: ca_state.folder_state(path) for path in ca_state.folders(wanted)},
        "leaves": leaves,
        **due,
    }
    return json.dumps({**issued, "seal": ca_state.seal_of(issued)}, indent=1, sort_keys=True).encode() + b"\n"


def _republish(path: str) -> None:
    """Rename equal bytes over a file: Traefik looks at certificates again only when a file of its provider changes."""
    content = ca_state.read_content(path)
    if content is not None:
        found = os.stat(path)
        ca_state.write(path, content, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def _remove_leaf(wanted: Wanted, name: str) -> None:
    for file in ("cert.pem", "key.pem"):
        ca_state.forget(wanted.tls(name, file))
    if os.path.isdir(wanted.tls(name)):
        os.rmdir(wanted.tls(name))


def main(words: list[str] | None = None) -> int:
    """The timer's entry: renew what is due, say what was done."""
    parser = argparse.ArgumentParser(description="Renew the certificates of the home authority before they expire.")
    parser.add_argument("command", choices=["renew"])
    parser.add_argument("--config", required=True, help="the list of wanted certificates (wanted.json)")
    options = parser.parse_args(words)
    try:
        text = ca_state.read_content(options.config)
        if text is None:
            raise CaError(f"{options.config}: there is no such file")
        if not certificates.available():
            raise CaError("Python's cryptography is missing (Debian: python3-cryptography)")
        wanted = ca_state.from_json(text)
        with ca_state.locked(wanted):
            now = datetime.now(timezone.utc)
            present = ca_state.read(wanted)
            change = plan(wanted, present, now)
            apply(change, wanted, present, now)
    except (CaError, OSError) as error:
        sys.stderr.write(f"certificates: {error}\n")
        return 1
    for name, reason in change.issue.items():
        sys.stdout.write(f"certificate {name} issued: {reason}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
