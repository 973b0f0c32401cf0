# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No program's way of writing a secret shows it."""

from __future__ import annotations

import base64
import html
import json
import shlex
import subprocess
import urllib.parse
from collections.abc import Callable

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.mask import HIDDEN, Mask
from hypothesis import given
from hypothesis import strategies as some

PEM = "-----BEGIN KEY-----\nMIIBlTCCATugAwIBAgIUSK08\nshort\n-----END KEY-----\n"
SECRET = "p$a'ss\"w\\rd"
ODD = "tab\\there, two  spaces, caf\\u00e9 & <b> $HOME \\x41\\\\ it's"

SHOWN = [
    ("it is " + SECRET, f"it is {HIDDEN}"),
    (json.dumps({"a": SECRET}), f'{{"a": "{HIDDEN}"}}'),
    (repr(KeyError(SECRET)), f"KeyError('{HIDDEN}')"),
    (SECRET.replace("$", "$$"), HIDDEN),
    ("line MIIBlTCCATugAwIBAgIUSK08 of a key", f"line {HIDDEN} of a key"),
    ("-----BEGIN KEY-----", "-----BEGIN KEY-----"),
    ("a short word", "a short word"),
    ("nothing", "nothing"),
]


@pytest.mark.parametrize(("text", "expected"), SHOWN)
def test_no_spelling_of_a_secret_is_shown(text: str, expected: str) -> None:
    assert Mask([SECRET, PEM, "abc"]).text(text) == expected


def by_shell(script: str) -> Callable[[str], str]:
    """What a shell's builtin prints, the value being its first argument."""

    def write(value: str) -> str:
        return subprocess.run(["bash", "-c", script, "x", value], capture_output=True, check=True).stdout.decode()

    return write


def in_header(value: str) -> str:
    """As basic authentication carries it, at any offset."""
    return base64.b64encode(f"user:{value}".encode()).decode()


WRITERS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON within JSON": lambda value: json.dumps(json.dumps({"a": value})),
    "JSON in Unicode": lambda value: json.dumps(value, ensure_ascii=False),
    "Python": repr,
    "a word of a shell": shlex.quote,
    "a word of bash": by_shell('printf %q "$1"'),
    "echo -e": by_shell('echo -e "value: $1."'),
    "printf %b": by_shell('printf %b "$1"'),
    "JSON after echo -e": lambda value: json.dumps(by_shell('printf %b "$1"')(value)),
    "a URL": urllib.parse.quote,
    "a form": urllib.parse.quote_plus,
    "a path segment": lambda value: urllib.parse.quote(value, safe=""),
    "HTML": html.escape,
    "HTML text": lambda value: html.escape(value, quote=False),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "an Authorization header": in_header,
    "hex": lambda value: value.encode().hex(),
    "one line": lambda value: " ".join(value.split()),
}


@pytest.mark.parametrize("secret", [SECRET, ODD, "wörter-mit-Ümlauten", "0123456789abcdef", "a  b\tc   d"])
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS.keys())
def test_a_secret_is_hidden_however_a_program_writes_it(writer: Callable[[str], str], secret: str) -> None:
    shown = Mask([secret]).text(f"before {writer(secret)} after")
    assert HIDDEN in shown
    for part in (secret, secret[:6], secret[-6:], secret[2:8]):
        for write in (str, json.dumps, urllib.parse.quote, html.escape, lambda text: text.encode().hex()):
            assert write(part).strip('"') not in shown, shown


@given(some.text(min_size=4, max_size=20), some.text(max_size=20), some.text(max_size=20))
def test_any_text_around_any_secret(secret: str, before: str, after: str) -> None:
    stripped = secret.strip()
    if len(stripped) >= 4 and stripped not in HIDDEN * 3 and not any(char in stripped for char in "*"):
        assert stripped not in Mask([secret]).text(before + secret + after)


@pytest.mark.parametrize(
    "text", ["C:\new\table\\markb85e42a483d8d9a\ufffd", "cut markb85e42a483d8d9a", "MARK: markb85e42a483d8d9a!"]
)
def test_the_heart_of_a_secret_is_hidden_whatever_became_of_its_signs(text: str) -> None:
    shown = Mask(["C:\\new\\table\\x41\\\\markb85e42a483d8d9a\\"]).text(text)
    assert shown == text.replace("markb85e42a483d8d9a", HIDDEN)


def test_data_is_searched_through() -> None:
    mask = Mask(["marker"])
    found = mask.data({"a marker": ["marker", 1, None, ("x", {"y": "marker!"})]})
    assert found == {f"a {HIDDEN}": [HIDDEN, 1, None, ["x", {"y": f"{HIDDEN}!"}]]}


def test_the_longer_of_two_goes_first() -> None:
    assert Mask(["marker", "marker-two"]).text("marker-two marker") == f"{HIDDEN} {HIDDEN}"
