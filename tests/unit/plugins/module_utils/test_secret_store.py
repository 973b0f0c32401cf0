# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import os
import re
import stat
import uuid

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import secret_store as store
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.secret_store import Stored
from ansible_collections.kronos.homelab.plugins.module_utils.secret_wanted import WantedSecret, parse
from ansible_collections.kronos.homelab.plugins.module_utils.secret_words import WORDS

KEY = {"service": "radarr", "name": "api_key", "format": "hex", "length": 32}
HASH = {"service": "radarr", "name": "hash", "derive": {"from": "api_key", "hash": "pbkdf2_sha512"}}
TOKEN = {"service": "dns", "name": "token", "format": "given"}


@pytest.mark.parametrize(
    ("kind", "length", "pattern"),
    [
        ("hex", 32, "[0-9a-f]{32}"),
        ("hex", 9, "[0-9a-f]{9}"),
        ("alphanumeric", 40, "[A-Za-z0-9]{40}"),
        ("passphrase", 6, "[a-z]+(-[a-z]+){5}"),
    ],
)
def test_generated_values_have_the_form_and_differ(kind, length, pattern):
    values = {store.generate(kind, length) for _index in range(20)}
    assert len(values) == 20
    assert all(re.fullmatch(pattern, value) for value in values)


def test_generated_bytes_and_ids():
    assert len(base64.b64decode(store.generate("base64", 33), validate=True)) == 33
    assert uuid.UUID(store.generate("uuid", 0)).version == 4
    with pytest.raises(ValueError, match="given"):
        store.generate("given", 0)


def test_words_can_be_told_apart():
    assert len(set(WORDS)) == len(WORDS) >= 256
    assert all(re.fullmatch("[a-z]{3,8}", word) for word in WORDS)
    assert len({word[:4] for word in WORDS}) > 230


def test_parse_fills_in_lengths_and_values():
    declared = [KEY, TOKEN, {"service": "a", "name": "b", "format": "passphrase", "length": None}]
    parsed = parse(declared, {"dns": {"token": 12345}})
    assert parsed == [
        WantedSecret("radarr", "api_key", "hex", 32),
        WantedSecret("dns", "token", "given", 0, "12345"),
        WantedSecret("a", "b", "passphrase", 8),
    ]
    assert "12345" not in repr(parsed)


@pytest.mark.parametrize(
    ("declared", "given", "says"),
    [
        ([TOKEN], {}, "kronos_secrets.dns.token has no value: the secret is declared as given"),
        ([TOKEN], {"dns": {"token": None}}, "kronos_secrets.dns.token has no value"),
        ([TOKEN], {"dns": {"token": ""}}, "kronos_secrets.dns.token must be a text that is not empty"),
        ([TOKEN], {"dns": {"token": "a\0b"}}, "holds no NUL"),
        ([TOKEN], {"dns": {"token": "marker\ud83d"}}, "kronos_secrets.dns.token must be text in Unicode"),
        ([TOKEN], {"dns": {"token": ["marker"]}}, "kronos_secrets.dns.token must be a text"),
        ([TOKEN], {"dns": {"token": True}}, "kronos_secrets.dns.token must be a text"),
        ([TOKEN], {"dns": "marker"}, "kronos_secrets.dns must map names to values"),
        ([{**KEY, "name": "../x"}], {}, "'../x' is no name"),
        ([{**KEY, "service": "a/b"}], {}, "'a/b' is no name"),
        ([{**KEY, "format": "md5"}], {}, "format 'md5' is unknown"),
        ([{**KEY, "length": 4}], {}, "a length of 4 characters; wanted: 8 to 4096"),
        ([{**KEY, "format": "passphrase", "length": 2}], {}, "a length of 2 words"),
        ([KEY, KEY], {}, "radarr/api_key is declared twice"),
        (
            [KEY, {**HASH, "derive": {"from": "nothing", "hash": "bcrypt"}}],
            {},
            "derived from radarr/nothing, which is no",
        ),
        (
            [KEY, HASH, {**HASH, "name": "b", "derive": {"from": "hash", "hash": "bcrypt"}}],
            {},
            "derived from radarr/hash",
        ),
        ([KEY, {**HASH, "derive": {"from": "api_key", "hash": "md5"}}], {}, "the hash 'md5' is unknown"),
        ([KEY, HASH], {"radarr": {"hash": "marker"}}, "is made from radarr/api_key: give that one instead"),
        ([TOKEN, {**TOKEN, "name": "other"}], {}, "dns.token has no value.*; kronos_secrets.dns.other has no value"),
    ],
)
def test_mistakes_are_named_without_values(declared, given, says):
    with pytest.raises(KronosError, match=says) as failure:
        parse(declared, given)
    assert "marker" not in str(failure.value)


