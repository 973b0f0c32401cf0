# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies a certificate that somebody else renews on the host to where the proxy reads it.

This very file runs on the host by itself (as ``kronos_given_certificate.py``) and imports nothing of the collection.
A certificate and a key that do not fit each other are not taken: the last pair stays in use.
"""

from __future__ import annotations

import argparse
import os
import ssl
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass


class GivenError(Exception):
    """Something about the files that a person must look at; one line."""


@dataclass(frozen=True)
class Wish:
    """What to copy where, for whom, and which file makes the proxy look again."""

    certificate: str
    key: str
    folder: str
    uid: int
    gid: int
    republish: str = ""


def take(wish: Wish) -> bool:
    """Copy what is new; tell whether there was anything."""
    pair = {"key.pem": (_read(wish.key), 0o400), "cert.pem": (_read(wish.certificate), 0o644)}
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(wish.certificate, wish.key, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise GivenError(f"{wish.certificate} and {wish.key} are no pair: {error}") from None
    os.makedirs(wish.folder, mode=0o755, exist_ok=True)
    changed = False
    for name, (content, mode) in pair.items():
        path = os.path.join(wish.folder, name)
        if _stands(path, content, (mode, wish.uid, wish.gid)):
            continue
        _write(path, content, (mode, wish.uid, wish.gid))
        changed = True
    if changed and wish.republish and os.path.exists(wish.republish):
        # Traefik looks at certificates again only when a file of its provider changes.
        found = os.stat(wish.republish)
        _write(wish.republish, _read(wish.republish), (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid))
    return changed


def _no_password() -> str:
    raise ValueError("the key has a password")


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise GivenError(f"{path}: {error.strerror}") from None


def _stands(path: str, content: bytes, rights: tuple[int, int, int]) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return False
    return (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == rights and _read(path) == content


def _write(path: str, content: bytes, rights: tuple[int, int, int]) -> None:
    """Write in one step, so that nobody reads half a file."""
    temporary = f"{os.path.dirname(path)}/.{os.path.basename(path)}.kronos-{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(handle, "wb") as stream:
        stream.write(content)
        os.fchown(handle, rights[1], rights[2])
        os.fchmod(handle, rights[0])
        stream.flush()
        os.fsync(handle)
    os.replace(temporary, path)


def main(words: Sequence[str] | None = None) -> int:
    """The unit's entry."""
    parser = argparse.ArgumentParser(description="Copy a certificate of this host to where the proxy reads it.")
    for name in ("certificate", "key", "folder"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--uid", type=int, required=True)
    parser.add_argument("--gid", type=int, required=True)
    parser.add_argument("--republish", default="")
    try:
        if take(Wish(**vars(parser.parse_args(words)))):
            sys.stdout.write("the proxy's certificate was replaced\n")
    except (GivenError, OSError) as error:
        sys.stderr.write(f"certificate: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
