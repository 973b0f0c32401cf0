# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain data."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import yaml
from ansible.template import trust_as_template
from ansible_collections.kronos.homelab.plugins.plugin_utils.plain import to_plain

CASES: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (1, 1),
    (1.5, 1.5),
    ("text", "text"),
    ({"a": (1, 2)}, {"a": [1, 2]}),
    ({"b", "a"}, ["a", "b"]),
    (b"bytes", "bytes"),
    (date(2026, 11, 22), "2026-11-22"),
]


@pytest.mark.parametrize(("value", "wanted"), CASES)
def test_values(value: Any, wanted: Any) -> None:
    assert to_plain(value) == wanted


def test_tags_are_gone_and_the_input_is_left_alone() -> None:
    tagged = {trust_as_template("key"): [trust_as_template("{{ x }}")]}
    plain = to_plain(tagged)
    assert next(iter(plain)).__class__ is str
    assert plain["key"][0].__class__ is str
    assert tagged["key"][0].__class__ is not str
    assert yaml.safe_load(yaml.safe_dump(plain)) == plain
    assert json.loads(json.dumps(plain)) == plain


def test_other_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="cannot be made plain: object"):
        to_plain({"a": object()})