A = WantedSecret("s", "a", "hex", 32)
GIVEN = WantedSecret("s", "a", "given", 0, "new")


@pytest.mark.parametrize(
    ("secret", "stored", "rotate", "action"),
    [
        (A, Stored(), [], "created"),
        (A, Stored(""), [], "created"),
        (A, Stored("kept"), [], None),
        (A, Stored("kept", private=False), [], "repaired"),
        (A, Stored("kept"), ["s/a"], "rotated"),
        (A, Stored(), ["s/a"], "created"),
        (A, Stored(None, "in use"), [], "restored"),
        (A, Stored(None, "in use"), ["s/a"], "created"),
        (GIVEN, Stored("old"), [], "given"),
        (GIVEN, Stored(), [], "given"),
        (GIVEN, Stored("new"), [], None),
        (GIVEN, Stored("new", private=False), [], "repaired"),
    ],
)
def test_plan(secret, stored, rotate, action):
    change = store.plan([secret], {"s/a": stored}, [], rotate, {})
    assert change.actions.get("s/a") == action
    assert change.changed is (action is not None)
    assert bool(change.diff) is change.changed
    assert not any(value in str(change.diff) for value in ("kept\n", "in use", "new", "old"))


@pytest.mark.parametrize(
    ("rotate", "says"),
    [
        (["s/b"], "no service declares a secret 's/b' .*did you mean s/a"),
        (["nothing like it"], "no service declares a secret 'nothing like it'"),
        (["t/g"], "t/g comes from the inventory; change kronos_secrets.t.g instead"),
    ],
)
def test_rotation_of_what_cannot_be(rotate, says):
    with pytest.raises(KronosError, match=says):
        store.plan([A, WantedSecret("t", "g", "given", 0, "x")], {}, [], rotate, {})


def test_a_diff_says_whether_something_is_replaced():
    befores = [
        store.plan([secret], {"s/a": stored}, [], [], {}).diff[0]["before"]
        for secret, stored in [(A, Stored()), (A, Stored(None, "x")), (GIVEN, Stored()), (GIVEN, Stored("old"))]
    ]
    assert befores == ["", "", "", "(kept value, hidden)\n"]


def test_values_for_nothing_are_reported():
    change = store.plan([GIVEN], {"s/a": Stored("new")}, [], [], {"s": {"a": "new", "b": "x"}, "gone": {"c": "y"}})
    assert change.unused == ("gone/c", "s/b")


@pytest.fixture
def host(tmp_path):
    return {"root": str(tmp_path / "kronos" / "secrets"), "stacks": str(tmp_path / "stacks")}


def converge(host, wanted, rotate=()):
    present = store.read(wanted, **host)
    change = store.plan(wanted, present, store.read_folders(wanted, root=host["root"]), rotate, {})
    store.apply(change, present, root=host["root"])
    return change


def value_of(host, key="s/a"):
    with open(os.path.join(host["root"], key)) as stream:
        return stream.read()


def test_a_life_of_a_secret(host):
    assert converge(host, [A]).actions == {"s/a": "created"}
    first = value_of(host)
    assert re.fullmatch("[0-9a-f]{32}", first)
    for folder in ("", "/s"):
        assert stat.S_IMODE(os.stat(host["root"] + folder).st_mode) == 0o700
    path = f"{host['root']}/s/a"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not converge(host, [A]).changed

    os.chmod(path, 0o644)
    os.chmod(f"{host['root']}/s", 0o755)
    change = converge(host, [A])
    assert (change.actions, change.folders) == ({"s/a": "repaired"}, (f"{host['root']}/s",))
    assert (value_of(host), stat.S_IMODE(os.stat(path).st_mode)) == (first, 0o600)
    assert not converge(host, [A]).changed

    assert converge(host, [A], ["s/a"]).actions == {"s/a": "rotated"}
    second = value_of(host)
    assert second != first
    assert converge(host, [GIVEN]).actions == {"s/a": "given"}
    assert value_of(host) == "new"


def test_a_deleted_secret_comes_back_from_its_service(host):
    converge(host, [A])
    first = value_of(host)
    copy = os.path.join(host["stacks"], "media", "secrets", "s")
    os.makedirs(copy)
    with open(f"{copy}/a", "w") as stream:
        stream.write(first)
    os.unlink(f"{host['root']}/s/a")
    assert converge(host, [A]).actions == {"s/a": "restored"}
    assert value_of(host) == first


