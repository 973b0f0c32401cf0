# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are made from another one: password hashes, as programs keep them beside a user's name.

A hash is kept as long as it verifies against its source, so that its salt, and with it every file that holds it,
stays. Formats: https://www.authelia.com/reference/guides/passwords/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

ARGON2ID, BCRYPT, PBKDF2 = "argon2id", "bcrypt", "pbkdf2_sha512"
HASHES = (ARGON2ID, BCRYPT, PBKDF2)
# What a host needs for each beside Python itself, as Debian names it.
PACKAGES: Mapping[str, str] = {ARGON2ID: "python3-argon2", BCRYPT: "python3-bcrypt"}

# Authelia's own defaults: https://www.authelia.com/configuration/first-factor/file/#argon2
TIME_COST, MEMORY_KIB, LANES = 3, 65536, 4
# A proxy hashes the password of every single request: a tenth of a second each would be felt.
BCRYPT_ROUNDS = 10
# bcrypt looks at no more, and some programs refuse more.
BCRYPT_LONGEST = 72
PBKDF2_ROUNDS, PBKDF2_SALT, PBKDF2_LENGTH = 310000, 16, 64
_PBKDF2 = re.compile(r"\$pbkdf2-sha512\$([1-9][0-9]{0,7})\$([A-Za-z0-9./]+)\$([A-Za-z0-9./]+)")


def make(kind: str, value: str) -> str:
    """A new hash of *value*, with a salt of its own."""
    return _MAKERS[kind](value)


def verifies(kind: str, hashed: str, value: str) -> bool:
    """Whether *hashed* is a hash of this kind, made from *value*."""
    return _CHECKERS[kind](hashed, value)


def rsa_key(bits: int) -> str:
    """A new private key (PKCS 8, PEM): not derived, but no text of chance either."""
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError as error:
        raise KronosError(f"an RSA key needs the package python3-cryptography on the host ({error})") from error
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return str(pem.decode())


def _missing(kind: str, error: ImportError) -> KronosError:
    return KronosError(f"{kind} needs the package {PACKAGES[kind]} on the host ({error})")


def _argon2id(value: str) -> str:
    try:
        import argon2
    except ImportError as error:
        raise _missing(ARGON2ID, error) from error
    hasher = argon2.PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES)
    return str(hasher.hash(value))


def _is_argon2id(hashed: str, value: str) -> bool:
    if not hashed.startswith("$argon2id$"):
        return False
    try:
        import argon2
    except ImportError as error:
        raise _missing(ARGON2ID, error) from error
    try:
        return bool(argon2.PasswordHasher().verify(hashed, value))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHash):
        return False


def _bcrypt(value: str) -> str:
    try:
        import bcrypt
    except ImportError as error:
        raise _missing(BCRYPT, error) from error
    if len(value.encode()) > BCRYPT_LONGEST:
        raise KronosError(f"bcrypt takes at most {BCRYPT_LONGEST} bytes of a password: a shorter one is wanted")
    return str(bcrypt.hashpw(value.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode())


def _is_bcrypt(hashed: str, value: str) -> bool:
    if not hashed.startswith("$2") or len(value.encode()) > BCRYPT_LONGEST:
        return False
    try:
        import bcrypt
    except ImportError as error:
        raise _missing(BCRYPT, error) from error
    try:
        return bool(bcrypt.checkpw(value.encode(), hashed.encode()))
    except ValueError:
        return False


def _pbkdf2(value: str) -> str:
    salt = secrets.token_bytes(PBKDF2_SALT)
    key = hashlib.pbkdf2_hmac("sha512", value.encode(), salt, PBKDF2_ROUNDS, PBKDF2_LENGTH)
    return f"$pbkdf2-sha512${PBKDF2_ROUNDS}${_adapted(salt)}${_adapted(key)}"


def _is_pbkdf2(hashed: str, value: str) -> bool:
    found = _PBKDF2.fullmatch(hashed)
    if found is None:
        return False
    try:
        salt, key = _plain(found[2]), _plain(found[3])
    except ValueError:
        return False
    return hmac.compare_digest(hashlib.pbkdf2_hmac("sha512", value.encode(), salt, int(found[1]), len(key)), key)


def _adapted(data: bytes) -> str:
    """base64 as these hashes spell it: a point for the plus sign, nothing at the end."""
    return base64.b64encode(data, b"./").decode().rstrip("=")


def _plain(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), b"./", validate=True)


_MAKERS: Mapping[str, Callable[[str], str]] = {ARGON2ID: _argon2id, BCRYPT: _bcrypt, PBKDF2: _pbkdf2}
_CHECKERS: Mapping[str, Callable[[str, str], bool]] = {ARGON2ID: _is_argon2id, BCRYPT: _is_bcrypt, PBKDF2: _is_pbkdf2}
