# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import sys

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import secret_derive as derive
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

VALUE = "correct-horse-battery-ä"
FORMS = {
    "argon2id": r"\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}",
    "bcrypt": r"\$2b\$10\$[A-Za-z0-9./]{53}",
    "pbkdf2_sha512": r"\$pbkdf2-sha512\$310000\$[A-Za-z0-9./]{22}\$[A-Za-z0-9./]{86}",
}


@pytest.mark.parametrize("kind", derive.HASHES)
def test_a_hash_has_the_form_that_programs_know_and_verifies_alone_against_its_value(kind):
    hashed = derive.make(kind, VALUE)
    assert re.fullmatch(FORMS[kind], hashed)
    assert derive.verifies(kind, hashed, VALUE)
    assert not derive.verifies(kind, hashed, VALUE + "x")
    assert derive.make(kind, VALUE) != hashed


def test_a_hash_of_authelias_own_documentation():
    hashed = (
        "$pbkdf2-sha512$310000$c8p78n7pUMln0jzvd4aK4Q$JNRBzwAo0ek5qKn50cFzzvE9RXV88h1wJn5KGiHrD0YKtZaR/nCb2CJPOsKaPK0hjf"
        ".9yHxzQGZziziccp6Yng"
    )
    assert derive.verifies("pbkdf2_sha512", hashed, "insecure_secret")


@pytest.mark.parametrize("kind", derive.HASHES)
@pytest.mark.parametrize(
    "broken",
    [
        "",
        "text",
        "$argon2id$v=19",
        "$2b$10$short",
        "$pbkdf2-sha512$310000$a$b",
        "$pbkdf2-sha512$1$!$!",
        "$2b$10$" + "é" * 53,
    ],
)
def test_what_is_no_hash_verifies_nothing(kind, broken):
    assert not derive.verifies(kind, broken, VALUE)


def test_bcrypt_refuses_what_it_would_cut_off():
    with pytest.raises(KronosError, match="at most 72 bytes"):
        derive.make("bcrypt", "x" * 73)
    assert not derive.verifies("bcrypt", derive.make("bcrypt", "x" * 72), "x" * 73)


@pytest.mark.parametrize(("kind", "module"), [("argon2id", "argon2"), ("bcrypt", "bcrypt")])
def test_a_missing_library_is_named_by_its_package(monkeypatch, kind, module):
    hashed = derive.make(kind, VALUE)
    monkeypatch.setitem(sys.modules, module, None)
    for call in (lambda: derive.make(kind, VALUE), lambda: derive.verifies(kind, hashed, VALUE)):
        with pytest.raises(KronosError, match=f"needs the package {derive.PACKAGES[kind]}"):
            call()


def test_a_key():
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    assert load_pem_private_key(derive.rsa_key(2048).encode(), None).key_size == 2048
