# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import stack_secrets
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import parse


@pytest.fixture
def layout(tmp_path):
    return Layout("own", etc=str(tmp_path / "etc"), uid=os.geteuid(), gid=os.getegid())


def put(layout, content):
    os.makedirs(os.path.dirname(layout.master("web", "token")))
    with open(layout.master("web", "token"), "wb") as stream:
        stream.write(content)


STACK = parse("own", {"services": {"web": {"image": "x"}}}, {"web": {"secret_files": {"T_FILE": "token"}}})


def test_reading(layout):
    assert stack_secrets.read_secrets(STACK, layout) == {"web": {"token": None}}
    assert stack_secrets.missing({"web": {"token": None}}, layout) == [layout.master("web", "token")]
    put(layout, b"a\r\nb")
    assert stack_secrets.read_secrets(STACK, layout) == {"web": {"token": "a\r\nb"}}


@pytest.mark.parametrize(("content", "message"), [(b"\xff\xfe", "not text in UTF-8"), (b"a\0b", "holds a NUL")])
def test_what_no_variable_can_hold(layout, content, message):
    put(layout, content)
    with pytest.raises(KronosError, match=message):
        stack_secrets.read_secrets(STACK, layout)


def test_the_key_is_made_once_and_never_in_check_mode(layout):
    assert stack_secrets.fingerprint_key(layout, create=False) != stack_secrets.fingerprint_key(layout, create=False)
    assert not os.path.exists(layout.etc)
    key = stack_secrets.fingerprint_key(layout, create=True)
    assert key == stack_secrets.fingerprint_key(layout, create=False)
    assert oct(os.stat(layout.fingerprint_key).st_mode & 0o777) == "0o600"
    with open(layout.fingerprint_key, "w", encoding="ascii") as stream:
        stream.write("rubbish")
    assert stack_secrets.fingerprint_key(layout, create=True) != key


def test_a_fingerprint_tells_services_and_names_apart():
    marks = {stack_secrets.fingerprint(b"k" * 32, *one) for one in (("a", "b", "c"), ("a", "bc", ""), ("ab", "", "c"))}
    assert len(marks) == 3