def test_a_link_is_no_secret(host):
    converge(host, [A])
    os.unlink(f"{host['root']}/s/a")
    os.symlink("/etc/hostname", f"{host['root']}/s/a")
    with pytest.raises(KronosError, match=r"/s/a is a link: a file is wanted there; move it away first"):
        converge(host, [A])


def test_a_directory_is_no_secret(host):
    os.makedirs(f"{host['root']}/s/a")
    with pytest.raises(KronosError, match=r"/s/a is a directory: a file is wanted there; move it away first"):
        converge(host, [A])


def test_every_kept_value_is_known_to_those_who_hide_them(host):
    assert store.kept_values(host["root"]) == []
    converge(host, [A])
    os.makedirs(f"{host['root']}/old/folder")
    os.symlink("/etc/hostname", f"{host['root']}/old/link")
    with open(f"{host['root']}/old/undeclared", "w") as stream:
        stream.write("still a secret")
    assert store.kept_values(host["root"]) == ["still a secret", value_of(host)]


def test_the_receipt_holds_no_value(host):
    converge(host, [A])
    left = store.left([A], root=host["root"])
    key = f"{os.path.dirname(host['root'])}/fingerprint.key"
    assert list(left["files"]) == [f"{host['root']}/s/a", key]
    assert set(left["directories"]) == {os.path.dirname(key), host["root"], f"{host['root']}/s"}
    assert value_of(host) not in str(left)


def test_description():
    assert [store.describe(secret) for secret in (A, GIVEN, WantedSecret("s", "u", "uuid", 0))] == [
        "hex, 32 characters",
        "from the inventory",
        "uuid",
    ]


@pytest.fixture
def quick(monkeypatch):
    """A hash that costs nothing: what hashes are like, test_secret_derive knows."""
    made = iter(range(100))
    monkeypatch.setattr(store.secret_derive, "make", lambda kind, value: f"{kind}:{value}:{next(made)}")
    monkeypatch.setattr(
        store.secret_derive, "verifies", lambda kind, hashed, value: hashed.startswith(f"{kind}:{value}:")
    )


D = WantedSecret("t", "d", "derived", 0, None, "s/a", "bcrypt")


def test_a_derived_secret_stays_until_its_source_changes(host, quick):
    # the source is looked at first, wherever it stands
    assert converge(host, [D, A]).actions == {"s/a": "created", "t/d": "created"}
    first, hashed = value_of(host), value_of(host, "t/d")
    assert hashed.startswith(f"bcrypt:{first}:")
    assert not converge(host, [D, A]).changed

    change = converge(host, [D, A], ["s/a"])
    assert (change.actions, change.renewed) == ({"s/a": "rotated", "t/d": "derived"}, ["s/a", "t/d"])
    assert value_of(host, "t/d").startswith(f"bcrypt:{value_of(host)}:")
    assert value_of(host) != first
    assert "(derived: bcrypt of s/a)" in change.diff[0]["after"]

    assert converge(host, [D, GIVEN]).actions == {"s/a": "given", "t/d": "derived"}
    with open(f"{host['root']}/t/d", "w") as stream:
        stream.write("bcrypt:other:1")
    assert converge(host, [D, GIVEN]).actions == {"t/d": "derived"}
    kept = value_of(host, "t/d")
    os.chmod(f"{host['root']}/t/d", 0o644)
    assert converge(host, [D, GIVEN]).actions == {"t/d": "repaired"}
    assert value_of(host, "t/d") == kept
    assert converge(host, [D, GIVEN], ["t/d"]).actions == {"t/d": "rotated"}
    assert value_of(host, "t/d") != kept


def test_a_given_source_makes_a_hash_at_once(host, quick):
    assert converge(host, [GIVEN, D]).actions == {"s/a": "given", "t/d": "created"}
    assert value_of(host, "t/d") == "bcrypt:new:0"


def test_a_restored_source_keeps_its_hash(host, quick):
    converge(host, [A, D])
    copy = os.path.join(host["stacks"], "media", "secrets", "s")
    os.makedirs(copy)
    os.rename(f"{host['root']}/s/a", f"{copy}/a")
    assert converge(host, [A, D]).actions == {"s/a": "restored"}


def test_a_generated_key_is_a_private_key():
    assert store.generate("rsa_key", 2048).startswith("-----BEGIN PRIVATE KEY-----\n")
