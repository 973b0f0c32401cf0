# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ModSecurity's rules, shared and of one route."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_waf_rules import main_rules, route_rules

USUAL: dict[str, Any] = {"paranoia": 1, "detect_only": False, "exclude_rules": [], "max_body": 13631488}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, ["SecRuleEngine On", "SecRequestBodyLimit 13631488", "SecRequestBodyNoFilesLimit 13631488"]),
        ({"detect_only": True}, ["SecRuleEngine DetectionOnly"]),
        ({"max_body": 1024}, ["SecRequestBodyLimit 1024"]),
        ({"exclude_rules": [942100, 930120, 942100]}, ["SecRuleRemoveById 930120", "SecRuleRemoveById 942100"]),
    ],
)
def test_a_route(said: dict[str, Any], wanted: list[str]) -> None:
    rules = route_rules("app", {**USUAL, **said})
    assert [rule for rule in rules if rule in wanted] == wanted


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_paranoia_has_its_name_in_both_versions_of_the_rules(level: int) -> None:
    (action,) = [rule for rule in route_rules("app", {**USUAL, "paranoia": level}) if rule.startswith("SecAction")]
    found = dict(re.findall(r"setvar:tx\.([a-z_]+)=(\d)", action))
    names = ("paranoia_level", "executing_paranoia_level", "blocking_paranoia_level", "detection_paranoia_level")
    assert found == dict.fromkeys(names, str(level))


@pytest.mark.parametrize(
    "said",
    [
        {"paranoia": 5},
        {"paranoia": 0},
        {"paranoia": True},
        {"paranoia": "1"},
        {"exclude_rules": ["942100'; "]},
        {"exclude_rules": [1]},
        {"max_body": "1g"},
        {"max_body": 0},
    ],
)
def test_what_is_no_such_number_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(RenderError, match=rf"routes\.app\.waf\.{next(iter(said))}: a number from"):
        route_rules("app", {**USUAL, **said})


def test_shared_rules() -> None:
    text = main_rules()
    ids = re.findall(r"\bid:'?(\d+)", text)
    assert len(ids) == len(set(ids))
    # what the log must not have: headers and bodies, which carry passwords
    assert re.search(r"^SecAuditLogParts AHZ$", text, re.MULTILINE)
    assert re.search(r"^SecResponseBodyAccess Off$", text, re.MULTILINE)
    assert text.rstrip().splitlines()[-1] == "Include /tmp/rules/*.conf"
    # an answer to no question of ours: methods that no program of a home needs
    methods = re.search(r"tx\.allowed_methods=([A-Z ]+)'", text)
    assert methods
    assert not {"TRACE", "CONNECT", "DEBUG"} & set(methods.group(1).split())
